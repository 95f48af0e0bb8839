//! Which sets a ruleset needs, and which elements a change means in them.

use std::collections::HashMap;

use crate::{
    batch::Origin,
    change::{Change, Lease, Opening},
    element::{Element, FoundElement},
    error::{Error, Step},
    key::{self, Key, address_key, is_ipv4, mapped, port_key},
    ruleset::{Hook, Jump, Protocol, Ruleset},
    set::{KeyKind, PREFIX, Set, Version},
    table::Table,
};

/// The places in [`Layout::sets`] of one thing's sets, per IP version the table has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Versions {
    pub v4: Option<usize>,
    pub v6: Option<usize>,
}

/// The sets of one jump resource in one hook.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JumpSets {
    /// Keyed by source address.
    Source(Versions),
    /// A constant key: everybody.
    Anybody(usize),
}

/// Our sets in the administrator's table.
#[derive(Debug)]
pub(crate) struct Layout {
    pub sets: Vec<Set>,
    pub ports: Versions,
    pub ledger: usize,
    jumps: HashMap<(u32, Hook), JumpSets>,
    table: Table,
}

impl Layout {
    pub fn of(ruleset: &Ruleset) -> Self {
        let mut layout = Self {
            sets: Vec::new(),
            ports: Versions::default(),
            ledger: 0,
            jumps: HashMap::new(),
            table: Table::of(ruleset),
        };
        layout.ledger = layout.add("ledger", KeyKind::Ledger, Origin::Core);
        layout.ports = layout.add_versions("port", KeyKind::Port, Origin::Core);
        for jump in &ruleset.jumps {
            layout.add_jump(jump);
        }
        layout
    }

    fn add_jump(&mut self, jump: &Jump) {
        let owner = Origin::Jump(jump.resource);
        for hook in Hook::ALL {
            let Some(target) = jump.target(hook) else {
                continue;
            };
            let name = format!("{:08x}-{}", jump.resource, hook.name());
            let sets = if target.match_source {
                JumpSets::Source(self.add_versions(&name, KeyKind::Address, owner))
            } else {
                JumpSets::Anybody(self.add(&name, KeyKind::EtherType, owner))
            };
            self.jumps.insert((jump.resource, hook), sets);
        }
    }

    fn add_versions(
        &mut self,
        name: &str,
        kind: fn(Version) -> KeyKind,
        owner: Origin,
    ) -> Versions {
        let family = self.table.family;
        let mut add = |suffix, version| self.add(&format!("{name}{suffix}"), kind(version), owner);
        Versions {
            v4: family.has_ipv4().then(|| add("4", Version::V4)),
            v6: family.has_ipv6().then(|| add("6", Version::V6)),
        }
    }

    fn add(&mut self, name: &str, kind: KeyKind, owner: Origin) -> usize {
        let name = format!("{PREFIX}{name}");
        self.sets.push(Set::new(&self.table, name, kind, owner));
        self.sets.len() - 1
    }

    /// The sets of a jump resource in a hook.
    pub fn jump(&self, resource: u32, hook: Hook) -> Option<JumpSets> {
        self.jumps.get(&(resource, hook)).copied()
    }

    /// Says which jump resources are out of service: their sets do not exist.
    pub fn set_out_of_service(&mut self, resources: &[(u32, Error)]) {
        for set in &mut self.sets {
            let out = resources
                .iter()
                .any(|(id, _)| set.owner == Origin::Jump(*id));
            set.in_service = !out;
        }
    }

    /// The set in this place, if it exists in the kernel.
    pub fn in_service(&self, place: usize) -> Option<&Set> {
        self.sets.get(place).filter(|set| set.in_service)
    }

    /// Appends what a change means. What closes a lease that cannot be open means nothing.
    ///
    /// # Errors
    /// An opening that cannot be: ENOENT for an unknown resource or one out of service, EAFNOSUPPORT for an
    /// address that the table's family does not have.
    pub fn resolve(&self, change: &Change, out: &mut Vec<Element>) -> Result<(), Error> {
        let (opening, timeout_ms) = match change {
            Change::Hold { holder, timeout_ms } => {
                self.push(
                    self.ledger,
                    key::encode_holder(holder),
                    Some(*timeout_ms),
                    out,
                );
                return Ok(());
            }
            Change::Release { holder } => {
                self.push(self.ledger, key::encode_holder(holder), None, out);
                return Ok(());
            }
            Change::Open {
                opening,
                timeout_ms,
            } => (opening, Some(*timeout_ms)),
            Change::Close { opening } => (opening, None),
        };
        let done = self.resolve_opening(opening, timeout_ms, out);
        if timeout_ms.is_none() { Ok(()) } else { done }
    }

    fn resolve_opening(
        &self,
        opening: &Opening,
        timeout_ms: Option<u64>,
        out: &mut Vec<Element>,
    ) -> Result<(), Error> {
        match opening {
            Opening::Port {
                address,
                protocol,
                port,
            } => {
                let place = self.version_of(self.ports, address)?;
                self.push(place, port_key(address, *protocol, *port), timeout_ms, out);
            }
            Opening::Jump {
                resource,
                hook,
                address,
            } => match self.serving(*resource, *hook)? {
                JumpSets::Source(versions) => {
                    let place = self.version_of(versions, address)?;
                    self.push(place, address_key(address), timeout_ms, out);
                }
                JumpSets::Anybody(place) => {
                    let family = self.table.family;
                    if family.has_ipv4() {
                        self.push(place, key::IPV4, timeout_ms, out);
                    }
                    if family.has_ipv6() {
                        self.push(place, key::IPV6, timeout_ms, out);
                    }
                }
            },
        }
        Ok(())
    }

    fn push(&self, set: usize, key: Key, timeout_ms: Option<u64>, out: &mut Vec<Element>) {
        out.push(Element {
            set,
            key,
            timeout_ms,
        });
    }

    fn version_of(&self, versions: Versions, address: &[u8; 16]) -> Result<usize, Error> {
        let place = if is_ipv4(address) {
            versions.v4
        } else {
            versions.v6
        };
        place.ok_or_else(|| {
            Error::with_hint(
                Step::AddElement,
                self.table.label(),
                libc::EAFNOSUPPORT,
                "the table's family does not hold this address",
            )
        })
    }

    fn serving(&self, resource: u32, hook: Hook) -> Result<JumpSets, Error> {
        let sets = self.jump(resource, hook);
        let place = match sets {
            Some(JumpSets::Anybody(place)) => Some(place),
            Some(JumpSets::Source(versions)) => versions.v4.or(versions.v6),
            None => None,
        };
        let serves = place.is_some_and(|place| self.in_service(place).is_some());
        sets.filter(|_| serves).ok_or_else(|| {
            Error::with_hint(
                Step::AddElement,
                format!("jump resource {resource:08X} of {}", self.table.label()),
                libc::ENOENT,
                "the resource is out of service",
            )
        })
    }

    /// What an element of a set opens; `None` for the ledger's and for keys that are not ours.
    pub fn lease(&self, place: usize, element: &FoundElement<'_>) -> Option<Lease> {
        let set = self.sets.get(place)?;
        let opening = match set.kind {
            KeyKind::Ledger => return None,
            KeyKind::Port(version) => {
                let length = set.kind.len() - 8;
                let (address, rest) = element.key.split_at_checked(length)?;
                let [protocol, _, _, _, p0, p1, ..] = *rest else {
                    return None;
                };
                Opening::Port {
                    address: mapped(version, address)?,
                    protocol: Protocol::from_number(protocol)?,
                    port: u16::from_be_bytes([p0, p1]),
                }
            }
            KeyKind::Address(version) => self.jump_opening(place, mapped(version, element.key)?)?,
            KeyKind::EtherType => self.jump_opening(place, [0; 16])?,
        };
        Some(Lease {
            opening,
            remaining_ms: element.remaining_ms,
        })
    }

    fn jump_opening(&self, place: usize, address: [u8; 16]) -> Option<Opening> {
        let ((resource, hook), _) = self.jumps.iter().find(|(_, sets)| match sets {
            JumpSets::Anybody(set) => *set == place,
            JumpSets::Source(versions) => [versions.v4, versions.v6].contains(&Some(place)),
        })?;
        Some(Opening::Jump {
            resource: *resource,
            hook: *hook,
            address,
        })
    }
}
