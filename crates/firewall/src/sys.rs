//! All unsafe code of this crate: what libc, libnftnl and the safe crates over them leave to us.
//!
//! - socket options and a receive that does not wait: mnl offers neither safely;
//! - CLOCK_BOOTTIME: std has no such clock;
//! - loads into a chosen register: nftnl's own expressions always use the first, a concatenated key needs three;
//! - nftnl's encoder and libnftnl's printer for rules.

use std::{
    ffi::c_void,
    io,
    os::fd::RawFd,
    process,
    ptr::{self, NonNull},
};

use nftnl::{MsgType, NlMsg, Rule, expr::Expression};
use nftnl_sys as nft;

/// Room for the largest message libnftnl writes: 64 KiB and one page, of at most 64 KiB.
const SCRATCH_LEN: usize = 128 * 1024;

/// Memory aligned for netlink headers.
#[repr(align(8))]
pub(crate) struct Aligned<const N: usize>(pub [u8; N]);

/// Where libnftnl writes a message, or reads one.
pub(crate) struct Scratch(Box<Aligned<SCRATCH_LEN>>);

impl Scratch {
    pub fn new() -> Self {
        Self(Box::new(Aligned([0; SCRATCH_LEN])))
    }

    /// Encodes "add this" as a netlink message.
    pub fn encode(&mut self, message: &impl NlMsg, sequence: u32) -> &[u8] {
        if nftnl::nft_nlmsg_maxsize() as usize > SCRATCH_LEN {
            process::abort(); // A page size that no Linux has.
        }
        let bytes = &mut self.0.0;
        let target = bytes.as_mut_ptr().cast::<c_void>();
        // SAFETY: `target` is aligned for a netlink header and, as checked, has room for the largest message.
        unsafe { message.write(target, sequence, MsgType::Add) };
        let length = bytes.first_chunk().copied().map_or(0, u32::from_ne_bytes);
        bytes.get(..length as usize).unwrap_or_default()
    }

    /// What a rule received in `message` says, on one line, in libnftnl's words.
    pub fn describe_rule(&mut self, message: &[u8]) -> Option<String> {
        self.0.0.get_mut(..message.len())?.copy_from_slice(message);
        let rule = ParsedRule::new()?;
        let header = self.0.0.as_ptr().cast::<nft::libc::nlmsghdr>();
        // SAFETY: `header` is aligned and points at a whole message whose length was checked on reception;
        // the rule was just allocated.
        let parsed = unsafe { nft::nftnl_rule_nlmsg_parse(header, rule.0.as_ptr()) };
        if parsed < 0 {
            return None;
        }
        Some(rule.print())
    }
}

/// A libnftnl rule, freed when dropped.
struct ParsedRule(NonNull<nft::nftnl_rule>);

impl ParsedRule {
    fn new() -> Option<Self> {
        // SAFETY: it takes nothing; the result is checked for null.
        let rule = unsafe { nft::nftnl_rule_alloc() };
        NonNull::new(rule).map(Self)
    }

    fn print(&self) -> String {
        const LONGEST: usize = 4096;
        let mut text = [0u8; LONGEST];
        let target = text.as_mut_ptr().cast();
        let rule = self.0.as_ptr();
        // SAFETY: `target` has LONGEST bytes, which is what it is told; the rule is alive. It ends with NUL.
        unsafe { nft::nftnl_rule_snprintf(target, LONGEST, rule, nft::NFTNL_OUTPUT_DEFAULT, 0) };
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(0);
        let text = String::from_utf8_lossy(text.get(..end).unwrap_or_default());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Drop for ParsedRule {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`, freed once.
        unsafe { nft::nftnl_rule_free(self.0.as_ptr()) };
    }
}

/// Loads something of a packet into a register.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// Bytes of a header.
    Payload {
        base: Base,
        offset: u32,
        len: u32,
        register: u32,
    },
    /// `meta l4proto`.
    L4Proto { register: u32 },
}

/// Where a payload's offset counts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base {
    Network,
    Transport,
}

impl Expression for Load {
    fn to_expr(&self, _rule: &Rule<'_>) -> NonNull<nft::nftnl_expr> {
        match *self {
            Load::Payload {
                base,
                offset,
                len,
                register,
            } => {
                let base = match base {
                    Base::Network => nft::libc::NFT_PAYLOAD_NETWORK_HEADER,
                    Base::Transport => nft::libc::NFT_PAYLOAD_TRANSPORT_HEADER,
                };
                let expr = new_expr(c"payload");
                set_u32(expr, nft::NFTNL_EXPR_PAYLOAD_BASE, base as u32);
                set_u32(expr, nft::NFTNL_EXPR_PAYLOAD_OFFSET, offset);
                set_u32(expr, nft::NFTNL_EXPR_PAYLOAD_LEN, len);
                set_u32(expr, nft::NFTNL_EXPR_PAYLOAD_DREG, register);
                expr
            }
            Load::L4Proto { register } => {
                let expr = new_expr(c"meta");
                let key = nft::libc::NFT_META_L4PROTO as u32;
                set_u32(expr, nft::NFTNL_EXPR_META_KEY, key);
                set_u32(expr, nft::NFTNL_EXPR_META_DREG, register);
                expr
            }
        }
    }
}

/// A new expression, which the rule it is added to frees. Aborts without memory, as nftnl does.
fn new_expr(name: &std::ffi::CStr) -> NonNull<nft::nftnl_expr> {
    // SAFETY: the name is a C string; the result is checked for null.
    let expr = unsafe { nft::nftnl_expr_alloc(name.as_ptr()) };
    NonNull::new(expr).unwrap_or_else(|| process::abort())
}

fn set_u32(expr: NonNull<nft::nftnl_expr>, attribute: u32, value: u32) {
    // SAFETY: the expression is alive, and callers name attributes of its own type.
    unsafe { nft::nftnl_expr_set_u32(expr.as_ptr(), attribute as u16, value) };
}

/// Sets a socket option; false if the kernel refuses.
pub(crate) fn set_option<T: Copy>(fd: RawFd, level: i32, name: i32, value: T) -> bool {
    let length = size_of::<T>() as libc::socklen_t;
    let value = ptr::from_ref(&value).cast::<c_void>();
    // SAFETY: `value` points at a `T`, alive until the call returns, and `length` is its size.
    unsafe { libc::setsockopt(fd, level, name, value, length) == 0 }
}

/// Receives one datagram. `wait`: up to the socket's receive timeout, which ends as EAGAIN.
pub(crate) fn receive(fd: RawFd, buffer: &mut [u8], wait: bool) -> io::Result<usize> {
    let flags = if wait { 0 } else { libc::MSG_DONTWAIT };
    let target = buffer.as_mut_ptr().cast::<c_void>();
    // SAFETY: `target` has `buffer.len()` bytes that nobody else uses.
    let length = unsafe { libc::recv(fd, target, buffer.len(), flags) };
    usize::try_from(length).map_err(|_| io::Error::last_os_error())
}

/// CLOCK_BOOTTIME in ms.
pub(crate) fn boottime_ms() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is written, nothing else; the clock exists since Linux 2.6.39, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    (time.tv_sec as u64) * 1_000 + (time.tv_nsec as u64) / 1_000_000
}
