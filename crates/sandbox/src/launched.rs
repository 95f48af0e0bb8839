//! What a launched program is refused from its first instruction on, before and beside any lock: what neither its user,
//! nor its capabilities, nor its Landlock ring stops.

use crate::profile::{Condition, Row, Test, has, refuse};

const TERMINAL: &str = "types into the terminal it was started from, as whoever sits there";
const FAST_OPEN: &str =
    "it makes a TCP connection that Landlock does not see (tcp(7), TCP Fast Open)";

/// Everything that is not here is as before.
pub static LAUNCHED: &[Row] = &[
    refuse(
        "io_uring_setup",
        libc::ENOSYS,
        "a ring makes the kernel do what seccomp never sees; libuv, from Node 22 on, takes epoll instead",
    ),
    refuse("ioctl", libc::EPERM, TERMINAL).when(&[low(1, libc::TIOCSTI, "request = TIOCSTI")]),
    refuse("ioctl", libc::EPERM, TERMINAL).when(&[low(1, libc::TIOCLINUX, "request = TIOCLINUX")]),
    refuse(
        "socket",
        libc::EPROTONOSUPPORT,
        "a socket of multipath TCP, whose connections Landlock does not see",
    )
    .when(&[low(2, MPTCP, "protocol = IPPROTO_MPTCP")]),
    refuse("sendto", libc::EOPNOTSUPP, FAST_OPEN).when(&[has!(3, flags & libc::MSG_FASTOPEN)]),
    refuse("sendmsg", libc::EOPNOTSUPP, FAST_OPEN).when(&[has!(2, flags & libc::MSG_FASTOPEN)]),
    refuse("sendmmsg", libc::EOPNOTSUPP, FAST_OPEN).when(&[has!(3, flags & libc::MSG_FASTOPEN)]),
];

const MPTCP: u64 = libc::IPPROTO_MPTCP as u64;

/// The low 32 bits of an argument, which are all that the kernel looks at: a refusal must not be dodged by the others.
const fn low(arg: u32, value: u64, says: &'static str) -> Condition {
    const LOW: u64 = 0xffff_ffff;
    let test = Test::Masked { mask: LOW, value };
    Condition { arg, test, says }
}
