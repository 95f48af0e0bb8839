//! What a message turned out to be: the closed list of answers that the gate gives.

use crate::message::{MESSAGE_LEN, Operation};
use crate::proofs::Proof;

/// What [`crate::Gate::check`] found. `user` and `resource` are the message's own: whether that resource exists and the user may
/// have it is the caller's to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not a message: wrong length or magic, or an unknown operation.
    Malformed,
    /// CHALLENGE, COMEIN or GOAWAY, which no client sends.
    Misplaced {
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
    /// A KNOCK or REVOKE of an unknown user or with a wrong MAC.
    WrongFirst {
        /// KNOCK or REVOKE.
        operation: Operation,
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
    /// A KNOCK or REVOKE with the right MAC. Nothing is stored for it: it may be a replay.
    Challenge {
        /// KNOCK or REVOKE.
        operation: Operation,
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
        /// The CHALLENGE message to send.
        reply: [u8; MESSAGE_LEN],
    },
    /// A RESPONSE to no challenge that this peer got in this window or the one before, or of an unknown user.
    WrongResponse {
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
    /// A RESPONSE that is right and new. Settle the proof.
    Proven {
        /// What was challenged: KNOCK or REVOKE.
        operation: Operation,
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
        /// For [`crate::Gate::settle`].
        proof: Proof,
    },
    /// This very RESPONSE was accepted before: the same answer is due, and nothing else.
    Again {
        /// What was challenged: KNOCK or REVOKE.
        operation: Operation,
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
    /// This very RESPONSE is already in this batch and not settled yet.
    Pending {
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
    /// Right and new, but the user has [`crate::PROOFS_PER_USER_AND_WINDOW`] proofs in this window already.
    ShareFull {
        /// USER of the message.
        user: u32,
        /// RESOURCE of the message.
        resource: u32,
    },
}
