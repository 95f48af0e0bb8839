//! What can be asked of the firewall, and what it gives back.

use crate::ruleset::{Hook, Protocol};

/// Who holds a lease: the key of one ledger element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The client's address, 16 bytes in network order; IPv4 is mapped (`::ffff:a.b.c.d`).
    pub address: [u8; 16],
    /// The resource's id.
    pub resource: u32,
    /// The user's id.
    pub user: u32,
}

/// What a lease opens: the key of one enforcement element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opening {
    /// A port, for one address.
    Port {
        /// The client's address; IPv4 is mapped.
        address: [u8; 16],
        /// TCP or UDP.
        protocol: Protocol,
        /// Destination port, host order.
        port: u16,
    },
    /// A jump resource's rule in one chain.
    Jump {
        /// The resource's id.
        resource: u32,
        /// In which of our chains.
        hook: Hook,
        /// The client's address; IPv4 is mapped. Ignored where the rule matches no source.
        address: [u8; 16],
    },
}

/// One change. Timeouts are milliseconds from now; 0 counts as 1, because nftables takes 0 as "for ever".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Write or refresh a ledger entry.
    Hold {
        /// Whose.
        holder: Holder,
        /// For how long, in ms.
        timeout_ms: u64,
    },
    /// Remove a ledger entry; none there is no error.
    Release {
        /// Whose.
        holder: Holder,
    },
    /// Open, or set the remaining time of what is open.
    Open {
        /// What.
        opening: Opening,
        /// For how long, in ms.
        timeout_ms: u64,
    },
    /// Close; not open is no error.
    Close {
        /// What.
        opening: Opening,
    },
}

/// A ledger entry as read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Who holds it.
    pub holder: Holder,
    /// Time left in ms: the earlier of the kernel's clock for the element and the deadline in its comment.
    pub remaining_ms: u64,
}

/// An enforcement element as read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// What is open. The address of an unmatched jump is all zeros.
    pub opening: Opening,
    /// Time left in ms; `None`: for ever (somebody else's doing: we never write such an element).
    pub remaining_ms: Option<u64>,
}
