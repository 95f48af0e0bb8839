//! Why the firewall could not do something: the step, the object, the errno, and what to look at.

use std::fmt;

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Opening the netlink socket.
    OpenSocket,
    /// Reading the boot id.
    ReadBootId,
    /// Looking for the administrator's table.
    FindTable,
    /// Looking for a chain.
    FindChain,
    /// Listing sets, rules or elements.
    Read,
    /// Emptying one of our chains.
    FlushChain,
    /// Adding a rule to a chain.
    AddRule,
    /// Deleting one of our rules.
    DeleteRule,
    /// Creating a set.
    AddSet,
    /// Deleting a set.
    DeleteSet,
    /// Emptying a set.
    FlushSet,
    /// Adding an element to a set.
    AddElement,
    /// Deleting an element from a set.
    DeleteElement,
    /// The transaction as a whole.
    Commit,
}

impl Step {
    /// The words between "failed to" and the object.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Step::OpenSocket => "open",
            Step::FindTable | Step::FindChain => "find",
            Step::ReadBootId | Step::Read => "read",
            Step::FlushChain | Step::FlushSet => "flush",
            Step::AddRule => "add rule to",
            Step::DeleteRule => "delete rule from",
            Step::AddSet => "add",
            Step::DeleteSet => "delete",
            Step::AddElement => "add element to",
            Step::DeleteElement => "delete element from",
            Step::Commit => "commit changes to",
        }
    }
}

/// A broken world: the kernel refused, or did not answer.
///
/// `code` is stable and is the errno's name, one of: `EPERM` `ENOENT` `EINTR` `EIO` `EAGAIN` `ENOMEM` `EACCES`
/// `EBUSY` `EEXIST` `EINVAL` `ENFILE` `EMFILE` `ENOSPC` `ERANGE` `EMLINK` `ELOOP` `EMSGSIZE` `EPROTO`
/// `EPROTONOSUPPORT` `EOPNOTSUPP` `EAFNOSUPPORT` (an IPv6 lease in a table of family ip, or the reverse)
/// `ENOBUFS` `ETIMEDOUT` (no answer: whether the transaction happened is unknown) `ERESTART` `EOVERFLOW`, and
/// `EUNKNOWN` for any other number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Stable code: the errno's name.
    pub code: &'static str,
    /// What was being done.
    pub step: Step,
    /// To what, for example `chain LETMEIN-INPUT of table inet filter`.
    pub object: String,
    /// The errno's number.
    pub errno: i32,
    /// What to look at, without a full stop; may be empty.
    pub hint: String,
}

impl Error {
    /// An error with the hint that fits step and errno.
    pub(crate) fn new(step: Step, object: impl Into<String>, errno: i32) -> Self {
        Self::with_hint(step, object, errno, usual_hint(step, errno))
    }

    /// An error with a hint of its own.
    pub(crate) fn with_hint(
        step: Step,
        object: impl Into<String>,
        errno: i32,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code: errno_name(errno),
            step,
            object: object.into(),
            errno,
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code, object, hint, ..
        } = self;
        write!(f, "failed to {} {object}: {code}", self.step.verb())?;
        if !hint.is_empty() {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// What most probably is wrong.
fn usual_hint(step: Step, errno: i32) -> &'static str {
    match (errno, step) {
        (libc::EPERM | libc::EACCES, _) => "it needs CAP_NET_ADMIN",
        (libc::ENOENT, Step::FindTable) => "does the table exist?",
        (libc::ENOENT, Step::AddRule | Step::FlushChain | Step::FindChain) => {
            "does the chain exist?"
        }
        (libc::ENOENT, Step::AddElement | Step::DeleteElement | Step::FlushSet) => {
            "was the ruleset reloaded?"
        }
        (libc::EBUSY, Step::DeleteSet) => "is it used by a rule outside letmein's chains?",
        (libc::EBUSY, Step::AddElement) => {
            "the kernel is still clearing expired elements: try again"
        }
        (libc::EBUSY, _) => "is it in use elsewhere?",
        (libc::EEXIST, Step::AddSet) => "does a set or map of that name exist with another type?",
        (libc::EMSGSIZE, _) => {
            "too many changes for one transaction: net.core.wmem_max bounds it without CAP_NET_ADMIN"
        }
        (libc::ENFILE | libc::ENOSPC, Step::AddElement) => "is the set full?",
        (libc::ELOOP | libc::EMLINK, _) => "does the jump's chain lead back to it, or too deep?",
        (libc::EOPNOTSUPP, Step::AddRule) => "does the jump's chain fit this hook?",
        (libc::EPROTONOSUPPORT | libc::EOPNOTSUPP, _) => "is nf_tables in this kernel?",
        (libc::ETIMEDOUT, _) => "the kernel did not answer",
        _ => "",
    }
}

/// The errno's name; `EUNKNOWN` for those that nftables never gives.
fn errno_name(errno: i32) -> &'static str {
    match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::EINTR => "EINTR",
        libc::EIO => "EIO",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EINVAL => "EINVAL",
        libc::ENFILE => "ENFILE",
        libc::EMFILE => "EMFILE",
        libc::ENOSPC => "ENOSPC",
        libc::ERANGE => "ERANGE",
        libc::EMLINK => "EMLINK",
        libc::ELOOP => "ELOOP",
        libc::EMSGSIZE => "EMSGSIZE",
        libc::EPROTO => "EPROTO",
        libc::EPROTONOSUPPORT => "EPROTONOSUPPORT",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::ENOBUFS => "ENOBUFS",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::ERESTART => "ERESTART",
        libc::EOVERFLOW => "EOVERFLOW",
        _ => "EUNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_step_object_errno_and_hint() {
        let error = Error::new(
            Step::AddRule,
            "chain LETMEIN-INPUT of table inet filter",
            libc::ENOENT,
        );
        assert_eq!(
            error.to_string(),
            "failed to add rule to chain LETMEIN-INPUT of table inet filter: ENOENT: does the chain exist?"
        );
    }

    #[test]
    fn an_unknown_errno_still_reads_well() {
        let error = Error::new(Step::AddSet, "set letmein-port4 of table ip t", 9999);
        assert_eq!(
            error.to_string(),
            "failed to add set letmein-port4 of table ip t: EUNKNOWN"
        );
    }
}
