//! What Node cannot ask the operating system: who is at the other end of a unix socket, what kind of
//! socket was inherited, UDP sockets that stand beside each other, and datagrams to the service manager.

use std::io;
use std::net::{IpAddr, SocketAddr as InternetAddress};
use std::os::fd::{BorrowedFd, IntoRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use libc::{c_int, socklen_t};
use napi_derive::napi;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::errors::{Result, malformed, system};

/// The process that connected or listened, as the kernel recorded it at that moment (SO_PEERCRED,
/// unix(7)).
#[napi(object)]
pub struct PeerCredentials {
    /// Process id; 0 when it is not visible in this pid namespace.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// Asks who is at the other end of the connected unix socket `fd`.
#[napi]
pub fn peer_credentials(fd: i32) -> Result<PeerCredentials> {
    let unknown = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let credentials = socket_option(fd, libc::SO_PEERCRED, unknown)
        .map_err(|error| system("read a peer's credentials", &error))?;
    Ok(PeerCredentials {
        pid: credentials.pid,
        uid: credentials.uid,
        gid: credentials.gid,
    })
}

/// Tells what the inherited descriptor `fd` is; throws `SYSTEM_CALL` if it is no socket.
#[napi(ts_return_type = "'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'other'")]
pub fn socket_kind(fd: i32) -> Result<&'static str> {
    let read = |name| {
        socket_option::<c_int>(fd, name, 0)
            .map_err(|error| system("look at an inherited descriptor", &error))
    };
    Ok(match (read(libc::SO_DOMAIN)?, read(libc::SO_TYPE)?) {
        (libc::AF_INET, libc::SOCK_STREAM) => "tcp4",
        (libc::AF_INET6, libc::SOCK_STREAM) => "tcp6",
        (libc::AF_INET, libc::SOCK_DGRAM) => "udp4",
        (libc::AF_INET6, libc::SOCK_DGRAM) => "udp6",
        _ => "other",
    })
}

/// The port that the socket `fd` is bound to; 0 if it is no internet socket.
#[napi]
pub fn socket_port(fd: i32) -> Result<u16> {
    let failed = |error| system("look at an inherited descriptor", &error);
    with_socket(fd, |socket| socket.local_addr().map_err(failed))
        .map(|address| address.as_socket().map_or(0, |address| address.port()))
}

/// Makes an unbound UDP socket; returns its descriptor, which the caller closes. An IPv6 socket takes no IPv4. If
/// `shared`, it may stand beside others of this user's on one port.
#[napi]
pub fn open_udp(
    #[napi(ts_arg_type = "'IPv4' | 'IPv6'")] family: String,
    shared: bool,
) -> Result<i32> {
    let failed = |error| system("make a udp socket", &error);
    let is_six = family == "IPv6";
    let domain = if is_six { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(failed)?;
    if is_six {
        socket.set_only_v6(true).map_err(failed)?;
    }
    // Of the same user's sockets only, unlike SO_REUSEADDR (socket(7)).
    socket.set_reuse_port(shared).map_err(failed)?;
    Ok(socket.into_raw_fd())
}

/// Binds the UDP socket `fd` to `address` and `port`.
#[napi]
pub fn bind_udp(fd: i32, address: String, port: u16) -> Result<()> {
    let host: IpAddr = address.parse().map_err(|_| malformed())?;
    let failed = |error| system(&format!("bind udp {host} port {port}"), &error);
    let address = InternetAddress::new(host, port).into();
    with_socket(fd, |socket| socket.bind(&address).map_err(failed))
}

/// Lends the socket `fd` out for one call.
fn with_socket<T>(fd: i32, call: impl FnOnce(SockRef<'_>) -> Result<T>) -> Result<T> {
    if fd < 0 {
        return Err(malformed());
    }
    // SAFETY: it is no longer borrowed when this function ends, and is not -1; the kernel answers EBADF or ENOTSOCK for
    // a wrong one.
    let socket = unsafe { BorrowedFd::borrow_raw(fd) };
    call(SockRef::from(&socket))
}

/// Says whether other sockets may be bound beside `fd` (SO_REUSEADDR, socket(7)). Linux asks no
/// question about whose they are, so it stays allowed only while we bind our own.
#[napi]
pub fn share_address(fd: i32, shared: bool) -> Result<()> {
    let value = c_int::from(shared);
    // SAFETY: `value` is readable for the length given; the kernel answers EBADF or ENOTSOCK for a
    // wrong `fd`.
    let status = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_REUSEADDR,
            (&raw const value).cast(),
            size_of::<c_int>() as socklen_t,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(system("set SO_REUSEADDR", &io::Error::last_os_error()))
    }
}

/// The service manager's socket (sd_notify(3)), connected once: later there may be no way to.
#[napi]
pub struct ServiceManager {
    socket: UnixDatagram,
}

#[napi]
impl ServiceManager {
    /// Connects to `path`; a leading `@` means the abstract namespace.
    #[napi(constructor)]
    pub fn new(path: String) -> Result<Self> {
        let failed = |error: io::Error| system("reach the service manager", &error);
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&path),
        };
        let socket = UnixDatagram::unbound().map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        socket
            .connect_addr(&address.map_err(failed)?)
            .map_err(failed)?;
        Ok(Self { socket })
    }

    /// Sends `state` (`READY=1`).
    #[napi]
    pub fn notify(&self, state: String) -> Result<()> {
        let sent = self.socket.send(state.as_bytes());
        sent.map(drop)
            .map_err(|error| system("notify the service manager", &error))
    }
}

/// Options of a socket that the kernel writes as plain C data, where every bit pattern is a value.
trait PlainOption: Copy {}
impl PlainOption for c_int {}
impl PlainOption for libc::ucred {}

/// Reads an option of level SOL_SOCKET (socket(7)) into `value`.
fn socket_option<T: PlainOption>(fd: c_int, name: c_int, mut value: T) -> io::Result<T> {
    let mut length = size_of::<T>() as socklen_t;
    // SAFETY: `value` is writable for `length` bytes and any bytes are a valid `T` (PlainOption); the
    // kernel writes no more than `length`, and answers EBADF or ENOTSOCK for a wrong `fd`.
    let status = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    if status == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}
