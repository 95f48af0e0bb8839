//! `Firewall`: the ruleset as an object, changes and ledger entries as packed records.

use letmein_firewall::{
    Change, Entry, Family, Holder, Hook, Jump, Opening, Protocol, Ruleset, Target,
};
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;

use crate::bytes::{Fields, records};
use crate::errors::{self, Result, malformed};

/// A change: action (1: 0 remove, 1 put), object (1: 0 ledger entry, 1 TCP port, 2 UDP port, 3 input,
/// 4 forward, 5 output jump), port (2), resource (4), user (4), address (16), milliseconds (8, float).
const CHANGE_LEN: usize = 1 + 1 + 2 + 4 + 4 + 16 + 8;
/// A ledger entry: address (16), resource (4), user (4), milliseconds left (8, float).
const ENTRY_LEN: usize = 16 + 4 + 4 + 8;

/// Where a jump resource leads in one of our chains.
#[napi(object)]
pub struct JumpTarget {
    pub chain: String,
    /// Only packets from the holder's address.
    pub match_source: bool,
}

/// A jump resource.
#[napi(object)]
pub struct JumpResource {
    pub id: u32,
    pub input: Option<JumpTarget>,
    pub forward: Option<JumpTarget>,
    pub output: Option<JumpTarget>,
}

/// What of the configuration the firewall needs.
#[napi(object)]
pub struct FirewallRuleset {
    #[napi(ts_type = "'inet' | 'ip' | 'ip6'")]
    pub family: String,
    pub table: String,
    pub chain_input: String,
    pub chain_forward: Option<String>,
    pub chain_output: Option<String>,
    pub control_port: u16,
    pub control_tcp: bool,
    pub control_udp: bool,
    pub jumps: Vec<JumpResource>,
}

/// A jump resource whose chains cannot take its rules now, and why.
#[napi(object)]
pub struct OutOfService {
    pub resource: u32,
    pub reason: String,
}

/// What `install` found.
#[napi(object)]
pub struct Installed {
    /// Rules that stood in our chains and were not ours, a line each; they are gone.
    pub foreign: Vec<String>,
    pub out_of_service: Vec<OutOfService>,
    /// Sets of ours that are no longer wanted but that somebody else's rule uses: emptied, not deleted.
    pub kept: Vec<String>,
}

/// The administrator's table and letmein's objects in it, over netlink. Every method throws an error
/// whose `code` is the errno's name ("ENOENT") and whose message names step and object.
#[napi]
pub struct Firewall {
    firewall: letmein_firewall::Firewall,
}

#[napi]
impl Firewall {
    /// Opens the netlink socket; changes nothing.
    #[napi(constructor)]
    pub fn new(ruleset: FirewallRuleset) -> Result<Self> {
        let firewall = letmein_firewall::Firewall::open(read_ruleset(ruleset)?);
        Ok(Self {
            firewall: firewall.map_err(|error| errors::firewall(&error))?,
        })
    }

    /// The leases of this boot that are still alive, as records of 32 bytes.
    #[napi]
    pub fn ledger(&mut self) -> Result<Buffer> {
        let entries = self
            .firewall
            .ledger()
            .map_err(|error| errors::firewall(&error))?;
        Ok(entries
            .iter()
            .flat_map(write_entry)
            .collect::<Vec<u8>>()
            .into())
    }

    /// Writes sets and rules anew, with exactly the elements of `changes` (36 bytes each) in them.
    #[napi]
    pub fn install(&mut self, changes: Uint8Array) -> Result<Installed> {
        let installed = self.firewall.install(&read_changes(changes.as_ref())?);
        let installed = installed.map_err(|error| errors::firewall(&error))?;
        let out_of_service = installed.out_of_service.into_iter();
        Ok(Installed {
            foreign: installed.foreign,
            out_of_service: out_of_service
                .map(|(resource, error)| OutOfService {
                    resource,
                    reason: error.to_string(),
                })
                .collect(),
            kept: installed.kept.iter().map(ToString::to_string).collect(),
        })
    }

    /// Makes all of `changes` (36 bytes each) in one transaction, or none.
    #[napi]
    pub fn apply(&mut self, changes: Uint8Array) -> Result<()> {
        let applied = self.firewall.apply(&read_changes(changes.as_ref())?);
        applied.map_err(|error| errors::firewall(&error))
    }

    /// Removes our rules and sets; the administrator's chains stay.
    #[napi]
    pub fn remove(&mut self) -> Result<()> {
        self.firewall
            .remove()
            .map_err(|error| errors::firewall(&error))
    }
}

fn read_changes(batch: &[u8]) -> Result<Vec<Change>> {
    records(batch, CHANGE_LEN)?.map(read_change).collect()
}

fn read_change(mut record: Fields<'_>) -> Result<Change> {
    let put = match record.byte()? {
        0 => false,
        1 => true,
        _ => return Err(malformed()),
    };
    let object = record.byte()?;
    let port = record.port()?;
    let resource = record.id()?;
    let user = record.id()?;
    let address = record.take()?;
    let timeout_ms = record.milliseconds()?;
    let at_port = |protocol| Opening::Port {
        address,
        protocol,
        port,
    };
    let at_hook = |hook| Opening::Jump {
        resource,
        hook,
        address,
    };
    let opening = match object {
        0 => {
            let holder = Holder {
                address,
                resource,
                user,
            };
            return Ok(match put {
                true => Change::Hold { holder, timeout_ms },
                false => Change::Release { holder },
            });
        }
        1 => at_port(Protocol::Tcp),
        2 => at_port(Protocol::Udp),
        3 => at_hook(Hook::Input),
        4 => at_hook(Hook::Forward),
        5 => at_hook(Hook::Output),
        _ => return Err(malformed()),
    };
    Ok(match put {
        true => Change::Open {
            opening,
            timeout_ms,
        },
        false => Change::Close { opening },
    })
}

fn write_entry(entry: &Entry) -> Vec<u8> {
    let mut record = Vec::with_capacity(ENTRY_LEN);
    record.extend_from_slice(&entry.holder.address);
    record.extend_from_slice(&entry.holder.resource.to_be_bytes());
    record.extend_from_slice(&entry.holder.user.to_be_bytes());
    record.extend_from_slice(&(entry.remaining_ms as f64).to_be_bytes());
    record
}

fn read_ruleset(ruleset: FirewallRuleset) -> Result<Ruleset> {
    Ok(Ruleset {
        family: match ruleset.family.as_str() {
            "inet" => Family::Inet,
            "ip" => Family::Ip,
            "ip6" => Family::Ip6,
            _ => return Err(malformed()),
        },
        table: ruleset.table,
        chain_input: ruleset.chain_input,
        chain_forward: ruleset.chain_forward,
        chain_output: ruleset.chain_output,
        control_port: ruleset.control_port,
        control_tcp: ruleset.control_tcp,
        control_udp: ruleset.control_udp,
        jumps: ruleset.jumps.into_iter().map(Jump::from).collect(),
    })
}

impl From<JumpResource> for Jump {
    fn from(jump: JumpResource) -> Self {
        let target = |target: JumpTarget| Target {
            chain: target.chain,
            match_source: target.match_source,
        };
        Self {
            resource: jump.id,
            input: jump.input.map(target),
            forward: jump.forward.map(target),
            output: jump.output.map(target),
        }
    }
}
