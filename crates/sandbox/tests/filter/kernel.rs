//! What this machine's kernel does with the filters: a child process for each call, which ends as it says.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, exit};
use std::sync::mpsc;
use std::thread;

use letmein_sandbox::{CLIENT, DOOR, JUDGE, Mode, Profile, lock, restrict_launched};

/// Tells the child, which is this program again, what to do: `profile mode thread call`.
const ORDER: &str = "LETMEIN_SANDBOX_TEST";
/// The status of a child whose call succeeded; otherwise it is the errno.
const MADE: i32 = 0;
/// The status of a child that could not be prepared: no errno.
const UNPREPARED: i32 = 255;

#[derive(Clone, Copy)]
enum Where {
    /// On the thread that locks.
    Here,
    /// On one that was there before.
    There,
}

/// Where the child begins; nothing in the test run itself.
#[test]
fn child() {
    let Ok(order) = std::env::var(ORDER) else {
        return;
    };
    let words: Vec<&str> = order.split(' ').collect();
    let [profile, mode, place, call] = words[..] else {
        exit(UNPREPARED);
    };
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let prepared = calls::prepare();
    let call = call.to_owned();
    let there = place == "there";
    let act = move || {
        let status = calls::make(&call, &prepared);
        // Nothing of the test harness's own end: that is not under test.
        calls::end(status);
    };
    let (here, other) = if there {
        (None, Some(act))
    } else {
        (Some(act), None)
    };
    thread::spawn(move || {
        begun.recv().ok();
        if let Some(act) = other {
            act();
        }
        end.send(()).ok();
        thread::park();
    });
    lock_as(profile, mode);
    match here {
        Some(act) => act(),
        None => {
            begin.send(()).ok();
            ended.recv().ok();
        }
    }
    calls::end(UNPREPARED);
}

fn lock_as(profile: &str, mode: &str) {
    let mode = if mode == "log" { Mode::Log } else { Mode::Kill };
    let profiles: [&Profile; 3] = [&DOOR, &JUDGE, &CLIENT];
    let result = match profiles.iter().find(|known| known.program == profile) {
        Some(profile) => lock(profile, mode),
        None => restrict_launched(),
    };
    if let Err(error) = result {
        eprintln!("{error}");
        exit(UNPREPARED);
    }
}

/// Makes `call` in a child under `profile`.
fn outcome(profile: &str, mode: &str, place: Where, call: &str) -> ExitStatus {
    let place = match place {
        Where::Here => "here",
        Where::There => "there",
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kernel::child", "--nocapture"])
        .env(ORDER, format!("{profile} {mode} {place} {call}"))
        .output()
        .unwrap()
        .status
}

#[track_caller]
fn dies(profile: &str, call: &str) {
    for place in [Where::Here, Where::There] {
        let status = outcome(profile, "kill", place, call);
        assert_eq!(
            status.signal(),
            Some(libc::SIGSYS),
            "{call} of {profile}: {status}"
        );
    }
}

#[track_caller]
fn answers(profile: &str, call: &str, wanted: i32) {
    for place in [Where::Here, Where::There] {
        let status = outcome(profile, "kill", place, call);
        assert_eq!(status.code(), Some(wanted), "{call} of {profile}: {status}");
    }
}

#[test]
fn what_takes_a_program_over_ends_it() {
    for profile in ["letmeind", "letmeinfwd", "letmein"] {
        for call in [
            "execve",
            "clone",
            "mmap-exec",
            "mprotect-exec",
            "ptrace",
            "kill-parent",
            "setuid",
            "io_uring_enter",
            "unshare",
            "bpf",
            "seccomp",
            "fast-open",
        ] {
            dies(profile, call);
        }
    }
}

#[test]
fn what_is_only_refused_goes_on() {
    for profile in ["letmeind", "letmeinfwd", "letmein"] {
        answers(profile, "io_uring_setup", libc::ENOSYS);
        answers(profile, "clone3", libc::ENOSYS);
        answers(profile, "interface-flags", libc::ENOSYS);
        answers(profile, "attach-filter", libc::ENOSYS);
        answers(profile, "unknown", libc::ENOSYS);
        answers(profile, "terminal", libc::EPERM);
        answers(profile, "mmap", MADE);
        answers(profile, "signal-itself", MADE);
    }
}

#[test]
fn the_door_opens_nothing() {
    for call in [
        "socket-unix",
        "socket-inet",
        "connect",
        "disconnect",
        "sendto-address",
    ] {
        dies("letmeind", call);
    }
    answers("letmeind", "open", libc::EACCES);
    answers("letmeind", "share-port", MADE);
    answers("letmeind", "bind", MADE);
}

#[test]
fn the_judge_makes_unix_sockets_and_reads_files() {
    dies("letmeinfwd", "socket-inet");
    dies("letmeinfwd", "socket-netlink");
    answers("letmeinfwd", "socket-unix", MADE);
    answers("letmeinfwd", "open", MADE);
    answers("letmeinfwd", "send-buffer", MADE);
}

#[test]
fn the_client_makes_connections() {
    answers("letmein", "socket-inet", MADE);
    answers("letmein", "socket-unix", libc::ENOSYS);
    answers("letmein", "socket-netlink", libc::ENOSYS);
    answers("letmein", "open", libc::EACCES);
    dies("letmein", "sendto-address");
}

#[test]
fn log_mode_stops_nothing() {
    for call in ["execve", "clone", "mmap-exec", "socket-inet", "open"] {
        let status = outcome("letmeind", "log", Where::There, call);
        assert_eq!(status.code(), Some(MADE), "{call}: {status}");
    }
}

#[test]
fn abort_is_still_an_abort() {
    let status = outcome("letmeind", "kill", Where::There, "abort");
    assert_eq!(status.signal(), Some(libc::SIGABRT));
}

#[test]
fn the_launch_filter_refuses_io_uring_and_nothing_else() {
    // Of the calling thread: its program, and whatever that starts.
    let status = outcome("launch", "kill", Where::Here, "io_uring_setup");
    assert_eq!(status.code(), Some(libc::ENOSYS));
    for call in ["execve", "mmap-exec", "socket-inet", "open"] {
        let status = outcome("launch", "kill", Where::Here, call);
        assert_eq!(status.code(), Some(MADE), "{call}: {status}");
    }
}

/// The calls themselves: raw, as a hostile program would make them.
mod calls {
    use std::io;

    use libc::{c_int, c_long};

    /// SIOCSIFFLAGS (linux/sockios.h).
    const SET_INTERFACE_FLAGS: c_long = 0x8914;
    /// An address that is no memory: the kernel answers EFAULT where it gets so far.
    const NOWHERE: c_long = 8;

    /// What must be there before the lock.
    pub struct Prepared {
        udp: c_int,
        /// A page of its own.
        page: c_long,
        /// 127.0.0.1 port 9 as a sockaddr_in.
        address: [u8; 16],
        parent: c_long,
    }

    pub fn prepare() -> Prepared {
        let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE);
        let map = [
            0,
            4096,
            long(read_write),
            long(private | libc::MAP_ANONYMOUS),
            -1,
            0,
        ];
        let mut address = [0; 16];
        address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        address[2..8].copy_from_slice(&[0, 9, 127, 0, 0, 1]);
        Prepared {
            udp: socket(libc::AF_INET, libc::SOCK_DGRAM).unwrap() as c_int,
            page: call(libc::SYS_mmap, map).unwrap(),
            address,
            parent: call(libc::SYS_getppid, [0; 6]).unwrap(),
        }
    }

    /// Makes the call of that name: 0, or its errno.
    pub fn make(name: &str, prepared: &Prepared) -> i32 {
        by_name(name, prepared).map_or_else(|errno| errno, |_| 0)
    }

    fn by_name(name: &str, prepared: &Prepared) -> Result<c_long, i32> {
        let &Prepared {
            udp,
            page,
            parent,
            ref address,
        } = prepared;
        let udp = long(udp);
        let address = address.as_ptr() as c_long;
        let executable = long(libc::PROT_READ | libc::PROT_EXEC);
        let anonymous = long(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let reuse = [
            udp,
            long(libc::SOL_SOCKET),
            long(libc::SO_REUSEADDR),
            page,
            4,
            0,
        ];
        match name {
            // A path that is no program, so that in log mode it fails with the kernel's own answer.
            "execve" => expect(
                libc::EFAULT,
                call(libc::SYS_execve, [NOWHERE, 0, 0, 0, 0, 0]),
            ),
            // Flags that contradict each other: the kernel makes nothing.
            "clone" => {
                let thread_alone = long(libc::CLONE_THREAD);
                expect(
                    libc::EINVAL,
                    call(libc::SYS_clone, [thread_alone, 0, 0, 0, 0, 0]),
                )
            }
            "clone3" => call(libc::SYS_clone3, [NOWHERE, 64, 0, 0, 0, 0]),
            "mmap" => call(libc::SYS_mmap, [0, 4096, 1, anonymous, -1, 0]),
            "mmap-exec" => call(libc::SYS_mmap, [0, 4096, executable, anonymous, -1, 0]),
            "mprotect-exec" => call(libc::SYS_mprotect, [page, 4096, executable, 0, 0, 0]),
            "ptrace" => call(
                libc::SYS_ptrace,
                [long(libc::PTRACE_TRACEME as c_int), 0, 0, 0, 0, 0],
            ),
            "kill-parent" => call(libc::SYS_kill, [parent, 0, 0, 0, 0, 0]),
            "signal-itself" => {
                let own = call(libc::SYS_getpid, [0; 6])?;
                let thread = call(libc::SYS_gettid, [0; 6])?;
                call(libc::SYS_tgkill, [own, thread, 0, 0, 0, 0])
            }
            "setuid" => call(libc::SYS_setuid, [0; 6]),
            "unshare" => call(libc::SYS_unshare, [0; 6]),
            "bpf" => call(libc::SYS_bpf, [0; 6]),
            "seccomp" => call(libc::SYS_seccomp, [0; 6]),
            "io_uring_setup" => call(libc::SYS_io_uring_setup, [8, NOWHERE, 0, 0, 0, 0]),
            "io_uring_enter" => call(libc::SYS_io_uring_enter, [-1, 0, 0, 0, 0, 0]),
            "interface-flags" => call(libc::SYS_ioctl, [udp, SET_INTERFACE_FLAGS, page, 0, 0, 0]),
            "terminal" => call(libc::SYS_ioctl, [0, libc::TCSETS as c_long, page, 0, 0, 0]),
            "attach-filter" => {
                let option = long(libc::SO_ATTACH_FILTER);
                call(
                    libc::SYS_setsockopt,
                    [udp, long(libc::SOL_SOCKET), option, page, 16, 0],
                )
            }
            "share-port" => call(libc::SYS_setsockopt, reuse),
            "send-buffer" => {
                let option = long(libc::SO_SNDBUF);
                call(
                    libc::SYS_setsockopt,
                    [udp, long(libc::SOL_SOCKET), option, page, 4, 0],
                )
            }
            // A number that no kernel has yet.
            "unknown" => call(1_000, [0; 6]),
            "socket-unix" => socket(libc::AF_UNIX, libc::SOCK_STREAM),
            "socket-inet" => socket(libc::AF_INET, libc::SOCK_STREAM),
            "socket-netlink" => socket(libc::AF_NETLINK, libc::SOCK_RAW),
            // The page is zero: a sockaddr of AF_UNSPEC.
            "disconnect" => call(libc::SYS_connect, [udp, page, 16, 0, 0, 0]),
            "connect" => call(libc::SYS_connect, [udp, address, 16, 0, 0, 0]),
            "bind" => {
                // Port 0: the kernel chooses.
                let address = [
                    libc::AF_INET as u8,
                    0,
                    0,
                    0,
                    127,
                    0,
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                ];
                call(
                    libc::SYS_bind,
                    [udp, address.as_ptr() as c_long, 16, 0, 0, 0],
                )
            }
            "sendto-address" => call(libc::SYS_sendto, [udp, page, 8, 0, address, 16]),
            "fast-open" => {
                let flags = long(libc::MSG_FASTOPEN);
                call(libc::SYS_sendmsg, [udp, page, flags, 0, 0, 0])
            }
            "open" => {
                let path = c"/etc/passwd".as_ptr() as c_long;
                call(libc::SYS_openat, [long(libc::AT_FDCWD), path, 0, 0, 0, 0])
            }
            "abort" => std::process::abort(),
            _ => Err(super::UNPREPARED),
        }
    }

    /// The answer that says the kernel was asked counts as made.
    fn expect(errno: i32, result: Result<c_long, i32>) -> Result<c_long, i32> {
        if result == Err(errno) { Ok(0) } else { result }
    }

    fn socket(domain: c_int, kind: c_int) -> Result<c_long, i32> {
        call(
            libc::SYS_socket,
            [long(domain), long(kind | libc::SOCK_CLOEXEC), 0, 0, 0, 0],
        )
    }

    pub fn end(status: i32) -> ! {
        call(libc::SYS_exit_group, [long(status), 0, 0, 0, 0, 0]).ok();
        unreachable!()
    }

    fn long(value: c_int) -> c_long {
        c_long::from(value)
    }

    fn call(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> Result<c_long, i32> {
        // SAFETY: every pointer given by this module is to memory that lives as long as the process, or
        // to the caller's stack, or invalid, which the kernel checks; no call here changes memory in use.
        let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        if result == -1 {
            Err(io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(super::UNPREPARED))
        } else {
            Ok(result)
        }
    }
}
