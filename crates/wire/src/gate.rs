//! The gate: what a message from a peer proves. Holds the keys, the challenge secret and the used proofs.

use std::fmt;

use zeroize::Zeroizing;

use crate::challenge::{Binding, Challenger, Peer};
use crate::key::{Key, Keyring};
use crate::mac::{ZERO_TOKEN, verify};
use crate::message::{Message, Operation};
use crate::proofs::{Claim, Proof, UsedProofs};
use crate::verdict::Verdict;

/// The shortest window to choose, in ms: a challenge can be answered for one to two windows. A `control-timeout`
/// above it becomes the window, so that no peer's time runs out before its connection's.
pub const SHORTEST_WINDOW_MS: u64 = 30_000;

/// What a RESPONSE may answer, the likeliest first.
const PROVABLE: [Operation; 2] = [Operation::Knock, Operation::Revoke];

/// The kernel gave no random bytes for the challenge secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomUnavailable(getrandom::Error);

impl fmt::Display for RandomUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to draw the challenge secret: {}", self.0)
    }
}

impl std::error::Error for RandomUnavailable {}

/// Decides what messages prove. One per run of the judge: the secret is never stored, so a restart makes
/// every challenge before it void.
pub struct Gate {
    window_ms: u64,
    /// The newest window seen.
    window: u64,
    keys: Keyring,
    /// Stands in for the key of an unknown user.
    stranger: Key,
    challenger: Challenger,
    used: UsedProofs,
}

impl Gate {
    /// A gate without keys, with a secret of its own. `window_ms` is fixed for its life; 0 counts as 1.
    ///
    /// # Errors
    /// [`RandomUnavailable`], with getrandom's reason.
    pub fn new(window_ms: u64) -> Result<Self, RandomUnavailable> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(RandomUnavailable)?;
        Ok(Self::with_secret(&secret, window_ms))
    }

    /// The same with a given secret: for tests and vectors, which need the same challenges every time.
    #[must_use]
    pub fn with_secret(secret: &[u8; 32], window_ms: u64) -> Self {
        let challenger = Challenger::new(secret);
        Self {
            window_ms: window_ms.max(1),
            window: 0,
            keys: Keyring::new(),
            stranger: challenger.stranger(),
            challenger,
            used: UsedProofs::default(),
        }
    }

    /// Replaces all keys; the old ones are wiped. Used proofs stay used.
    pub fn set_keys(&mut self, keys: Keyring) {
        self.keys = keys;
    }

    /// Judges what came from `peer`. `now_ms` is CLOCK_MONOTONIC in ms.
    pub fn check(&mut self, now_ms: u64, peer: &Peer, bytes: &[u8]) -> Verdict {
        self.advance(now_ms);
        let Ok(message) = Message::decode(bytes) else {
            return Verdict::Malformed;
        };
        match message.operation {
            Operation::Knock | Operation::Revoke => self.check_first(peer, &message),
            Operation::Response => self.check_response(peer, &message),
            Operation::Challenge | Operation::ComeIn | Operation::GoAway => Verdict::Misplaced {
                user: message.user,
                resource: message.resource,
            },
        }
    }

    /// Closes a proof: `accepted` when the kernel has acknowledged what it asked for. Otherwise it stays unused,
    /// and the same RESPONSE may come again.
    pub fn settle(&mut self, proof: Proof, accepted: bool) {
        self.used.settle(proof, accepted);
    }

    /// Begins another batch: proofs of the last one that were never settled (its caller failed halfway) become unused.
    /// Takes no time to speak of; call it before every batch.
    pub fn abandon_pending(&mut self) {
        self.used.abandon_pending();
    }

    /// Follows the clock forward only: if it went back, an expired challenge would be valid again after its proof was forgotten.
    fn advance(&mut self, now_ms: u64) {
        let window = now_ms.checked_div(self.window_ms).unwrap_or(0);
        if window > self.window {
            self.window = window;
            self.used.forget_before(window.saturating_sub(1));
        }
    }

    fn check_first(&mut self, peer: &Peer, message: &Message) -> Verdict {
        let &Message {
            operation,
            user,
            resource,
            ..
        } = message;
        let (key, known) = self.key_of(user);
        // In this order: an unknown user costs what a wrong MAC costs.
        if !verify(key, message, &ZERO_TOKEN) || !known {
            return Verdict::WrongFirst {
                operation,
                user,
                resource,
            };
        }
        let token = self.challenger.token(&Binding {
            window: self.window,
            peer,
            operation,
            user,
            resource,
        });
        let salt = self.challenger.salt();
        let challenge = Message {
            operation: Operation::Challenge,
            user,
            resource,
            salt,
            auth: token,
        };
        Verdict::Challenge {
            operation,
            user,
            resource,
            reply: challenge.encode(),
        }
    }

    /// The MAC is verified before it is looked for among the used proofs, although a repeated RESPONSE could be
    /// recognised without. Only so does a MAC seen on the wire and put under another message, or sent from another peer,
    /// find nothing: once verified, it stands for this key, user, resource, salt, peer, operation and window.
    /// (The search itself need not take constant time: what it compares has been verified.)
    fn check_response(&mut self, peer: &Peer, message: &Message) -> Verdict {
        let &Message {
            user,
            resource,
            auth,
            ..
        } = message;
        let Some((window, operation)) = self.answered(peer, message) else {
            return Verdict::WrongResponse { user, resource };
        };
        match self.used.claim(window, user, auth) {
            Claim::Reserved(proof) => Verdict::Proven {
                operation,
                user,
                resource,
                proof,
            },
            Claim::Accepted => Verdict::Again {
                operation,
                user,
                resource,
            },
            Claim::Pending => Verdict::Pending { user, resource },
            Claim::ShareFull => Verdict::ShareFull { user, resource },
        }
    }

    /// The challenge that a RESPONSE answers: its window and what had been asked. A wrong MAC and an unknown user both
    /// cost all four tries; stopping at the right one tells only what its sender knows.
    fn answered(&self, peer: &Peer, message: &Message) -> Option<(u64, Operation)> {
        let &Message { user, resource, .. } = message;
        let (key, known) = self.key_of(user);
        let windows = [Some(self.window), self.window.checked_sub(1)];
        windows
            .into_iter()
            .flatten()
            .flat_map(|window| PROVABLE.map(|operation| (window, operation)))
            .find(|&(window, operation)| {
                let binding = Binding {
                    window,
                    peer,
                    operation,
                    user,
                    resource,
                };
                verify(key, message, &self.challenger.token(&binding)) && known
            })
    }

    /// The user's key, or the stranger's and `false`.
    fn key_of(&self, user: u32) -> (&Key, bool) {
        match self.keys.get(user) {
            Some(key) => (key, true),
            None => (&self.stranger, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MESSAGE_LEN;

    const PEER: Peer = Peer {
        address: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1],
        port: 40_000,
        transport: crate::Transport::Udp,
    };

    fn gate() -> Gate {
        let mut keys = Keyring::new();
        keys.insert(1, Key::new(&[7; 32]));
        let mut gate = Gate::with_secret(&[9; 32], SHORTEST_WINDOW_MS);
        gate.set_keys(keys);
        gate
    }

    fn knock(user: u32) -> [u8; MESSAGE_LEN] {
        Message::new(Operation::Knock, user, 22, [3; 8])
            .signed(&Key::new(&[7; 32]), &ZERO_TOKEN)
            .encode()
    }

    #[test]
    fn draws_a_secret_of_its_own() {
        let tokens = [(); 2].map(|()| {
            let mut gate = Gate::new(SHORTEST_WINDOW_MS).unwrap();
            gate.set_keys(std::mem::take(&mut self::gate().keys));
            match gate.check(0, &PEER, &knock(1)) {
                Verdict::Challenge { reply, .. } => Message::decode(&reply).unwrap().auth,
                other => panic!("{other:?}"),
            }
        });
        assert_ne!(tokens[0], tokens[1]);
    }

    #[test]
    fn a_replayed_knock_gets_the_same_token_under_a_fresh_salt() {
        let mut gate = gate();
        let replies = [(); 2].map(|()| match gate.check(0, &PEER, &knock(1)) {
            Verdict::Challenge { reply, .. } => Message::decode(&reply).unwrap(),
            other => panic!("{other:?}"),
        });
        assert_eq!(replies[0].auth, replies[1].auth);
        assert_ne!(replies[0].salt, replies[1].salt);
    }

    #[test]
    fn knows_nobody_else_not_even_by_the_strangers_key() {
        let mut gate = gate();
        let refused = Verdict::WrongFirst {
            operation: Operation::Knock,
            user: 2,
            resource: 22,
        };
        assert_eq!(gate.check(0, &PEER, &knock(2)), refused);
        let forged =
            Message::new(Operation::Knock, 2, 22, [3; 8]).signed(&gate.stranger, &ZERO_TOKEN);
        assert_eq!(gate.check(0, &PEER, &forged.encode()), refused);
        let binding = Binding {
            window: 0,
            peer: &PEER,
            operation: Operation::Knock,
            user: 2,
            resource: 22,
        };
        let token = gate.challenger.token(&binding);
        let forged =
            Message::new(Operation::Response, 2, 22, [3; 8]).signed(&gate.stranger, &token);
        assert_eq!(
            gate.check(0, &PEER, &forged.encode()),
            Verdict::WrongResponse {
                user: 2,
                resource: 22
            }
        );
    }

    #[test]
    fn survives_any_clock() {
        for window_ms in [0, 1, SHORTEST_WINDOW_MS, u64::MAX] {
            let mut gate = gate();
            gate.window_ms = Gate::with_secret(&[0; 32], window_ms).window_ms;
            for now_ms in [5, 0, u64::MAX, 0, 1 << 40, u64::MAX - 1] {
                assert!(matches!(
                    gate.check(now_ms, &PEER, &knock(1)),
                    Verdict::Challenge { .. }
                ));
                let response = Message::new(Operation::Response, 1, 22, [0; 8]);
                assert!(matches!(
                    gate.check(now_ms, &PEER, &response.encode()),
                    Verdict::WrongResponse { .. }
                ));
            }
        }
    }
}
