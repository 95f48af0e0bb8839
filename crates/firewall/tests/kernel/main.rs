//! The firewall on the real kernel, each test in a network namespace of its own. Needs root, or unprivileged
//! user namespaces, and the program `nft` to set up the administrator's side and to look at ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod errors;
mod families;
mod leases;
mod ledger;
mod namespace;
mod packets;
mod ruleset;
mod scale;
