//! Attempts at what a locked program must not do, made as a hostile one would make them: by the bare system call, on the
//! main thread or on another. Only with the feature `probe`, which no packed build has.

use std::{
    io,
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    ptr::from_ref,
    sync::mpsc,
    thread,
};

use libc::c_long;
use napi_derive::napi;

use crate::errors::{Result, malformed, system};

/// The number of a system call, and its six arguments.
type Call = (c_long, [usize; 6]);

/// One attempt, with all that it needs made beforehand: once locked, there is no way to.
#[napi]
pub struct Probe {
    call: Call,
    /// Tells the other thread to begin; `None`: the main thread does it.
    begin: Option<mpsc::Sender<()>>,
    result: mpsc::Receiver<i32>,
    _sockets: Sockets,
}

/// Both ends of a TCP connection on the loopback interface.
struct Sockets {
    _ours: TcpStream,
    accepted: TcpStream,
}

#[napi]
impl Probe {
    /// Prepares the attempt of this name.
    #[napi(constructor)]
    pub fn new(name: String, on_another_thread: bool) -> Result<Self> {
        let sockets =
            Sockets::open().map_err(|error| system("open sockets to try with", &error))?;
        let call = attempt(&name, sockets.accepted.as_raw_fd()).ok_or_else(malformed)?;
        let (begin, wait) = mpsc::channel();
        let (tell, result) = mpsc::channel();
        if on_another_thread {
            thread::spawn(move || {
                if wait.recv().is_ok() {
                    let _ = tell.send(make(call));
                }
            });
        }
        Ok(Self {
            call,
            begin: on_another_thread.then_some(begin),
            result,
            _sockets: sockets,
        })
    }

    /// Makes the attempt. Returns 0 where the kernel did it, else the errno.
    #[napi]
    pub fn run(&self) -> i32 {
        let Some(begin) = &self.begin else {
            return make(self.call);
        };
        let _ = begin.send(());
        self.result.recv().unwrap_or(-1)
    }
}

impl Sockets {
    fn open() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        let (accepted, _) = listener.accept()?;
        Ok(Self {
            _ours: ours,
            accepted,
        })
    }
}

/// Arguments that stand still in memory.
static PROGRAM: &[u8] = b"/bin/true\0";
static SECRET: &[u8] = b"/etc/shadow\0";
static NO_ADDRESS: libc::sockaddr = libc::sockaddr {
    sa_family: libc::AF_UNSPEC as u16,
    sa_data: [0; 14],
};
/// 127.0.0.1 port 9.
static ADDRESS: libc::sockaddr_in = libc::sockaddr_in {
    sin_family: libc::AF_INET as u16,
    sin_port: 9_u16.to_be(),
    sin_addr: libc::in_addr {
        s_addr: 0x7f00_0001_u32.to_be(),
    },
    sin_zero: [0; 8],
};
/// `struct ifreq` of the loopback interface with flags 0: takes it down.
static LOOPBACK_DOWN: [u8; 40] = {
    let mut request = [0; 40];
    request[0] = b'l';
    request[1] = b'o';
    request
};
/// `struct sock_fprog` of one instruction that drops everything.
static FILTER: FilterProgram = FilterProgram {
    length: 1,
    instruction: &DROP_ALL,
};
static DROP_ALL: [u8; 8] = [6, 0, 0, 0, 0, 0, 0, 0];
static RING: [u8; 120] = [0; 120];
static MESSAGE: &[u8; 16] = b"a fast open byte";

#[repr(C)]
struct FilterProgram {
    length: u16,
    instruction: &'static [u8; 8],
}

fn at<T: ?Sized>(thing: &'static T) -> usize {
    from_ref(thing).cast::<u8>() as usize
}

/// What each name stands for. `socket` is an accepted TCP connection.
fn attempt(name: &str, socket: i32) -> Option<Call> {
    let fd = socket as usize;
    let address_len = size_of::<libc::sockaddr_in>();
    let init: usize = 1;
    Some(match name {
        "execve" => (libc::SYS_execve, [at(PROGRAM), 0, 0, 0, 0, 0]),
        "execveat" => {
            let here = libc::AT_FDCWD as usize;
            (libc::SYS_execveat, [here, at(PROGRAM), 0, 0, 0, 0])
        }
        "fork" => (libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0, 0, 0]),
        "thread" => {
            let flags = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
            // No stack: were it made, it would end the process otherwise than by SIGSYS.
            (libc::SYS_clone, [flags as usize, 16, 0, 0, 0, 0])
        }
        "clone3" => (libc::SYS_clone3, [at(&RING), 88, 0, 0, 0, 0]),
        "socket-inet" => socket_of(libc::AF_INET, libc::SOCK_STREAM, 0),
        "socket-inet-datagram" => socket_of(libc::AF_INET, libc::SOCK_DGRAM, 0),
        "socket-raw" => socket_of(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP),
        "socket-packet" => socket_of(libc::AF_PACKET, libc::SOCK_RAW, 0),
        "socket-multipath" => socket_of(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        "terminal-input" => {
            // The kernel looks at the low half alone.
            let request = libc::TIOCSTI as usize | 1 << 32;
            (libc::SYS_ioctl, [fd, request, at(MESSAGE), 0, 0, 0])
        }
        "socket-unix" => socket_of(libc::AF_UNIX, libc::SOCK_STREAM, 0),
        "socket-netfilter" => socket_of(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER),
        "socket-route" => socket_of(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
        "disconnect" => (libc::SYS_connect, [fd, at(&NO_ADDRESS), 16, 0, 0, 0]),
        "connect" => (libc::SYS_connect, [fd, at(&ADDRESS), address_len, 0, 0, 0]),
        "sendto-address" => {
            let message = [fd, at(MESSAGE), MESSAGE.len()];
            let [fd, bytes, length] = message;
            let flags = libc::MSG_FASTOPEN as usize;
            let call = [fd, bytes, length, flags, at(&ADDRESS), address_len];
            (libc::SYS_sendto, call)
        }
        "open" => {
            let here = libc::AT_FDCWD as usize;
            (libc::SYS_openat, [here, at(SECRET), 0, 0, 0, 0])
        }
        "mprotect-exec" => {
            let page = at(&RING) & !4095;
            let protection = (libc::PROT_READ | libc::PROT_EXEC) as usize;
            (libc::SYS_mprotect, [page, 4096, protection, 0, 0, 0])
        }
        "mmap-exec" => {
            let protection = (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) as usize;
            let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
            (libc::SYS_mmap, [0, 4096, protection, flags, usize::MAX, 0])
        }
        "io_uring_setup" => (libc::SYS_io_uring_setup, [1, at(&RING), 0, 0, 0, 0]),
        "io_uring_enter" => (libc::SYS_io_uring_enter, [fd, 1, 0, 0, 0, 0]),
        "ptrace" => (
            libc::SYS_ptrace,
            [libc::PTRACE_ATTACH as usize, init, 0, 0, 0, 0],
        ),
        "process_vm_readv" => (libc::SYS_process_vm_readv, [init, 0, 0, 0, 0, 0]),
        "kill" => (libc::SYS_kill, [init, libc::SIGCONT as usize, 0, 0, 0, 0]),
        "interface-down" => (
            libc::SYS_ioctl,
            [fd, libc::SIOCSIFFLAGS as usize, at(&LOOPBACK_DOWN), 0, 0, 0],
        ),
        "attach-filter" => {
            let (level, option) = (libc::SOL_SOCKET as usize, libc::SO_ATTACH_FILTER as usize);
            (
                libc::SYS_setsockopt,
                [fd, level, option, at(&FILTER), 16, 0],
            )
        }
        "setuid" => (libc::SYS_setuid, [0; 6]),
        "setgroups" => (libc::SYS_setgroups, [0; 6]),
        "capset" => (libc::SYS_capset, [at(&RING), at(&RING), 0, 0, 0, 0]),
        "dumpable" => (
            libc::SYS_prctl,
            [libc::PR_SET_DUMPABLE as usize, 1, 0, 0, 0, 0],
        ),
        "unshare" => (
            libc::SYS_unshare,
            [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0, 0],
        ),
        "bpf" => (libc::SYS_bpf, [0; 6]),
        "userfaultfd" => (libc::SYS_userfaultfd, [0; 6]),
        "keyctl" => (libc::SYS_keyctl, [0; 6]),
        "seccomp" => (libc::SYS_seccomp, [0; 6]),
        "unknown" => (100_000, [0; 6]),
        "getpid" => (libc::SYS_getpid, [0; 6]),
        _ => return None,
    })
}

fn socket_of(domain: i32, kind: i32, protocol: i32) -> Call {
    let call = [domain as usize, kind as usize, protocol as usize, 0, 0, 0];
    (libc::SYS_socket, call)
}

fn make((number, [a, b, c, d, e, f]): Call) -> i32 {
    // SAFETY: all pointers are to statics, which the kernel reads; the calls whose success would end this process's
    // health (a thread without a stack) are what the filter under test ends before.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 {
        io::Error::last_os_error().raw_os_error().unwrap_or(-1)
    } else {
        0
    }
}
