//! Our sets: their names, key types and flags, and whether one found in the kernel is the same.

use std::rc::Rc;

use crate::{
    batch::{Batch, Origin},
    error::Step,
    message::{Buffer, Received, flag, kind},
    table::Table,
};

/// Everything of ours in the table is named so.
pub(crate) const PREFIX: &str = "letmein-";
/// NFT_SET_TIMEOUT: elements have timeouts.
const FLAG_TIMEOUT: u32 = 0x10;

/// nft's data type numbers (datatype.h of nftables): they make `nft list` print keys, and load them again.
mod datatype {
    pub const IPV4_ADDR: u32 = 7;
    pub const IPV6_ADDR: u32 = 8;
    pub const ETHER_TYPE: u32 = 10;
    pub const INET_PROTO: u32 = 12;
    pub const INET_SERVICE: u32 = 13;
    pub const MARK: u32 = 19;

    /// A concatenation: six bits per part.
    pub const fn concat(a: u32, b: u32, c: u32) -> u32 {
        a << 12 | b << 6 | c
    }
}

/// NFTA_SET_* of linux/netfilter/nf_tables.h.
mod attribute {
    pub const TABLE: u16 = 1;
    pub const NAME: u16 = 2;
    pub const FLAGS: u16 = 3;
    pub const KEY_TYPE: u16 = 4;
    pub const KEY_LEN: u16 = 5;
    pub const DESC: u16 = 9;
    pub const ID: u16 = 10;
    pub const TIMEOUT: u16 = 11;
    pub const GC_INTERVAL: u16 = 12;
    pub const USERDATA: u16 = 13;
    /// NFTA_SET_DESC_SIZE and NFTA_SET_DESC_CONCAT.
    pub const DESC_SIZE: u16 = 1;
    pub const DESC_CONCAT: u16 = 2;
}

/// libnftnl's NFTNL_UDATA_SET_KEYBYTEORDER.
const UDATA_KEY_BYTE_ORDER: u8 = 0;
/// nft's byte orders: none for a concatenation (its parts have their own), big endian for what goes over the wire.
const BYTE_ORDER_NONE: u32 = 0;
const BYTE_ORDER_BIG_ENDIAN: u32 = 2;

/// IP version of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V6,
}

/// What a set's keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// `addr . l4proto . port`, each part padded to 4 bytes.
    Port(Version),
    /// `addr`.
    Address(Version),
    /// `ether_type`: the constant key of an unmatched jump.
    EtherType,
    /// `ipv6_addr . mark . mark`: address (v4 mapped), resource, user.
    Ledger,
}

impl KeyKind {
    fn type_id(self) -> u32 {
        use datatype::{ETHER_TYPE, INET_PROTO, INET_SERVICE, IPV4_ADDR, IPV6_ADDR, MARK, concat};
        match self {
            KeyKind::Port(Version::V4) => concat(IPV4_ADDR, INET_PROTO, INET_SERVICE),
            KeyKind::Port(Version::V6) => concat(IPV6_ADDR, INET_PROTO, INET_SERVICE),
            KeyKind::Address(Version::V4) => IPV4_ADDR,
            KeyKind::Address(Version::V6) => IPV6_ADDR,
            KeyKind::EtherType => ETHER_TYPE,
            KeyKind::Ledger => concat(IPV6_ADDR, MARK, MARK),
        }
    }

    /// Bytes of a key.
    pub fn len(self) -> usize {
        match self {
            KeyKind::Port(Version::V4) => 12,
            KeyKind::Port(Version::V6) | KeyKind::Ledger => 24,
            KeyKind::Address(Version::V4) => 4,
            KeyKind::Address(Version::V6) => 16,
            KeyKind::EtherType => 2,
        }
    }

    fn byte_order(self) -> u32 {
        match self {
            KeyKind::Port(_) | KeyKind::Ledger => BYTE_ORDER_NONE,
            KeyKind::Address(_) | KeyKind::EtherType => BYTE_ORDER_BIG_ENDIAN,
        }
    }
}

/// One of the sets that a ruleset needs.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub name: String,
    pub kind: KeyKind,
    /// Core, or the jump resource it belongs to.
    pub owner: Origin,
    /// `set NAME of table …`, for messages.
    pub label: Rc<str>,
    /// False while its jump resource is out of service: then it does not exist.
    pub in_service: bool,
}

impl Set {
    pub fn new(table: &Table, name: String, kind: KeyKind, owner: Origin) -> Self {
        let label = table.set_label(&name).into();
        Self {
            name,
            kind,
            owner,
            label,
            in_service: true,
        }
    }

    /// Writes "create this set, unless it is there already".
    pub fn encode_add(&self, table: &Table, id: u32, batch: &mut Batch) {
        let start = batch.begin(
            kind::NEW_SET,
            flag::CREATE,
            Step::AddSet,
            &self.label,
            self.owner,
        );
        let buffer = batch.buffer();
        buffer.string(attribute::TABLE, &table.name);
        buffer.string(attribute::NAME, &self.name);
        buffer.be32(attribute::FLAGS, FLAG_TIMEOUT);
        buffer.be32(attribute::KEY_TYPE, self.kind.type_id());
        buffer.be32(attribute::KEY_LEN, self.kind.len() as u32);
        buffer.be32(attribute::ID, id);
        let [a, b, c, d] = self.kind.byte_order().to_ne_bytes();
        buffer.attribute(attribute::USERDATA, &[UDATA_KEY_BYTE_ORDER, 4, a, b, c, d]);
        batch.end(start);
    }

    /// Whether a set found in the kernel can be used as this one.
    pub fn is_same(&self, found: &FoundSet) -> bool {
        found.plain
            && found.flags == FLAG_TIMEOUT
            && found.key_type == self.kind.type_id()
            && found.key_len == self.kind.len() as u32
    }
}

/// Writes "delete this set".
pub(crate) fn encode_delete(
    table: &Table,
    name: &str,
    label: &Rc<str>,
    origin: Origin,
    batch: &mut Batch,
) {
    let start = batch.begin(kind::DEL_SET, 0, Step::DeleteSet, label, origin);
    batch.buffer().string(attribute::TABLE, &table.name);
    batch.buffer().string(attribute::NAME, name);
    batch.end(start);
}

/// Writes the request for all sets of a table.
pub(crate) fn encode_list(table: &Table, sequence: u32, buffer: &mut Buffer) {
    let flags = flag::REQUEST | flag::DUMP;
    let start = buffer.begin(kind::GET_SET, flags, sequence, table.protocol_family(), 0);
    buffer.string(attribute::TABLE, &table.name);
    buffer.end(start);
}

/// A set as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundSet {
    pub name: String,
    flags: u32,
    key_type: u32,
    key_len: u32,
    /// No size limit, default timeout, clean-up interval or ranges: each would make it behave differently.
    plain: bool,
}

impl FoundSet {
    /// Reads one message of the listing.
    pub fn decode(message: &Received<'_>) -> Option<Self> {
        let attributes = message.attributes();
        let desc = attributes.nest(attribute::DESC);
        let special = desc.is_some_and(|desc| {
            desc.find(attribute::DESC_SIZE).is_some() || desc.find(attribute::DESC_CONCAT).is_some()
        });
        Some(Self {
            name: attributes.text(attribute::NAME)?.to_owned(),
            flags: attributes.be32(attribute::FLAGS).unwrap_or(0),
            key_type: attributes.be32(attribute::KEY_TYPE).unwrap_or(0),
            key_len: attributes.be32(attribute::KEY_LEN).unwrap_or(0),
            plain: !special
                && attributes.find(attribute::TIMEOUT).is_none()
                && attributes.find(attribute::GC_INTERVAL).is_none(),
        })
    }

    /// Whether it carries one of our names.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with(PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_ids_are_those_of_nft() {
        assert_eq!(KeyKind::Port(Version::V4).type_id(), 0x730d);
        assert_eq!(KeyKind::Port(Version::V6).type_id(), 0x830d);
        assert_eq!(KeyKind::Ledger.type_id(), 0x84d3);
    }
}
