//! What Node cannot ask the operating system: who is at the other end of a unix socket, what kind of
//! socket was inherited, and a datagram to the service manager.

use std::io;
use std::net::{IpAddr, SocketAddr as InternetAddress};
use std::os::fd::IntoRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use libc::{c_int, socklen_t};
use napi_derive::napi;
use socket2::{Domain, Protocol, Socket, Type};

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

/// Binds a UDP socket to `address` and `port`, beside others of ours that `share_address` opened for
/// it; returns its descriptor, which the caller closes. An IPv6 socket takes no IPv4.
#[napi]
pub fn bind_udp(address: String, port: u16) -> Result<i32> {
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    let failed = |error| system(&format!("bind udp {address} port {port}"), &error);
    let domain = Domain::for_address(InternetAddress::new(address, port));
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(failed)?;
    if address.is_ipv6() {
        socket.set_only_v6(true).map_err(failed)?;
    }
    socket.set_reuse_address(true).map_err(failed)?;
    socket
        .bind(&InternetAddress::new(address, port).into())
        .map_err(failed)?;
    Ok(socket.into_raw_fd())
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

/// Sends `state` ("READY=1") to the service manager's socket at `path` (sd_notify(3)); a leading `@`
/// means the abstract namespace.
#[napi]
pub fn notify(path: String, state: String) -> Result<()> {
    let failed = |error: std::io::Error| system("notify the service manager", &error);
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let socket = UnixDatagram::unbound().map_err(failed)?;
    socket
        .connect_addr(&address.map_err(failed)?)
        .map_err(failed)?;
    socket.send(state.as_bytes()).map_err(failed)?;
    Ok(())
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
