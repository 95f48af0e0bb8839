//! letmeinfwd, the judge: it keeps its netlink sockets, connects to the door, and reads its configuration.

use crate::profile::{Condition, Profile, Test, allow, is, is_not, kill};

const LINK: &str = "the link to the door, tried again every 250 ms";
const ELSEWHERE: &str = "a socket of another family; its netlink sockets are open already";
const CONFIGURATION: &str = "to read alone, what Node and libc may want late, and the configuration; Landlock says which files";
const PATH: &str = "what Node may ask about a path before it opens it";
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
        allow("openat", CONFIGURATION).when(&[reading(2)]),
        allow("open", CONFIGURATION).when(&[reading(1)]).on_x86_64(),
        allow("faccessat", PATH),
        allow("faccessat2", PATH),
        allow("access", PATH).on_x86_64(),
        allow("readlinkat", PATH),
        allow("readlink", PATH).on_x86_64(),
        allow("unlinkat", END).when(&[is!(2, flags = 0)]),
        allow("unlink", END).on_x86_64(),
    ],
};

/// The flags of open(2) neither write a file, nor empty it, nor make one.
const fn reading(arg: u32) -> Condition {
    let mask = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;
    let value = libc::O_RDONLY as u64;
    Condition {
        arg,
        test: Test::Masked { mask, value },
        says: "flags for reading alone",
    }
}
