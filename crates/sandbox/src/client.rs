//! letmein, the client, after it has resolved the server's name: it knocks, and that is all.

use crate::profile::{Profile, allow, has, is, is_not, kill, lacks, linux, refuse};

const KNOCK: &str = "the knock: TCP or UDP, over IPv4 or IPv6";
const FILE: &str = "opens no file: configuration and name were read before";

/// The profile of letmein.
pub static CLIENT: Profile = Profile {
    program: "letmein",
    about: "It makes TCP and UDP connections; it opens no file.",
    own: &[
        allow("socket", KNOCK).when(&[
            is!(0, domain = libc::AF_INET),
            is!(1, type & linux::SOCK_TYPE_MASK = libc::SOCK_STREAM),
        ]),
        allow("socket", KNOCK).when(&[
            is!(0, domain = libc::AF_INET),
            is!(1, type & linux::SOCK_TYPE_MASK = libc::SOCK_DGRAM),
        ]),
        allow("socket", KNOCK).when(&[
            is!(0, domain = libc::AF_INET6),
            is!(1, type & linux::SOCK_TYPE_MASK = libc::SOCK_STREAM),
        ]),
        allow("socket", KNOCK).when(&[
            is!(0, domain = libc::AF_INET6),
            is!(1, type & linux::SOCK_TYPE_MASK = libc::SOCK_DGRAM),
        ]),
        allow("bind", "Node binds a UDP socket before it connects it"),
        allow("connect", KNOCK),
        allow("sendto", "to the other end of a connected socket").when(&[
            lacks!(3, flags & libc::MSG_FASTOPEN),
            is!(4, dest_addr = NULL),
        ]),
        kill(
            "sendto",
            "to an address: the client's sockets are connected",
        )
        .when(&[is_not!(4, dest_addr = NULL)]),
        kill(
            "sendto",
            "it makes a TCP connection without connect (tcp(7), TCP Fast Open)",
        )
        .when(&[
            has!(3, flags & libc::MSG_FASTOPEN),
            is!(4, dest_addr = NULL),
        ]),
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
