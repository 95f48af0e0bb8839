//! Our rules: control port, open ports, jumps. Written with the registers nft itself uses, so that it lists them
//! as it would its own, and its listing loads again.

use std::ffi::{CString, NulError};

use nftnl::{
    Chain, ProtoFamily, Rule, Table as NftTable,
    expr::{Cmp, CmpOp, Counter, Lookup, Meta, Verdict},
    set::Set as NftSet,
};

use crate::{
    element::decode_comment,
    message::{Buffer, Received, flag, kind},
    ruleset::{Family, Protocol},
    set::Version,
    sys::{Base, Load, Scratch},
    table::Table,
};

/// The comment that tells our rules from others.
const COMMENT: &std::ffi::CStr = c"letmein";
/// NLM_F_CREATE | NLM_F_APPEND: at the end of the chain.
pub(crate) const ADD_FLAGS: u16 = flag::REQUEST | flag::CREATE | 0x800;

/// NFPROTO_IPV4 and NFPROTO_IPV6 of linux/netfilter.h.
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;

/// NFTA_RULE_* of linux/netfilter/nf_tables.h.
mod attribute {
    pub const TABLE: u16 = 1;
    pub const CHAIN: u16 = 2;
    pub const HANDLE: u16 = 3;
    pub const USERDATA: u16 = 7;
}

/// NFT_REG_1: 16 bytes, also the first of the 4-byte registers NFT_REG32_00 (8) and up.
const REGISTER_1: u32 = 1;
/// Where the parts of `addr . l4proto . port` go when the address has 4 bytes: NFT_REG32_01 and _02.
const AFTER_IPV4: [u32; 2] = [9, 10];
/// And when it has 16: NFT_REG_2 (nft's choice for NFT_REG32_04) and NFT_REG32_05.
const AFTER_IPV6: [u32; 2] = [2, 13];

/// A set as a rule names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetName<'a> {
    pub name: &'a str,
    pub id: u32,
}

/// One of our rules.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RuleSpec<'a> {
    /// `tcp dport PORT accept`.
    ControlPort { protocol: Protocol, port: u16 },
    /// `ip saddr . meta l4proto . th dport @SET counter accept`.
    OpenPorts { version: Version, set: SetName<'a> },
    /// `ip saddr @SET jump CHAIN`.
    JumpSource {
        version: Version,
        set: SetName<'a>,
        to: &'a str,
    },
    /// `meta protocol @SET jump CHAIN`.
    JumpAnybody { set: SetName<'a>, to: &'a str },
}

impl RuleSpec<'_> {
    /// The netlink message that appends this rule to a chain.
    ///
    /// # Errors
    /// A name with a NUL in it.
    pub fn encode<'s>(
        &self,
        table: &Table,
        chain: &str,
        sequence: u32,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u8], NulError> {
        let nft_table = NftTable::new(CString::new(table.name.as_str())?, family(table.family));
        let chain = Chain::new(CString::new(chain)?, &nft_table);
        let mut rule = Rule::new(&chain);
        match *self {
            RuleSpec::ControlPort { protocol, port } => {
                let number: &[u8] = &[protocol.number()];
                rule.add_expr(&Meta::L4Proto);
                rule.add_expr(&Cmp::new(CmpOp::Eq, number));
                rule.add_expr(&destination_port(REGISTER_1));
                let port: &[u8] = &port.to_be_bytes();
                rule.add_expr(&Cmp::new(CmpOp::Eq, port));
                rule.add_expr(&Verdict::Accept);
            }
            RuleSpec::OpenPorts { version, set } => {
                only_version(&mut rule, table.family, version);
                rule.add_expr(&source_address(version));
                let [second, third] = match version {
                    Version::V4 => AFTER_IPV4,
                    Version::V6 => AFTER_IPV6,
                };
                rule.add_expr(&Load::L4Proto { register: second });
                rule.add_expr(&destination_port(third));
                rule.add_expr(&lookup(set, &nft_table)?);
                rule.add_expr(&Counter);
                rule.add_expr(&Verdict::Accept);
            }
            RuleSpec::JumpSource { version, set, to } => {
                only_version(&mut rule, table.family, version);
                rule.add_expr(&source_address(version));
                rule.add_expr(&lookup(set, &nft_table)?);
                rule.add_expr(&jump(to)?);
            }
            RuleSpec::JumpAnybody { set, to } => {
                rule.add_expr(&Meta::Protocol);
                rule.add_expr(&lookup(set, &nft_table)?);
                rule.add_expr(&jump(to)?);
            }
        }
        // It fails only when longer than 128 bytes.
        let _ = rule.set_comment(COMMENT);
        Ok(scratch.encode(&rule, sequence))
    }
}

fn family(family: Family) -> ProtoFamily {
    match family {
        Family::Inet => ProtoFamily::Inet,
        Family::Ip => ProtoFamily::Ipv4,
        Family::Ip6 => ProtoFamily::Ipv6,
    }
}

/// In family inet a header's offset means nothing before the version is known.
fn only_version(rule: &mut Rule<'_>, family: Family, version: Version) {
    if family == Family::Inet {
        let number: &[u8] = match version {
            Version::V4 => &[NFPROTO_IPV4],
            Version::V6 => &[NFPROTO_IPV6],
        };
        rule.add_expr(&Meta::NfProto);
        rule.add_expr(&Cmp::new(CmpOp::Eq, number));
    }
}

/// The source address: RFC 791 §3.1, RFC 8200 §3.
fn source_address(version: Version) -> Load {
    let (offset, len) = match version {
        Version::V4 => (12, 4),
        Version::V6 => (8, 16),
    };
    Load::Payload {
        base: Base::Network,
        offset,
        len,
        register: REGISTER_1,
    }
}

/// The destination port, in the same place in TCP and UDP.
fn destination_port(register: u32) -> Load {
    Load::Payload {
        base: Base::Transport,
        offset: 2,
        len: 2,
        register,
    }
}

fn lookup(set: SetName<'_>, table: &NftTable) -> Result<Lookup, NulError> {
    let name = CString::new(set.name)?;
    // Only name and id of it are used: the key type is any.
    let set = NftSet::<std::net::Ipv4Addr>::new_named(&name, set.id, table, table.get_family());
    Ok(Lookup::new(&set))
}

fn jump(to: &str) -> Result<Verdict, NulError> {
    let chain = CString::new(to)?;
    Ok(Verdict::Jump { chain })
}

/// Writes the request for the rules of a chain.
pub(crate) fn encode_list(table: &Table, chain: &str, sequence: u32, buffer: &mut Buffer) {
    let flags = flag::REQUEST | flag::DUMP;
    let start = buffer.begin(kind::GET_RULE, flags, sequence, table.protocol_family(), 0);
    encode_head(table, chain, None, buffer);
    buffer.end(start);
}

/// The attributes that name a chain's rules: one by its handle, or all.
pub(crate) fn encode_head(table: &Table, chain: &str, handle: Option<u64>, buffer: &mut Buffer) {
    buffer.string(attribute::TABLE, &table.name);
    buffer.string(attribute::CHAIN, chain);
    if let Some(handle) = handle {
        buffer.be64(attribute::HANDLE, handle);
    }
}

/// The handle of a rule of ours in this chain; `None` if it is not ours, or not there.
pub(crate) fn our_handle(message: &Received<'_>, chain: &str) -> Option<u64> {
    let attributes = message.attributes();
    let comment = decode_comment(attributes.find(attribute::USERDATA)?)?;
    let ours = comment.as_bytes() == COMMENT.to_bytes() && is_in(message, chain);
    ours.then(|| attributes.be64(attribute::HANDLE)).flatten()
}

/// Whether a listed rule is in this chain: old kernels list the whole table.
pub(crate) fn is_in(message: &Received<'_>, chain: &str) -> bool {
    message.attributes().text(attribute::CHAIN) == Some(chain)
}
