//! The system calls of this crate that no safe crate offers: all of its unsafe code.

use std::{ffi::CStr, os::fd::RawFd};

use nix::errno::Errno;

/// `_LINUX_CAPABILITY_VERSION_3` (linux/capability.h): two words of 32 capabilities in each set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;
const WORDS: usize = 2;

/// `struct __user_cap_header_struct` (linux/capability.h).
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct` (linux/capability.h).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilityWord {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// prctl(2) with three plain numbers.
pub(crate) fn prctl(
    option: libc::c_int,
    second: libc::c_ulong,
    third: libc::c_ulong,
) -> Result<libc::c_int, Errno> {
    let zero: libc::c_ulong = 0;
    // SAFETY: every option used here takes numbers only; the kernel reads and writes no memory of ours.
    let result = unsafe { libc::prctl(option, second, third, zero, zero) };
    Errno::result(result)
}

/// Sets the calling thread's permitted, effective and inheritable capabilities to `mask`, bit 0 being capability 0.
pub(crate) fn set_capabilities(mask: u64) -> Result<(), Errno> {
    let header = CapabilityHeader {
        version: CAPABILITY_VERSION,
        pid: 0,
    };
    let word = |bits: u64| CapabilityWord {
        effective: bits as u32,
        permitted: bits as u32,
        inheritable: bits as u32,
    };
    let words: [CapabilityWord; WORDS] = [word(mask), word(mask >> 32)];
    // SAFETY: both arguments have the layout of version 3 and live until the call returns; it only reads them.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, words.as_ptr()) };
    Errno::result(result).map(drop)
}

/// Asks for an io_uring ring with impossible parameters: EFAULT or EPERM from the kernel itself, ENOSYS from our filter.
pub(crate) fn try_io_uring() -> Errno {
    let no_parameters = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel reads the parameters first, finds no memory there, and makes nothing.
    let result = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, no_parameters) };
    Errno::result(result).map_or_else(|errno| errno, |_| Errno::UnknownErrno)
}

/// The version of Landlock (landlock_create_ruleset(2)); ENOSYS or EOPNOTSUPP without it.
pub(crate) fn landlock_version() -> Result<libc::c_int, Errno> {
    /// linux/landlock.h
    const LANDLOCK_CREATE_RULESET_VERSION: libc::c_uint = 1;
    let nothing = std::ptr::null::<libc::c_void>();
    let size: libc::size_t = 0;
    let flags = LANDLOCK_CREATE_RULESET_VERSION;
    // SAFETY: with this flag the kernel reads no memory of ours and makes no descriptor.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, size, flags) };
    Errno::result(result).map(|version| version as libc::c_int)
}

/// Whether the file at `path` has an extended attribute of this name (getxattr(2)).
pub(crate) fn has_attribute(path: &CStr, name: &CStr) -> bool {
    let nowhere = std::ptr::null_mut();
    // SAFETY: both are C strings; with a size of 0 the kernel writes nothing and returns the attribute's length.
    let length = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), nowhere, 0) };
    length >= 0
}

/// The flags of a descriptor (F_GETFD).
pub(crate) fn descriptor_flags(fd: RawFd) -> Result<libc::c_int, Errno> {
    // SAFETY: F_GETFD takes no third argument; a wrong `fd` is answered with EBADF.
    let result = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    Errno::result(result)
}

/// Sets the flags of a descriptor (F_SETFD).
pub(crate) fn set_descriptor_flags(fd: RawFd, flags: libc::c_int) -> Result<(), Errno> {
    // SAFETY: F_SETFD takes a number; a wrong `fd` is answered with EBADF.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFD, flags) };
    Errno::result(result).map(drop)
}
