//! AUTH of protocol 1: HMAC-SHA3-256 over bytes 4..24 of the message and a 32-byte token.

use subtle::ConstantTimeEq;

use crate::key::Key;
use crate::message::Message;

/// Length of a MAC in bytes.
pub const MAC_LEN: usize = 32;
/// Length of a challenge's token in bytes.
pub const TOKEN_LEN: usize = 32;
/// The token of KNOCK and REVOKE, which come before there is a challenge.
pub const ZERO_TOKEN: [u8; TOKEN_LEN] = [0; TOKEN_LEN];

/// `HMAC-SHA3-256(key, OPERATION ‖ USER ‖ RESOURCE ‖ SALT ‖ token)`; what `message.auth` holds plays no part.
#[must_use]
pub fn mac(key: &Key, message: &Message, token: &[u8; TOKEN_LEN]) -> [u8; MAC_LEN] {
    key.hmac(&[
        &message.operation.to_wire().to_be_bytes(),
        &message.user.to_be_bytes(),
        &message.resource.to_be_bytes(),
        &message.salt,
        token,
    ])
}

/// Whether `message.auth` is its MAC under `key` over `token`. Takes the same time wherever they differ.
#[must_use]
pub fn verify(key: &Key, message: &Message, token: &[u8; TOKEN_LEN]) -> bool {
    mac(key, message, token).ct_eq(&message.auth).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Operation;

    /// From Python: `hmac.new(bytes(range(32)), bytes of the message 4..24 + bytes(range(0x40, 0x60)), "sha3_256")`.
    #[test]
    fn equals_an_independent_implementation() {
        let key = Key::new(&std::array::from_fn(|i| i as u8));
        let token = std::array::from_fn(|i| 0x40 + i as u8);
        let salt = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
        let message = Message::new(Operation::Response, 0x0102_0304, 0xA0B0_C0D0, salt);
        assert_eq!(
            mac(&key, &message, &token),
            *b"\x71\x19\xde\xe5\xfc\xb7\xaf\xf8\xe3\x62\xcc\xa2\x91\x52\xbf\x2c\
               \x65\xe2\xf5\x43\x56\x3b\xca\x00\xe9\xe6\x17\x08\xa4\x70\xaa\xbc"
        );
    }

    #[test]
    fn covers_every_field_the_key_and_the_token() {
        let key = Key::new(&[1; 32]);
        let base = Message::new(Operation::Knock, 2, 3, [4; 8]).signed(&key, &ZERO_TOKEN);
        assert!(verify(&key, &base, &ZERO_TOKEN));
        let others = [
            Message {
                operation: Operation::Revoke,
                ..base
            },
            Message { user: 3, ..base },
            Message {
                resource: 2,
                ..base
            },
            Message {
                salt: [5; 8],
                ..base
            },
            Message {
                auth: [0; 32],
                ..base
            },
        ];
        for other in others {
            assert!(!verify(&key, &other, &ZERO_TOKEN), "{other:?}");
        }
        assert!(!verify(&key, &base, &[1; 32]));
        assert!(!verify(&Key::new(&[2; 32]), &base, &ZERO_TOKEN));
    }
}
