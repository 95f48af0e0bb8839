//! The capability sets of a thread (capabilities(7)).

use std::fs;

use nix::errno::Errno;

use crate::{error::Error, sys};

/// The one capability that a program may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// The judge: nftables.
    NetAdmin,
    /// A door whose control port is below 1024.
    NetBindService,
}

impl Capability {
    /// Its number in linux/capability.h.
    pub(crate) fn number(self) -> u32 {
        match self {
            Capability::NetAdmin => 12,
            Capability::NetBindService => 10,
        }
    }

    /// Its name in linux/capability.h.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Capability::NetAdmin => "CAP_NET_ADMIN",
            Capability::NetBindService => "CAP_NET_BIND_SERVICE",
        }
    }
}

/// `CAP_SETPCAP`: who has it may empty the bounding set.
const SETPCAP: u32 = 8;
/// More capabilities than the kernel's sets have room for.
const MOST_CAPABILITIES: u32 = 64;

/// The five sets of a thread, bit 0 being capability 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sets {
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub bounding: u64,
    pub ambient: u64,
}

impl Sets {
    /// Those of the calling thread.
    pub fn read() -> Result<Self, Error> {
        Ok(Self::parse(&thread_status()?))
    }

    /// From the text of a status file (proc_pid_status(5)); a set that is not in it counts as empty.
    pub fn parse(status: &str) -> Self {
        let set = |name: &str| {
            let lines = status.lines();
            let value = lines
                .filter_map(|line| line.split_once(":\t"))
                .find_map(|(key, value)| (key == name).then_some(value));
            value.map_or(0, |hex| u64::from_str_radix(hex.trim(), 16).unwrap_or(0))
        };
        Self {
            inheritable: set("CapInh"),
            permitted: set("CapPrm"),
            effective: set("CapEff"),
            bounding: set("CapBnd"),
            ambient: set("CapAmb"),
        }
    }
}

/// What the kernel says of the calling thread (proc_pid_status(5)).
pub(crate) fn thread_status() -> Result<String, Error> {
    const FILE: &str = "/proc/thread-self/status";
    fs::read_to_string(FILE).map_err(|error| Error::io(format_args!("read {FILE}"), &error))
}

/// The set that holds what is kept, and nothing else.
pub(crate) fn mask_of(kept: Option<Capability>) -> u64 {
    kept.map_or(0, |capability| 1 << capability.number())
}

/// Takes everything but `kept` out of the bounding set, where that is allowed. Without CAP_SETPCAP it stays: with
/// no_new_privs nothing can be gained from it.
pub(crate) fn bound(kept: Option<Capability>) -> Result<(), Error> {
    if Sets::read()?.effective & (1 << SETPCAP) == 0 {
        return Ok(());
    }
    for number in 0..MOST_CAPABILITIES {
        if kept.is_some_and(|capability| capability.number() == number) {
            continue;
        }
        match sys::prctl(libc::PR_CAPBSET_DROP, number.into(), 0) {
            Ok(_) => {}
            // One more than the last that this kernel has.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(Error::system("empty the bounding set", errno)),
        }
    }
    Ok(())
}

/// Reduces the thread's other four sets to `kept`.
pub(crate) fn reduce(kept: Option<Capability>) -> Result<(), Error> {
    let failed = |errno| Error::system("give up capabilities", errno);
    sys::prctl(
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong,
        0,
    )
    .map_err(failed)?;
    sys::set_capabilities(mask_of(kept)).map_err(failed)?;
    let Some(capability) = kept else {
        return Ok(());
    };
    let number = capability.number().into();
    let raise = libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong;
    sys::prctl(libc::PR_CAP_AMBIENT, raise, number).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_from_a_status_file() {
        let status = "Name:\tx\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000002\n\
            CapEff:\t0000000000001000\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000400\n";
        let expected = Sets {
            inheritable: 1,
            permitted: 2,
            effective: mask_of(Some(Capability::NetAdmin)),
            bounding: 0x1ff_ffff_ffff,
            ambient: mask_of(Some(Capability::NetBindService)),
        };
        assert_eq!(Sets::parse(status), expected);
        assert_eq!(Sets::parse("").effective, 0);
    }
}
