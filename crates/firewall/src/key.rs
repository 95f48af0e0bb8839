//! Keys of our sets, byte by byte as nft lays them out.

use crate::{change::Holder, ruleset::Protocol, set::Version};

/// Longest key of any of our sets.
pub(crate) const MAX_KEY_LEN: usize = 24;
/// A key, followed by zeros.
pub(crate) type Key = [u8; MAX_KEY_LEN];

/// An IPv4-mapped IPv6 address begins so (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/// ETH_P_IP and ETH_P_IPV6 of linux/if_ether.h, as `meta protocol` gives them: the keys of an unmatched jump.
pub(crate) const IPV4: Key = ether_type([0x08, 0x00]);
pub(crate) const IPV6: Key = ether_type([0x86, 0xdd]);

const fn ether_type([a, b]: [u8; 2]) -> Key {
    let mut key = [0; MAX_KEY_LEN];
    [key[0], key[1]] = [a, b];
    key
}

/// Whether an address is IPv4, mapped.
pub(crate) fn is_ipv4(address: &[u8; 16]) -> bool {
    address.starts_with(&MAPPED_PREFIX)
}

/// The address as nft has it: 4 bytes when mapped, else 16.
fn unmapped(address: &[u8; 16]) -> &[u8] {
    match address.split_first_chunk::<12>() {
        Some((&MAPPED_PREFIX, v4)) => v4,
        _ => address,
    }
}

/// The reverse: 16 bytes, IPv4 mapped; `None` if there are too few.
pub(crate) fn mapped(version: Version, bytes: &[u8]) -> Option<[u8; 16]> {
    match version {
        Version::V6 => bytes.try_into().ok(),
        Version::V4 => {
            let [a, b, c, d] = *bytes.first_chunk::<4>()?;
            Some(
                std::net::Ipv4Addr::new(a, b, c, d)
                    .to_ipv6_mapped()
                    .octets(),
            )
        }
    }
}

fn padded(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    for (slot, byte) in key.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    key
}

/// `addr`.
pub(crate) fn address_key(address: &[u8; 16]) -> Key {
    padded(unmapped(address))
}

/// `addr . l4proto . port`: each part is padded with zeros to 4 bytes.
pub(crate) fn port_key(address: &[u8; 16], protocol: Protocol, port: u16) -> Key {
    let mut key = address_key(address);
    let length = unmapped(address).len();
    let [p0, p1] = port.to_be_bytes();
    let rest = [protocol.number(), 0, 0, 0, p0, p1];
    for (slot, byte) in key.iter_mut().skip(length).zip(rest) {
        *slot = byte;
    }
    key
}

/// The key of a holder. Marks are in host byte order, as nft has them.
pub(crate) fn encode_holder(holder: &Holder) -> [u8; 24] {
    let mut key = [0; 24];
    let [address @ .., _, _, _, _, _, _, _, _] = &mut key;
    *address = holder.address;
    let [.., r0, r1, r2, r3, u0, u1, u2, u3] = &mut key;
    [*r0, *r1, *r2, *r3] = holder.resource.to_ne_bytes();
    [*u0, *u1, *u2, *u3] = holder.user.to_ne_bytes();
    key
}

/// The reverse of [`encode_holder`].
pub(crate) fn decode_holder(key: &[u8]) -> Option<Holder> {
    let (address, marks) = key.split_first_chunk::<16>()?;
    let (resource, user) = marks.split_first_chunk::<4>()?;
    Some(Holder {
        address: *address,
        resource: u32::from_ne_bytes(*resource),
        user: u32::from_ne_bytes(user.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_laid_out_as_nft_does() {
        let v4 = std::net::Ipv4Addr::new(1, 2, 3, 4)
            .to_ipv6_mapped()
            .octets();
        let key = port_key(&v4, Protocol::Tcp, 0x0102);
        assert_eq!(key[..12], [1, 2, 3, 4, 6, 0, 0, 0, 1, 2, 0, 0]);
        let key = port_key(&[9; 16], Protocol::Udp, 22);
        assert_eq!(key[..16], [9; 16]);
        assert_eq!(key[16..], [17, 0, 0, 0, 0, 22, 0, 0]);
    }

    const HOLDER: Holder = Holder {
        address: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        resource: 0xa,
        user: 0xb,
    };

    #[test]
    fn a_holder_reads_back() {
        assert_eq!(decode_holder(&encode_holder(&HOLDER)), Some(HOLDER));
        assert_eq!(decode_holder(&[0; 23]), None);
    }
}
