//! letmein's leases in nftables, over netlink: no program is ever started.
//!
//! The kernel is the source of truth (design.md §2). A lease is a set element with a timeout of its own; who
//! holds it is an element of the set `letmein-ledger`; both change in one transaction.
//!
//! How a change travels: [`Ruleset`] (what the administrator configured) → `layout` (our sets) → `element`
//! (what a [`Change`] means in them) → `batch` (one transaction as bytes) → `socket` (send, acknowledgements) →
//! [`Firewall::ledger`] and [`Firewall::leases`] (read back).
//!
//! ```no_run
//! use letmein_firewall::{Change, Family, Firewall, Opening, Protocol, Ruleset};
//! # fn main() -> Result<(), letmein_firewall::Error> {
//! let mut firewall = Firewall::open(Ruleset {
//!     family: Family::Inet,
//!     table: "filter".into(),
//!     chain_input: "LETMEIN-INPUT".into(),
//!     chain_forward: None,
//!     chain_output: None,
//!     control_port: 5800,
//!     control_tcp: true,
//!     control_udp: false,
//!     jumps: vec![],
//! })?;
//! firewall.install(&[])?;
//! let address = std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets();
//! let opening = Opening::Port { address, protocol: Protocol::Tcp, port: 22 };
//! firewall.apply(&[Change::Open { opening, timeout_ms: 600_000 }])?;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod batch;
mod change;
mod element;
mod error;
mod firewall;
mod install;
mod key;
mod layout;
mod ledger;
mod message;
mod rule;
mod ruleset;
mod set;
mod socket;
mod survey;
mod sys;
mod table;

pub use change::{Change, Entry, Holder, Lease, Opening};
pub use error::{Error, Step};
pub use firewall::Firewall;
pub use install::Installed;
pub use ruleset::{Family, Hook, Jump, Protocol, Ruleset, Target};
