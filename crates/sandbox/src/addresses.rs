//! The machine's own addresses, asked over one rtnetlink socket: getifaddrs(3) opens a new one each time, which a locked
//! program cannot.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// rtnetlink(7), linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h.
const NETLINK_ROUTE: i32 = 0;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const RTM_GETADDR: u16 = 22;
const RTM_NEWADDR: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// `struct nlmsghdr` and `struct ifaddrmsg`.
const HEADER_LEN: usize = 16;
const ADDRESS_HEADER_LEN: usize = 8;
/// The kernel fills at most 32 KiB into one datagram of a listing.
const RECEIVE_LEN: usize = 64 * 1024;
/// The kernel answers at once; this is against waiting for ever.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// A socket over which the kernel lists this machine's addresses.
#[derive(Debug)]
pub struct LocalAddresses {
    socket: Socket,
}

impl LocalAddresses {
    /// Opens the socket.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> io::Result<Self> {
        let protocol = Some(Protocol::from(NETLINK_ROUTE));
        let socket = Socket::new(Domain::from(libc::AF_NETLINK), Type::DGRAM, protocol)?;
        socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self { socket })
    }

    /// All addresses of all interfaces now.
    ///
    /// # Errors
    /// The system's.
    pub fn list(&mut self) -> io::Result<Vec<IpAddr>> {
        self.socket.write_all(&request())?;
        let mut addresses = Vec::new();
        let mut buffer = vec![0; RECEIVE_LEN];
        loop {
            let length = self.socket.read(&mut buffer)?;
            let bytes = buffer.get(..length).unwrap_or_default();
            if read_listing(bytes, &mut addresses) {
                return Ok(addresses);
            }
        }
    }
}

/// RTM_GETADDR for all families.
fn request() -> Vec<u8> {
    let length = (HEADER_LEN + ADDRESS_HEADER_LEN) as u32;
    let mut bytes = Vec::with_capacity(HEADER_LEN + ADDRESS_HEADER_LEN);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(RTM_GETADDR.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    // Sequence number and port: one request at a time, to the kernel. Then an empty ifaddrmsg.
    bytes.resize(HEADER_LEN + ADDRESS_HEADER_LEN, 0);
    bytes
}

/// Takes the addresses out of one datagram; true at the end of the listing. A datagram that says nothing ends it too.
fn read_listing(mut bytes: &[u8], addresses: &mut Vec<IpAddr>) -> bool {
    let mut was_empty = true;
    while let Some((kind, payload, rest)) = next_message(bytes) {
        was_empty = false;
        match kind {
            NLMSG_DONE | NLMSG_ERROR => return true,
            RTM_NEWADDR => addresses.extend(address_of(payload)),
            _ => {}
        }
        bytes = rest;
    }
    was_empty
}

/// Kind, payload and what follows.
fn next_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let payload = bytes.get(HEADER_LEN..length)?;
    Some((
        kind,
        payload,
        bytes.get(aligned(length)..).unwrap_or_default(),
    ))
}

/// IFA_LOCAL if there is one, which a point-to-point link has besides its peer's IFA_ADDRESS.
fn address_of(payload: &[u8]) -> Option<IpAddr> {
    let mut attributes = payload.get(ADDRESS_HEADER_LEN..)?;
    let mut found = None;
    while let Some((kind, value, rest)) = next_attribute(attributes) {
        if kind == IFA_LOCAL || (kind == IFA_ADDRESS && found.is_none()) {
            found = ip_of(value).or(found);
        }
        attributes = rest;
    }
    found
}

/// `struct rtattr`: length 2, kind 2, value.
fn next_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    const ATTRIBUTE_HEADER_LEN: usize = 4;
    let length = u16::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?);
    let value = bytes.get(ATTRIBUTE_HEADER_LEN..length)?;
    Some((
        kind,
        value,
        bytes.get(aligned(length)..).unwrap_or_default(),
    ))
}

fn ip_of(value: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(value).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    let six = <[u8; 16]>::try_from(value).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
    four.or(six).ok()
}

/// Netlink pads to four bytes.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER_LEN + payload.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER_LEN, 0);
        bytes.extend(payload);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = ((4 + value.len()) as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn address(attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut payload = vec![0; ADDRESS_HEADER_LEN];
        payload.extend(attributes.concat());
        message(RTM_NEWADDR, &payload)
    }

    #[test]
    fn an_address_of_our_own_goes_before_the_peers() {
        let own = attribute(IFA_LOCAL, &[192, 0, 2, 1]);
        let peers = attribute(IFA_ADDRESS, &[192, 0, 2, 2]);
        let six = attribute(IFA_ADDRESS, &Ipv6Addr::LOCALHOST.octets());
        let name = attribute(3, b"eth0\0");
        let listing = [
            address(&[peers.clone(), own.clone(), name.clone()]),
            address(&[own, peers]),
            address(&[name, six]),
            message(NLMSG_DONE, &[0; 4]),
        ];
        let mut found = Vec::new();
        assert!(read_listing(&listing.concat(), &mut found));
        let expected: [IpAddr; 3] = [
            [192, 0, 2, 1].into(),
            [192, 0, 2, 1].into(),
            Ipv6Addr::LOCALHOST.into(),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_cut_off_is_no_address_and_no_panic() {
        let whole = [
            address(&[attribute(IFA_ADDRESS, &[192, 0, 2, 1])]),
            message(NLMSG_DONE, &[0; 4]),
        ]
        .concat();
        for length in 0..whole.len() {
            let mut found = Vec::new();
            read_listing(whole.get(..length).unwrap(), &mut found);
            assert!(found.len() <= 1);
        }
        let mut found = Vec::new();
        assert!(
            read_listing(&[0; 64], &mut found),
            "a length of 0 does not go round for ever"
        );
        assert!(found.is_empty());
    }

    #[test]
    fn this_machine_has_the_loopback_address() {
        let addresses = LocalAddresses::open().unwrap().list().unwrap();
        assert!(
            addresses.contains(&Ipv4Addr::LOCALHOST.into()),
            "{addresses:?}"
        );
    }
}
