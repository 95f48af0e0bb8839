//! letmein, the client, after it has resolved the server's name: it knocks, and that is all.

use crate::profile::{Condition, Profile, Test, allow, is, is_not, kill, refuse};
use crate::runtime::{SEND_FAST_OPEN, SEND_TO_PEER};

const KNOCK: &str = "the knock: TCP or UDP, over IPv4 or IPv6";
const FILE: &str = "opens no file: configuration and name were read before";

/// The profile of letmein.
pub static CLIENT: Profile = Profile {
    program: "letmein",
    about: "It makes TCP and UDP connections; it opens no file.",
    own: &[
        allow("socket", KNOCK).when(&[is!(0, domain = libc::AF_INET), STREAM]),
        allow("socket", KNOCK).when(&[is!(0, domain = libc::AF_INET), DATAGRAM]),
        allow("socket", KNOCK).when(&[is!(0, domain = libc::AF_INET6), STREAM]),
        allow("socket", KNOCK).when(&[is!(0, domain = libc::AF_INET6), DATAGRAM]),
        allow("bind", "Node binds a UDP socket before it connects it"),
        allow("connect", KNOCK),
        SEND_TO_PEER,
        kill(
            "sendto",
            "to an address: the client's sockets are connected",
        )
        .when(&[is_not!(4, dest_addr = NULL)]),
        SEND_FAST_OPEN,
        allow("setsockopt", "the knock leaves at once").when(&[
            is!(1, level = libc::IPPROTO_TCP),
            is!(2, name = libc::TCP_NODELAY),
        ]),
        allow("setsockopt", "libuv's, when it binds a UDP socket").when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_REUSEADDR),
        ]),
        allow("wait4", "the end of the process that resolved the name"),
        allow("waitid", "the end of the process that resolved the name"),
        kill("socketpair", "makes sockets to talk to nobody it needs"),
        refuse("openat", libc::EACCES, FILE),
        refuse("openat2", libc::EACCES, FILE),
        refuse("open", libc::EACCES, FILE).on_x86_64(),
        refuse("creat", libc::EACCES, FILE).on_x86_64(),
    ],
};

const STREAM: Condition = kind(libc::SOCK_STREAM, "type = SOCK_STREAM");
const DATAGRAM: Condition = kind(libc::SOCK_DGRAM, "type = SOCK_DGRAM");

/// The type of socket(2), whatever flags are with it.
const fn kind(value: i32, says: &'static str) -> Condition {
    const FLAGS: i32 = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let test = Test::Masked {
        mask: !(FLAGS as u64),
        value: value as u64,
    };
    Condition { arg: 1, test, says }
}
