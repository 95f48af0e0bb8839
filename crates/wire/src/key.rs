//! Keys, wiped when dropped, and the ring that finds one by user.

use std::collections::BTreeMap;
use std::fmt;

use sha3::{Digest, Sha3_256};
use zeroize::Zeroizing;

/// Length of a user's key in bytes.
pub const KEY_LEN: usize = 32;
/// SHA3-256's rate in bytes (FIPS 202), the block that RFC 2104 pads a key to.
const BLOCK_LEN: usize = 136;
/// RFC 2104's inner padding byte.
const INNER_PAD: u8 = 0x36;
/// RFC 2104's outer padding byte.
const OUTER_PAD: u8 = 0x5C;

/// A key, held as the two hash states of RFC 2104 after the padded key went in: `H(key ⊕ opad ‖ H(key ⊕ ipad ‖ …))`.
///
/// Why not `hmac::SimpleHmac`: it leaves the outer padded key, from which the key follows, unwiped, and absorbs
/// both blocks at every use, which would double the work of each message. The tests hold this against that crate.
///
/// Both states are wiped on drop (`sha3`'s feature `zeroize`). They are boxed so that moving a key moves a
/// pointer and leaves no copy of them behind. About 450 bytes each.
pub struct Key {
    inner: Box<Sha3_256>,
    outer: Box<Sha3_256>,
}

impl Key {
    /// Takes in a key. Wiping `bytes` is the caller's.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self {
            inner: padded(bytes, INNER_PAD),
            outer: padded(bytes, OUTER_PAD),
        }
    }

    /// Takes in a key of unchecked length: `None` unless it is [`KEY_LEN`] bytes. Wiping `bytes` is the caller's.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        <&[u8; KEY_LEN]>::try_from(bytes).ok().map(Self::new)
    }

    /// HMAC-SHA3-256 of the parts, one after the other.
    pub(crate) fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut inner = Sha3_256::clone(&self.inner);
        for part in parts {
            inner.update(part);
        }
        let mut outer = Sha3_256::clone(&self.outer);
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// A state that has absorbed the key, padded to a block and xored with `pad`. Filled in the heap, where it stays.
fn padded(key: &[u8; KEY_LEN], pad: u8) -> Box<Sha3_256> {
    let mut block = Zeroizing::new([pad; BLOCK_LEN]);
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = Box::new(Sha3_256::new());
    state.update(block.as_slice());
    state
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The users' keys. A tree, not a hash table: its order needs no random seed and its look-up depends on ids only.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: BTreeMap<u32, Key>,
}

impl Keyring {
    /// A ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `user` this key; one that they had before is wiped.
    pub fn insert(&mut self, user: u32, key: Key) {
        self.keys.insert(user, key);
    }

    /// The key of `user`.
    #[must_use]
    pub fn get(&self, user: u32) -> Option<&Key> {
        self.keys.get(&user)
    }

    /// How many users have a key.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nobody has a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{KeyInit, Mac, SimpleHmac};

    fn reference(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = SimpleHmac::<Sha3_256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    #[test]
    fn equals_the_hmac_crate() {
        let long = [0xAB; 500];
        for seed in 0..=255 {
            let bytes: [u8; KEY_LEN] = std::array::from_fn(|i| seed ^ (i as u8).wrapping_mul(37));
            let parts: [&[u8]; 3] = [
                &bytes[..5],
                &long[..usize::from(seed) * 2 - usize::from(seed) / 2],
                b"",
            ];
            assert_eq!(Key::new(&bytes).hmac(&parts), reference(&bytes, &parts));
        }
    }

    #[test]
    fn takes_exactly_32_bytes() {
        assert!(Key::from_slice(&[1; 31]).is_none());
        assert!(Key::from_slice(&[1; 33]).is_none());
        assert_eq!(
            Key::from_slice(&[1; 32]).unwrap().hmac(&[]),
            Key::new(&[1; 32]).hmac(&[])
        );
    }

    #[test]
    fn is_not_shown() {
        let mut ring = Keyring::new();
        ring.insert(7, Key::new(&[0x41; 32]));
        assert_eq!(format!("{ring:?}"), "Keyring { keys: {7: Key(..)} }");
    }

    #[test]
    fn keeps_the_last_key_of_a_user() {
        let mut ring = Keyring::new();
        assert!(ring.is_empty());
        ring.insert(7, Key::new(&[1; 32]));
        ring.insert(7, Key::new(&[2; 32]));
        assert_eq!(ring.len(), 1);
        assert_eq!(
            ring.get(7).unwrap().hmac(&[b"x"]),
            Key::new(&[2; 32]).hmac(&[b"x"])
        );
        assert!(ring.get(8).is_none());
    }
}
