//! Whom a program runs as.

use std::{ffi::CString, fs};

use nix::{
    errno::Errno,
    unistd::{self, Gid, Uid, User},
};

use crate::{error::Error, sys};

/// A system user, with all of his groups.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub uid: Uid,
    pub gid: Gid,
    name: CString,
}

impl Identity {
    /// Whom to become: the system user `name` when root starts the program, else nobody else.
    ///
    /// # Errors
    /// Root has to be somebody else, and there is no such user.
    pub fn to_become(name: &str) -> Result<Option<Self>, Error> {
        if !unistd::geteuid().is_root() || is_alone() {
            return Ok(None);
        }
        let user = User::from_name(name)
            .map_err(|errno| Error::system(format_args!("look up the user {name}"), errno))?;
        let Some(User { uid, gid, name, .. }) = user else {
            return Err(Error::refusal(format!(
                "there is no user {name} to run as: make it, as README, \"Set up a server\", shows"
            )));
        };
        let name = CString::new(name).unwrap_or_default();
        Ok(Some(Self { uid, gid, name }))
    }

    /// Becomes that user on every thread, keeping the permitted capabilities of this one (PR_SET_KEEPCAPS).
    pub fn assume(&self) -> Result<(), Error> {
        let failed = |errno| {
            let name = self.name.to_string_lossy();
            Error::system(format_args!("become the user {name}"), errno)
        };
        let groups = unistd::getgrouplist(&self.name, self.gid).map_err(failed)?;
        unistd::setgroups(&groups).map_err(failed)?;
        unistd::setresgid(self.gid, self.gid, self.gid).map_err(failed)?;
        sys::prctl(libc::PR_SET_KEEPCAPS, 1, 0).map_err(failed)?;
        unistd::setresuid(self.uid, self.uid, self.uid).map_err(failed)
    }
}

/// Whether this process is in a user namespace that has one user only (user_namespaces(7)): then there is nobody else to
/// become. Outside it is mostly an ordinary user.
#[must_use]
pub fn is_alone() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| has_one_user(&map))
}

/// Whether the one user of this namespace is root of the one around it.
pub(crate) fn is_alone_as_root() -> bool {
    fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| has_one_user(&map) && map.split_whitespace().nth(1) == Some("0"))
}

/// Lines of a uid_map: first id inside, first id outside, how many.
fn has_one_user(map: &str) -> bool {
    let counts = map.lines().map(|line| line.split_whitespace().nth(2));
    counts.collect::<Vec<_>>() == [Some("1")]
}

/// The real, effective, saved and file system user ids in the text of a status file, if they are one.
pub(crate) fn only_uid(status: &str) -> Result<u32, Errno> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let ids: Vec<u32> = line
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect();
    match ids.as_slice() {
        [real, effective, saved, files] if real == effective && real == saved && real == files => {
            Ok(*real)
        }
        _ => Err(Errno::EPERM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_with_one_user_is_known_by_its_map() {
        assert!(has_one_user("         0       1000          1\n"));
        assert!(!has_one_user("         0          0 4294967295\n"));
        assert!(!has_one_user("0 1000 1\n1 100000 65536\n"));
        assert!(!has_one_user(""));
    }

    #[test]
    fn four_equal_ids_are_one_user() {
        assert_eq!(only_uid("Uid:\t7\t7\t7\t7\n"), Ok(7));
        assert!(only_uid("Uid:\t7\t0\t7\t7\n").is_err());
        assert!(only_uid("Gid:\t7\t7\t7\t7\n").is_err());
    }
}
