//! The one message of protocol 1: 56 bytes, big-endian, the same in both directions.

use std::fmt;

use crate::key::Key;
use crate::mac::{MAC_LEN, TOKEN_LEN, mac};

/// Length of every message in bytes.
pub const MESSAGE_LEN: usize = 56;
/// The first four bytes of every message.
pub const MAGIC: u32 = 0x3B1B_B719;
/// Length of the SALT field in bytes.
pub const SALT_LEN: usize = 8;

/// What a message asks or answers (OPERATION, bytes 4..8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Operation {
    /// Client: open a resource for my address. MAC over [`crate::ZERO_TOKEN`].
    Knock = 0,
    /// Server: prove it with this token (AUTH is the token).
    Challenge = 1,
    /// Client: the proof. MAC over the challenge's token.
    Response = 2,
    /// Server: done. Not authenticated.
    ComeIn = 3,
    /// Server: refused. Not authenticated.
    GoAway = 4,
    /// Client: close what I opened. MAC over [`crate::ZERO_TOKEN`].
    Revoke = 5,
}

impl Operation {
    /// The operation with this number on the wire, if there is one.
    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Knock),
            1 => Some(Self::Challenge),
            2 => Some(Self::Response),
            3 => Some(Self::ComeIn),
            4 => Some(Self::GoAway),
            5 => Some(Self::Revoke),
            _ => None,
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub fn to_wire(self) -> u32 {
        self as u32
    }
}

/// Why bytes are not a message. The order is the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not exactly [`MESSAGE_LEN`] bytes.
    Length,
    /// The first four bytes are not [`MAGIC`].
    Magic,
    /// OPERATION is above 5.
    Operation,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "message is not 56 bytes long",
            Self::Magic => "message does not begin with the letmein magic",
            Self::Operation => "message has an unknown operation",
        })
    }
}

impl std::error::Error for Malformed {}

/// A message, decoded. Any values of the fields are representable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it asks or answers.
    pub operation: Operation,
    /// The user's id; chooses the key.
    pub user: u32,
    /// The resource's id.
    pub resource: u32,
    /// Random, fresh for every message.
    pub salt: [u8; SALT_LEN],
    /// MAC of KNOCK, REVOKE and RESPONSE; the token of CHALLENGE; ignored in COMEIN and GOAWAY.
    pub auth: [u8; MAC_LEN],
}

impl Message {
    /// A message with an AUTH of zeros.
    #[must_use]
    pub fn new(operation: Operation, user: u32, resource: u32, salt: [u8; SALT_LEN]) -> Self {
        Self {
            operation,
            user,
            resource,
            salt,
            auth: [0; MAC_LEN],
        }
    }

    /// The same message with AUTH = MAC under `key` over `token`.
    #[must_use]
    pub fn signed(self, key: &Key, token: &[u8; TOKEN_LEN]) -> Self {
        Self {
            auth: mac(key, &self, token),
            ..self
        }
    }

    /// The [`MESSAGE_LEN`] bytes that go on the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; MESSAGE_LEN] {
        let mut bytes = [0; MESSAGE_LEN];
        bytes[0..4].copy_from_slice(&MAGIC.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.operation.to_wire().to_be_bytes());
        bytes[8..12].copy_from_slice(&self.user.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.resource.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.salt);
        bytes[24..56].copy_from_slice(&self.auth);
        bytes
    }

    /// Reads a message. The MAC is not looked at: see [`crate::verify`].
    ///
    /// # Errors
    /// [`Malformed`], with the first check that failed.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = <&[u8; MESSAGE_LEN]>::try_from(bytes).map_err(|_| Malformed::Length)?;
        let (magic, rest) = field::<4>(bytes)?;
        if u32::from_be_bytes(*magic) != MAGIC {
            return Err(Malformed::Magic);
        }
        let (operation, rest) = field::<4>(rest)?;
        let (user, rest) = field::<4>(rest)?;
        let (resource, rest) = field::<4>(rest)?;
        let (salt, rest) = field::<SALT_LEN>(rest)?;
        let (auth, _) = field::<MAC_LEN>(rest)?;
        Ok(Self {
            operation: Operation::from_wire(u32::from_be_bytes(*operation))
                .ok_or(Malformed::Operation)?,
            user: u32::from_be_bytes(*user),
            resource: u32::from_be_bytes(*resource),
            salt: *salt,
            auth: *auth,
        })
    }
}

/// The next `N` bytes and what follows. Never fails after the length check, and needs no index to say so.
fn field<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), Malformed> {
    bytes.split_first_chunk().ok_or(Malformed::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Message = Message {
        operation: Operation::Revoke,
        user: 0x0102_0304,
        resource: 0xA0B0_C0D0,
        salt: [0x11; SALT_LEN],
        auth: [0x22; MAC_LEN],
    };

    #[test]
    fn lays_fields_out_as_documented() {
        let bytes = SAMPLE.encode();
        assert_eq!(
            bytes[..16],
            *b"\x3b\x1b\xb7\x19\0\0\0\x05\x01\x02\x03\x04\xa0\xb0\xc0\xd0"
        );
        assert_eq!(bytes[16..24], [0x11; 8]);
        assert_eq!(bytes[24..], [0x22; 32]);
        assert_eq!(Message::decode(&bytes), Ok(SAMPLE));
    }

    #[test]
    fn refuses_every_other_length() {
        let twice = SAMPLE.encode().repeat(3);
        for length in (0..=120).filter(|&length| length != MESSAGE_LEN) {
            assert_eq!(
                Message::decode(&twice[..length]),
                Err(Malformed::Length),
                "{length}"
            );
        }
    }

    #[test]
    fn refuses_a_wrong_magic_and_an_unknown_operation() {
        for at in 0..4 {
            let mut bytes = SAMPLE.encode();
            bytes[at] ^= 0x80;
            assert_eq!(Message::decode(&bytes), Err(Malformed::Magic));
        }
        for number in [6u32, 7, 0x100, 0x0500_0000, u32::MAX] {
            let mut bytes = SAMPLE.encode();
            bytes[4..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(
                Message::decode(&bytes),
                Err(Malformed::Operation),
                "{number}"
            );
        }
    }

    #[test]
    fn numbers_operations_as_the_wire_does() {
        for number in 0..=5 {
            assert_eq!(Operation::from_wire(number).unwrap().to_wire(), number);
        }
        assert_eq!(Operation::from_wire(6), None);
    }
}
