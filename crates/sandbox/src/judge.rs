//! letmeinfwd, the judge: it keeps its netlink sockets, connects to the door, and reads its configuration.

use crate::profile::{Profile, allow, is, is_not, kill};

const LINK: &str = "the link to the door, tried again every 250 ms";
const ELSEWHERE: &str = "a socket of another family; its netlink sockets are open already";
const CONFIGURATION: &str =
    "the configuration is read again at a reload; Landlock says which files";
const BATCH: &str = "the netlink socket takes a transaction as one datagram, however large";
const END: &str = "its pid file is removed at the end; Landlock keeps it to that folder";

/// The profile of letmeinfwd.
pub static JUDGE: Profile = Profile {
    program: "letmeinfwd",
    about: "It speaks over the netlink sockets it has, makes unix sockets, and reads the files Landlock leaves it.",
    own: &[
        allow("socket", LINK).when(&[is!(0, domain = libc::AF_UNIX)]),
        kill("socket", ELSEWHERE).when(&[is_not!(0, domain = libc::AF_UNIX)]),
        kill("socketpair", "makes sockets to talk to nobody it needs"),
        allow("connect", LINK),
        allow("getsockopt", "who the door is").when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_PEERCRED),
        ]),
        allow("sendto", "requests to the kernel over netlink"),
        allow("setsockopt", BATCH).when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_SNDBUFFORCE),
        ]),
        allow("setsockopt", BATCH).when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_SNDBUF),
        ]),
        allow("openat", CONFIGURATION),
        allow("open", CONFIGURATION).on_x86_64(),
        allow("faccessat", CONFIGURATION),
        allow("faccessat2", CONFIGURATION),
        allow("access", CONFIGURATION).on_x86_64(),
        allow("readlinkat", CONFIGURATION),
        allow("readlink", CONFIGURATION).on_x86_64(),
        allow("unlinkat", END).when(&[is!(2, flags = 0)]),
        allow("unlink", END).on_x86_64(),
    ],
};
