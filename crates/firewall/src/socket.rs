//! The netlink socket: requests out, answers in, by sequence number.
//!
//! The kernel handles a request inside `sendto`, so its answers wait in the socket when that returns.

use std::{io, os::fd::AsRawFd};

use mnl::{Bus, Socket as MnlSocket};

use crate::{
    error::{Error, Step},
    message::{Received, flag, kind, messages},
    sys::{self, Aligned},
};

/// The kernel fills at most 32 KiB into one datagram of a listing.
const RECEIVE_LEN: usize = 64 * 1024;
/// Answers that wait: a failed transaction reports every refused message.
const RECEIVE_BUFFER: libc::c_int = 4 * 1024 * 1024;
/// A transaction is one datagram: 20,000 leases with their ledger are about 3.5 MiB. Counts twice: the kernel
/// doubles it and adds its own.
const SEND_BUFFER: libc::c_int = 8 * 1024 * 1024;
/// Beyond this an answer is lost.
const ANSWER_TIMEOUT: libc::timeval = libc::timeval {
    tv_sec: 2,
    tv_usec: 0,
};
/// Times a listing that changes disturb is begun again.
const LISTING_ATTEMPTS: u32 = 16;

/// linux/netlink.h; not in every libc.
const SOL_NETLINK: libc::c_int = 270;
/// Errors come back without the refused message.
const NETLINK_CAP_ACK: libc::c_int = 10;

/// A message that the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub sequence: u32,
    pub errno: i32,
}

/// A netlink socket to netfilter.
pub(crate) struct Socket {
    socket: MnlSocket,
    buffer: Box<Aligned<RECEIVE_LEN>>,
    sequence: u32,
    /// An answer was lost or left: what waits is thrown away before the next request. (Not reopened: after the
    /// sandbox is locked there is no way to.)
    stale: bool,
    send_buffer: libc::c_int,
}

impl Socket {
    pub fn open() -> Result<Self, Error> {
        let socket = MnlSocket::new(Bus::Netfilter).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            Error::new(Step::OpenSocket, "netlink socket", errno)
        })?;
        let fd = socket.as_raw_fd();
        let level = libc::SOL_SOCKET;
        if !sys::set_option(fd, level, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER) {
            sys::set_option(fd, level, libc::SO_RCVBUF, RECEIVE_BUFFER);
        }
        sys::set_option(fd, level, libc::SO_RCVTIMEO, ANSWER_TIMEOUT);
        sys::set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1 as libc::c_int);
        let mut socket = Self {
            socket,
            buffer: Box::new(Aligned([0; RECEIVE_LEN])),
            sequence: 1,
            stale: false,
            send_buffer: 0,
        };
        socket.grow_send_buffer(SEND_BUFFER);
        Ok(socket)
    }

    /// Gives out `count` sequence numbers; the first of them.
    pub fn take_sequences(&mut self, count: u32) -> u32 {
        let first = self.sequence;
        self.sequence = first.wrapping_add(count);
        first
    }

    /// Sends a transaction whose messages are numbered `first..=last`, of which `last` is acknowledged.
    /// The refused messages; none: it happened.
    ///
    /// # Errors
    /// The errno: no answer (ETIMEDOUT), too large (EMSGSIZE), lost answers (ENOBUFS).
    pub fn transact(&mut self, bytes: &[u8], first: u32, last: u32) -> Result<Vec<Refusal>, i32> {
        self.send(bytes)?;
        let mut refusals = Vec::new();
        let mut done = false;
        loop {
            // After a refusal no acknowledgement need come; but all that comes is there already.
            let Some(length) = self.receive(refusals.is_empty())? else {
                return Ok(refusals);
            };
            for message in messages(self.buffer.0.get(..length).unwrap_or_default()) {
                let Some(message) = Received::parse(message) else {
                    continue;
                };
                let sequence = message.sequence;
                // One more than the messages: batch end.
                if sequence.wrapping_sub(first) > last.wrapping_sub(first).wrapping_add(1) {
                    continue;
                }
                match message.errno() {
                    Some(0) => done |= sequence == last,
                    Some(errno) => refusals.push(Refusal { sequence, errno }),
                    None => {}
                }
            }
            if done && refusals.is_empty() {
                return Ok(refusals);
            }
        }
    }

    /// Sends one request, written with the sequence number it is given, and collects what it lists.
    ///
    /// # Errors
    /// The errno.
    pub fn query(&mut self, mut request: impl FnMut(u32) -> Vec<u8>) -> Result<Vec<Vec<u8>>, i32> {
        for _ in 0..LISTING_ATTEMPTS {
            let sequence = self.take_sequences(1);
            let bytes = request(sequence);
            self.send(&bytes)?;
            if let Some(listing) = self.collect(sequence)? {
                return Ok(listing);
            }
        }
        Err(libc::EINTR)
    }

    /// The messages up to the end of a listing; `None` if a change disturbed it.
    fn collect(&mut self, sequence: u32) -> Result<Option<Vec<Vec<u8>>>, i32> {
        let mut listing = Vec::new();
        let mut disturbed = false;
        loop {
            let Some(length) = self.receive(true)? else {
                return Err(libc::ETIMEDOUT);
            };
            for bytes in messages(self.buffer.0.get(..length).unwrap_or_default()) {
                let Some(message) = Received::parse(bytes) else {
                    continue;
                };
                if message.sequence != sequence {
                    continue;
                }
                disturbed |= message.flags & flag::DUMP_INTERRUPTED != 0;
                match message.errno() {
                    Some(0) => return Ok(Some(listing)),
                    Some(libc::EINTR) => return Ok(None),
                    Some(errno) => return Err(errno),
                    None if message.kind == kind::DONE => {
                        return Ok((!disturbed).then_some(listing));
                    }
                    None => listing.push(bytes.to_vec()),
                }
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), i32> {
        if self.stale {
            self.drain();
        }
        let needed = libc::c_int::try_from(bytes.len()).map_err(|_| libc::EMSGSIZE)?;
        if needed > self.send_buffer {
            self.grow_send_buffer(needed);
        }
        let sent = self.socket.send(bytes).map_err(|error| errno(&error))?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(libc::EMSGSIZE)
        }
    }

    /// One datagram; `None` if `wait` is false and none is there.
    fn receive(&mut self, wait: bool) -> Result<Option<usize>, i32> {
        let fd = self.socket.as_raw_fd();
        loop {
            match sys::receive(fd, &mut self.buffer.0, wait).map_err(|error| errno(&error)) {
                Ok(length) => return Ok(Some(length)),
                Err(libc::EINTR) => {}
                Err(libc::EAGAIN) if !wait => return Ok(None),
                Err(error) => {
                    self.stale = true;
                    let timed_out = error == libc::EAGAIN;
                    return Err(if timed_out { libc::ETIMEDOUT } else { error });
                }
            }
        }
    }

    fn drain(&mut self) {
        // An error such as ENOBUFS is reported once and then gone: two calls in a row that fail end it.
        let fd = self.socket.as_raw_fd();
        let mut failures = 0;
        while failures < 2 {
            if sys::receive(fd, &mut self.buffer.0, false).is_err() {
                failures += 1;
            }
        }
        self.stale = false;
    }

    /// Without CAP_NET_ADMIN over the machine the kernel keeps it to net.core.wmem_max: then large transactions
    /// fail with EMSGSIZE.
    fn grow_send_buffer(&mut self, size: libc::c_int) {
        let fd = self.socket.as_raw_fd();
        let level = libc::SOL_SOCKET;
        if !sys::set_option(fd, level, libc::SO_SNDBUFFORCE, size) {
            sys::set_option(fd, level, libc::SO_SNDBUF, size);
        }
        self.send_buffer = size;
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}
