//! The letmein protocol, version 1, without any input or output: the message, its MAC, the keyring,
//! the stateless challenge and the set of proofs that were already used.
//!
//! [`Gate`] ties them together: bytes and the peer they came from go in, a [`Verdict`] comes out.
//! Nothing is stored for a peer that has proven nothing, time is passed in, and no byte off the wire
//! reaches a panic. `docs/protocol.md` has the layout and the reasons; `tests/vectors` the examples
//! that this crate and the TypeScript client both run.
//!
//! ```
//! use letmein_wire::{Gate, Key, Keyring, Message, Operation, Peer, Transport, Verdict, ZERO_TOKEN};
//!
//! let key = Key::new(&[7; 32]);
//! let mut keys = Keyring::new();
//! keys.insert(1, Key::new(&[7; 32]));
//! let mut gate = Gate::new(letmein_wire::SHORTEST_WINDOW_MS)?;
//! gate.set_keys(keys);
//! let peer = Peer { address: [0; 16], port: 40_000, transport: Transport::Udp };
//!
//! let knock = Message::new(Operation::Knock, 1, 22, [0; 8]).signed(&key, &ZERO_TOKEN);
//! let Verdict::Challenge { reply, .. } = gate.check(0, &peer, &knock.encode()) else { return Ok(()) };
//! let token = Message::decode(&reply)?.auth;
//! let response = Message::new(Operation::Response, 1, 22, [1; 8]).signed(&key, &token);
//! let Verdict::Proven { proof, .. } = gate.check(20, &peer, &response.encode()) else { return Ok(()) };
//! gate.settle(proof, true); // once the kernel has acknowledged the lease
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod challenge;
mod gate;
mod key;
mod mac;
mod message;
mod proofs;
mod verdict;

pub use challenge::{Peer, Transport};
pub use gate::{Gate, RandomUnavailable, SHORTEST_WINDOW_MS};
pub use key::{KEY_LEN, Key, Keyring};
pub use mac::{MAC_LEN, TOKEN_LEN, ZERO_TOKEN, mac, verify};
pub use message::{MAGIC, MESSAGE_LEN, Malformed, Message, Operation, SALT_LEN};
pub use proofs::{PROOFS_PER_USER_AND_WINDOW, Proof};
pub use verdict::Verdict;
