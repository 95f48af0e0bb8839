//! What a ledger element's comment says: the boot it belongs to and its deadline.
//!
//! A saved ruleset that is loaded again brings dead leases back to life, with fresh timeouts. The comment tells:
//! CLOCK_BOOTTIME goes on while the machine sleeps, and begins anew at each boot.

use std::io::Write;

use crate::{
    change::Entry,
    element::FoundElement,
    error::{Error, Step},
    key::decode_holder,
    sys,
};

/// Changes at each boot.
const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";
/// Characters of a boot id: a UUID.
pub(crate) const BOOT_ID_LEN: usize = 36;

/// This boot, and the time in it.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    boot_id: String,
}

impl Clock {
    /// Reads the boot id.
    pub fn read() -> Result<Self, Error> {
        let text = std::fs::read_to_string(BOOT_ID_PATH).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            Error::with_hint(Step::ReadBootId, BOOT_ID_PATH, errno, "is /proc mounted?")
        })?;
        let boot_id = text.trim().to_owned();
        if boot_id.len() != BOOT_ID_LEN {
            return Err(Error::with_hint(
                Step::ReadBootId,
                BOOT_ID_PATH,
                libc::EINVAL,
                "it is no UUID",
            ));
        }
        Ok(Self { boot_id })
    }

    /// CLOCK_BOOTTIME in ms.
    pub fn now_ms(&self) -> u64 {
        sys::boottime_ms()
    }

    /// Writes `BOOT-ID DEADLINE`, as [`Clock::remaining_ms`] reads it.
    pub fn write_comment(&self, deadline_ms: u64, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let _ = write!(out, "{} {deadline_ms}", self.boot_id);
    }

    /// Time left by a comment; `None`: another boot, past its deadline, or not a comment of ours.
    fn remaining_ms(&self, comment: &str, now_ms: u64) -> Option<u64> {
        let (boot_id, deadline) = comment.split_once(' ')?;
        let deadline: u64 = deadline.parse().ok()?;
        let remaining = deadline.checked_sub(now_ms)?;
        (boot_id == self.boot_id && remaining > 0).then_some(remaining)
    }

    /// The entry that a ledger element stands for; `None` if it is to be ignored.
    pub fn entry(&self, element: &FoundElement<'_>, now_ms: u64) -> Option<Entry> {
        let in_kernel = element.remaining_ms?;
        let by_comment = self.remaining_ms(element.comment?, now_ms)?;
        Some(Entry {
            holder: decode_holder(element.key)?,
            remaining_ms: in_kernel.min(by_comment),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_counts_in_its_own_boot_before_its_deadline() {
        let clock = Clock::read().unwrap();
        let mut comment = Vec::new();
        clock.write_comment(5_000, &mut comment);
        let comment = String::from_utf8(comment).unwrap();
        assert_eq!(clock.remaining_ms(&comment, 4_000), Some(1_000));
        assert_eq!(clock.remaining_ms(&comment, 5_000), None);
        assert_eq!(clock.remaining_ms(&comment, 6_000), None);
        let other = format!("{}{}", "0", &comment[1..]);
        let other = if other == comment {
            format!("{}{}", "1", &comment[1..])
        } else {
            other
        };
        assert_eq!(clock.remaining_ms(&other, 4_000), None);
        assert_eq!(clock.remaining_ms("", 0), None);
        assert_eq!(clock.remaining_ms("a b", 0), None);
    }
}
