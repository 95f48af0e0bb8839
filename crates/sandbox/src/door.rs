//! letmeind, the door: it answers whoever came, and can reach nobody else.

use crate::profile::{Profile, allow, is, is_not, kill, refuse};
use crate::runtime::{SEND_FAST_OPEN, SEND_TO_PEER};

const CONNECTION: &str = "a connection of its own: the door has none";
const FILE: &str = "opens no file; libc, Node and libuv go on without the few that they would like";
const END: &str =
    "its pid file and its socket are removed at the end; Landlock keeps it to their folder";

/// The profile of letmeind.
pub static DOOR: Profile = Profile {
    program: "letmeind",
    about: "It accepts connections and answers; it opens no socket, no connection and no file.",
    own: &[
        allow("accept4", "TCP connections, and the judge's link"),
        allow(
            "bind",
            "UDP sockets made before the lock, for addresses that the machine gets later",
        ),
        SEND_TO_PEER,
        kill("sendto", "to an address: answers go out with sendmsg")
            .when(&[is_not!(4, dest_addr = NULL)]),
        SEND_FAST_OPEN,
        allow("getsockopt", "who the judge is").when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_PEERCRED),
        ]),
        allow("setsockopt", "answers leave at once").when(&[
            is!(1, level = libc::IPPROTO_TCP),
            is!(2, name = libc::TCP_NODELAY),
        ]),
        allow(
            "setsockopt",
            "libuv sets it and we clear it again; beside sockets of systemd, while a new one is bound",
        )
        .when(&[
            is!(1, level = libc::SOL_SOCKET),
            is!(2, name = libc::SO_REUSEADDR),
        ]),
        kill("socket", CONNECTION),
        kill("socketpair", CONNECTION),
        kill("connect", CONNECTION),
        refuse("openat", libc::EACCES, FILE),
        refuse("openat2", libc::EACCES, FILE),
        refuse("open", libc::EACCES, FILE).on_x86_64(),
        refuse("creat", libc::EACCES, FILE).on_x86_64(),
        allow("unlinkat", END).when(&[is!(2, flags = 0)]),
        allow("unlink", END).on_x86_64(),
    ],
};
