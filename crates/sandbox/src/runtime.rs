//! What every Node event loop needs after its start, and what libc or Node may do some day.
//!
//! Reasons that speak of what libc or Node "may" do are by thought; the others were seen with strace on
//! Node 20, 22, 24 or 26. A harmless call that is missing would break a server for nothing.

use crate::profile::{NOT_OWN_PID, OWN_PID, Row, allow, has, is, kill, lacks, linux, refuse};

const LOOP: &str = "the event loop";
const STREAM: &str = "bytes of sockets and pipes, and the log";
const SAME_AS_READ: &str =
    "as read and write, with several buffers or an offset: libuv may choose so";
const MESSAGE: &str = "datagrams; seccomp cannot see whom to";
const FAST_OPEN: &str = "it makes a TCP connection without connect (tcp(7), TCP Fast Open)";
const MEMORY: &str = "memory for V8's heap and malloc";
const NO_CODE: &str = "executable memory: nothing is compiled at run time (--jitless)";
const THREADS: &str = "locks between threads, and waiting for their end";
const TIME: &str = "clocks and pauses; Node may need them where the vDSO cannot answer";
const SIGNALS: &str = "signal handlers, and blocking signals for a moment";
const ABORT: &str = "abort() raises SIGABRT in this way";
const OTHERS: &str = "a signal to another process";
const OWN_FACTS: &str =
    "says something about this process, which libc or Node may ask; changes nothing";
const MACHINE_FACTS: &str =
    "says something about the machine, which libc or Node may ask; changes nothing";
const FLAGS: &str = "reading and setting descriptor flags; Node puts O_NONBLOCK back at exit";
const METADATA: &str = "size and kind of a file: what a descriptor is, and whether a file is there";
const TERMINAL: &str = "asks whether it is a terminal, and how it is set";
const OPTION: &str = "asks what a socket is, or why it failed";

/// For programs that send to nobody but the other end of a socket: this row, one that forbids addresses, and the next.
pub(crate) const SEND_TO_PEER: Row = allow("sendto", "to the other end of a connected socket")
    .when(&[
        lacks!(3, flags & libc::MSG_FASTOPEN),
        is!(4, dest_addr = NULL),
    ]);
/// See [`SEND_TO_PEER`].
pub(crate) const SEND_FAST_OPEN: Row = kill("sendto", FAST_OPEN).when(&[
    has!(3, flags & libc::MSG_FASTOPEN),
    is!(4, dest_addr = NULL),
]);

/// Rows of every profile.
pub static RUNTIME: &[Row] = &[
    // The event loop.
    allow("epoll_pwait", LOOP),
    allow("epoll_wait", "what libc may make of epoll_pwait").on_x86_64(),
    allow("epoll_ctl", LOOP),
    allow(
        "ppoll",
        "poll(), which libc and libuv may use for one descriptor",
    ),
    allow(
        "poll",
        "poll(), which libc and libuv may use for one descriptor",
    )
    .on_x86_64(),
    // Bytes.
    allow("read", STREAM),
    allow("write", STREAM),
    allow("close", STREAM),
    allow("shutdown", STREAM),
    allow("readv", SAME_AS_READ),
    allow("writev", SAME_AS_READ),
    allow("pread64", SAME_AS_READ),
    allow("pwrite64", SAME_AS_READ),
    allow("preadv", SAME_AS_READ),
    allow("pwritev", SAME_AS_READ),
    allow("lseek", "stdio may ask where it is in a log that is a file"),
    allow("recvfrom", STREAM),
    allow("recvmsg", "datagrams with their sender"),
    allow(
        "recvmmsg",
        "as recvmsg, several at once: libuv may choose so",
    ),
    allow("sendmsg", MESSAGE).when(&[lacks!(2, flags & libc::MSG_FASTOPEN)]),
    kill("sendmsg", FAST_OPEN).when(&[has!(2, flags & libc::MSG_FASTOPEN)]),
    allow(
        "sendmmsg",
        "as sendmsg, several at once: libuv may choose so",
    )
    .when(&[lacks!(3, flags & libc::MSG_FASTOPEN)]),
    kill("sendmmsg", FAST_OPEN).when(&[has!(3, flags & libc::MSG_FASTOPEN)]),
    allow("getsockname", "which local address and port a socket has"),
    allow("getpeername", "who is at the other end of a socket"),
    allow("getsockopt", OPTION).when(&[
        is!(1, level = libc::SOL_SOCKET),
        is!(2, name = libc::SO_ERROR),
    ]),
    allow("getsockopt", OPTION).when(&[
        is!(1, level = libc::SOL_SOCKET),
        is!(2, name = libc::SO_TYPE),
    ]),
    allow("getsockopt", OPTION).when(&[
        is!(1, level = libc::SOL_SOCKET),
        is!(2, name = libc::SO_DOMAIN),
    ]),
    // Descriptors.
    allow("fcntl", FLAGS).when(&[is!(1, cmd = libc::F_GETFL)]),
    allow("fcntl", FLAGS).when(&[is!(1, cmd = libc::F_SETFL)]),
    allow("fcntl", FLAGS).when(&[is!(1, cmd = libc::F_GETFD)]),
    allow("fcntl", FLAGS).when(&[is!(1, cmd = libc::F_SETFD)]),
    allow("ioctl", "libuv makes a socket or pipe non-blocking")
        .when(&[is!(1, request = libc::FIONBIO)]),
    allow("ioctl", "libuv makes a descriptor close-on-exec")
        .when(&[is!(1, request = libc::FIOCLEX)]),
    allow("ioctl", "libuv may ask how many bytes wait").when(&[is!(1, request = libc::FIONREAD)]),
    allow("ioctl", TERMINAL).when(&[is!(1, request = libc::TCGETS)]),
    allow("ioctl", "as TCGETS, from glibc 2.42 on").when(&[is!(1, request = linux::TCGETS2)]),
    allow(
        "ioctl",
        "Node asks for the size when a terminal's window changes",
    )
    .when(&[is!(1, request = libc::TIOCGWINSZ)]),
    refuse(
        "ioctl",
        libc::EPERM,
        "Node puts a terminal's settings back at exit, and aborts on any other errno",
    )
    .when(&[is!(1, request = libc::TCSETS)]),
    refuse("ioctl", libc::EPERM, "as TCSETS, from glibc 2.42 on")
        .when(&[is!(1, request = linux::TCSETS2)]),
    allow("fstat", METADATA),
    allow(
        "newfstatat",
        "as fstat and lstat: what libc makes of them; on aarch64 always",
    ),
    allow("statx", METADATA),
    allow("stat", "what libc may use in statx's place").on_x86_64(),
    allow(
        "lstat",
        "as statx: how Node 24 and later look at a file before they remove it",
    )
    .on_x86_64(),
    // Memory.
    allow("mmap", MEMORY).when(&[lacks!(2, prot & libc::PROT_EXEC)]),
    kill("mmap", NO_CODE).when(&[has!(2, prot & libc::PROT_EXEC)]),
    allow("mprotect", MEMORY).when(&[lacks!(2, prot & libc::PROT_EXEC)]),
    kill("mprotect", NO_CODE).when(&[has!(2, prot & libc::PROT_EXEC)]),
    allow("pkey_mprotect", "V8 may use it in mprotect's place")
        .when(&[lacks!(2, prot & libc::PROT_EXEC)]),
    kill("pkey_mprotect", NO_CODE).when(&[has!(2, prot & libc::PROT_EXEC)]),
    allow("munmap", MEMORY),
    allow(
        "mremap",
        "realloc may move large blocks; it cannot add PROT_EXEC",
    ),
    allow("madvise", MEMORY),
    allow("brk", MEMORY),
    allow("membarrier", "V8 may order memory between threads"),
    // Threads that are there already.
    allow("futex", THREADS),
    allow("sched_yield", THREADS),
    allow("rseq", "libc may register or end it for a thread"),
    allow(
        "set_robust_list",
        "libc may register the locks that the calling thread holds",
    ),
    allow("exit", "a thread's end"),
    allow("exit_group", "the program's end"),
    // Time.
    allow("clock_gettime", TIME),
    allow("clock_getres", TIME),
    allow("clock_nanosleep", TIME),
    allow("nanosleep", TIME),
    allow("gettimeofday", TIME),
    allow("time", TIME).on_x86_64(),
    allow(
        "restart_syscall",
        "a pause goes on after SIGSTOP and SIGCONT",
    ),
    // Signals.
    allow("rt_sigaction", SIGNALS),
    allow("rt_sigprocmask", SIGNALS),
    allow("rt_sigreturn", SIGNALS),
    allow("sigaltstack", "Node may give a handler a stack of its own"),
    allow("tgkill", ABORT).when(&[OWN_PID]),
    kill("tgkill", OTHERS).when(&[NOT_OWN_PID]),
    allow("tkill", "abort() of musl, on the main thread").when(&[OWN_PID]),
    kill("tkill", OTHERS).when(&[NOT_OWN_PID]),
    allow("kill", "process.kill() of itself").when(&[OWN_PID]),
    kill("kill", OTHERS).when(&[NOT_OWN_PID]),
    // Facts.
    allow("getpid", "libc's and V8's; abort() as well"),
    allow("gettid", OWN_FACTS),
    allow("getppid", OWN_FACTS),
    allow("getuid", OWN_FACTS),
    allow("geteuid", OWN_FACTS),
    allow("getgid", OWN_FACTS),
    allow("getegid", OWN_FACTS),
    allow("getresuid", OWN_FACTS),
    allow("getresgid", OWN_FACTS),
    allow("getgroups", OWN_FACTS),
    allow("getrusage", OWN_FACTS),
    allow("times", OWN_FACTS),
    allow("getrlimit", OWN_FACTS),
    allow(
        "prlimit64",
        "getrlimit() of libc; setting is something else",
    )
    .when(&[is!(0, pid = 0), is!(2, new_limit = NULL)]),
    allow("getcwd", OWN_FACTS),
    allow("getcpu", MACHINE_FACTS),
    allow(
        "sched_getaffinity",
        "malloc counts the processors when threads meet; seen on Node 26",
    ),
    allow("uname", MACHINE_FACTS),
    allow("sysinfo", MACHINE_FACTS),
    allow("getrandom", "hash seeds, random numbers"),
];
