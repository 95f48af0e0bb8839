//! The sandbox of letmein's programs, in two stages (docs/sandbox.md).
//!
//! 1. **Launch** ([`launch()`]): before a daemon reads a byte of configuration or network, it replaces
//!    itself by the same program under fixed conditions. User ids, capabilities and Landlock domains
//!    belong to a thread and Node has several, so they are set where the new process has one thread
//!    yet, and every later one inherits.
//! 2. **Lock**: [`prove()`] shows from the kernel that this process was launched; then, with every
//!    socket open, the system call filter goes onto all threads.
//!
//! Linux only; no knowledge of Node-API.

mod addresses;
mod capability;
pub mod client;
mod descriptors;
pub mod document;
pub mod door;
mod error;
pub mod filter;
pub mod forbidden;
mod identity;
pub mod judge;
mod launch;
pub mod launched;
pub mod profile;
mod proof;
mod ring;
pub mod runtime;
mod sys;

pub use addresses::LocalAddresses;
pub use capability::Capability;
pub use client::CLIENT;
pub use door::DOOR;
pub use error::Error;
pub use filter::{Mode, lock, program_for, restrict_launched, supported};
pub use identity::is_alone;
pub use judge::JUDGE;
pub use launch::{Launch, launch};
pub use profile::{Action, Arch, Condition, Only, Profile, Row, Test};
pub use proof::{Expectation, prove};
pub use ring::{Ring, Tcp};
