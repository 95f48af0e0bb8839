//! The challenge that nobody has to remember: a token computed from a secret and from what it is bound to.

use crate::key::Key;
use crate::mac::TOKEN_LEN;
use crate::message::{Operation, SALT_LEN};

// One secret serves several purposes; each begins its input with its own label, and no label begins another.
const TOKEN_LABEL: &[u8] = b"letmein challenge token";
const SALT_LABEL: &[u8] = b"letmein challenge salt";
const STRANGER_LABEL: &[u8] = b"letmein unknown user";

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Back to back in a TCP stream.
    Tcp,
    /// One per UDP datagram.
    Udp,
}

impl Transport {
    /// Its IP protocol number, which is what a token is bound to.
    fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The address in network order; IPv4 mapped into IPv6 (`::ffff:a.b.c.d`).
    pub address: [u8; 16],
    /// The source port.
    pub port: u16,
    /// The transport.
    pub transport: Transport,
}

/// Everything a token is good for; change any of it and another token comes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    /// The window in which the challenge was sent.
    pub(crate) window: u64,
    pub(crate) peer: &'a Peer,
    /// KNOCK or REVOKE: the RESPONSE's own MAC does not say which, so the token has to.
    pub(crate) operation: Operation,
    pub(crate) user: u32,
    pub(crate) resource: u32,
}

/// The secret behind all challenges of one run of the program, and a counter for fresh salts.
pub(crate) struct Challenger {
    secret: Key,
    salts: u64,
}

impl Challenger {
    /// `secret` must be unpredictable; with the same one the same tokens and salts come out.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self {
            secret: Key::new(secret),
            salts: 0,
        }
    }

    /// The token for `binding`: HMAC-SHA3-256 as a PRF. Every field has a fixed length, so inputs cannot run together.
    pub(crate) fn token(&self, binding: &Binding<'_>) -> [u8; TOKEN_LEN] {
        self.secret.hmac(&[
            TOKEN_LABEL,
            &binding.window.to_be_bytes(),
            &binding.peer.address,
            &binding.peer.port.to_be_bytes(),
            &[binding.peer.transport.number()],
            &binding.operation.to_wire().to_be_bytes(),
            &binding.user.to_be_bytes(),
            &binding.resource.to_be_bytes(),
        ])
    }

    /// A salt that no earlier call gave (but for chance, 64 bits) and nobody can foresee: the PRF of a counter.
    /// Under a microsecond, where asking the kernel for eight bytes would be a system call per challenge.
    pub(crate) fn salt(&mut self) -> [u8; SALT_LEN] {
        self.salts = self.salts.wrapping_add(1);
        let [a, b, c, d, e, f, g, h, ..] =
            self.secret.hmac(&[SALT_LABEL, &self.salts.to_be_bytes()]);
        [a, b, c, d, e, f, g, h]
    }

    /// A key that belongs to nobody, for work that must be done but cannot succeed.
    pub(crate) fn stranger(&self) -> Key {
        Key::new(&self.secret.hmac(&[STRANGER_LABEL]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn binds_a_token_to_each_part() {
        let peer = Peer {
            address: [1; 16],
            port: 2,
            transport: Transport::Tcp,
        };
        let elsewhere = Peer {
            address: [2; 16],
            ..peer
        };
        let other_port = Peer { port: 3, ..peer };
        let over_udp = Peer {
            transport: Transport::Udp,
            ..peer
        };
        let base = Binding {
            window: 9,
            peer: &peer,
            operation: Operation::Knock,
            user: 4,
            resource: 5,
        };
        let all = [
            base,
            Binding { window: 10, ..base },
            Binding {
                peer: &elsewhere,
                ..base
            },
            Binding {
                peer: &other_port,
                ..base
            },
            Binding {
                peer: &over_udp,
                ..base
            },
            Binding {
                operation: Operation::Revoke,
                ..base
            },
            Binding { user: 5, ..base },
            Binding {
                resource: 4,
                ..base
            },
        ];
        let challenger = Challenger::new(&[1; 32]);
        let tokens: HashSet<_> = all
            .iter()
            .map(|binding| challenger.token(binding))
            .collect();
        assert_eq!(tokens.len(), all.len());
        assert_eq!(challenger.token(&base), challenger.token(&base));
        assert_ne!(
            challenger.token(&base),
            Challenger::new(&[2; 32]).token(&base)
        );
    }

    #[test]
    fn never_repeats_a_salt() {
        let mut challenger = Challenger::new(&[1; 32]);
        let salts: HashSet<_> = (0..1000).map(|_| challenger.salt()).collect();
        assert_eq!(salts.len(), 1000);
        challenger.salts = u64::MAX;
        assert!(!salts.contains(&challenger.salt()));
    }
}
