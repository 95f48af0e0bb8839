//! Landlock's outer ring: which files a program may reach for the rest of its life, whatever it runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::errno::Errno;

use crate::{error::Error, sys};

/// The newest version whose file rights are asked for. Later ones also restrict unix sockets, by which the programs reach
/// each other and the service manager.
const FILES: ABI = ABI::V5;
/// The first version with scopes.
const SCOPES: ABI = ABI::V6;

/// What a program may do with TCP (ABI 4 and later), and with UDP on kernels that can restrict it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    /// The client.
    Any,
    /// The door: it answers, and connects nowhere.
    NoConnect,
    /// The judge: nothing.
    None,
}

/// What a program may reach. A path that does not exist is left out.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Files and folders, with all below, to read.
    pub read: Vec<PathBuf>,
    /// Folders in which files and sockets may be made, written and removed.
    pub write: Vec<PathBuf>,
    /// Network.
    pub tcp: Tcp,
    /// Whether the program may still start others (the client, before its lock).
    pub may_start_programs: bool,
}

/// Closes the ring around the calling thread and what it becomes, as tightly as this kernel can; not at all where it has
/// no Landlock.
pub(crate) fn close(ring: &Ring) -> Result<(), Error> {
    if version()? == 0 {
        return Ok(());
    }
    let failed = |error: landlock::RulesetError| {
        Error::refusal(format!("failed to close the Landlock ring: {error}"))
    };
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut read_and_run = read;
    if ring.may_start_programs {
        read_and_run |= AccessFs::Execute;
    }
    let mut rules = begin(ring.tcp).map_err(failed)?;
    for path in &ring.read {
        rules = allow(rules, path, read_and_run)?;
    }
    for path in mapped_files() {
        rules = allow(rules, &path, read | AccessFs::Execute)?;
    }
    let write = AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::RemoveFile;
    for path in &ring.write {
        rules = allow(rules, path, read | write)?;
    }
    rules = allow(
        rules,
        Path::new("/dev/null"),
        AccessFs::ReadFile | AccessFs::WriteFile,
    )?;
    let status = rules.restrict_self().map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(Error::refusal(
            "failed to close the Landlock ring, though this kernel has Landlock",
        ));
    }
    Ok(())
}

/// The version of Landlock that this kernel has; 0 if it has none, or has it switched off.
pub(crate) fn version() -> Result<i32, Error> {
    match sys::landlock_version() {
        Err(Errno::ENOSYS | Errno::EOPNOTSUPP) => Ok(0),
        version => version.map_err(|errno| {
            Error::system("ask for Landlock", errno).advise(
                "a filter of the container or unit forbids it: have it allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self",
            )
        }),
    }
}

/// Everything is denied that this kernel can deny, but for what rules allow.
fn begin(tcp: Tcp) -> Result<RulesetCreated, landlock::RulesetError> {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(FILES))?
        .scope(Scope::from_all(SCOPES))?;
    match tcp {
        Tcp::Any => ruleset,
        Tcp::NoConnect => ruleset.handle_access(AccessNet::ConnectTcp)?,
        Tcp::None => ruleset.handle_access(AccessNet::from_all(ABI::V10))?,
    }
    .create()
}

fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Error> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(rules);
    };
    let failed = |what: String| {
        Error::refusal(format!(
            "failed to let {} through the Landlock ring: {what}",
            path.display()
        ))
    };
    let file = PathFd::new(path).map_err(|error| failed(error.to_string()))?;
    let fitting = if metadata.is_dir() {
        access
    } else {
        access & AccessFs::from_file(FILES)
    };
    rules
        .add_rule(PathBeneath::new(file, fitting))
        .map_err(|error| failed(error.to_string()))
}

/// The files that are this program now: Node, the loader, libraries, the addon. The same program needs the same ones.
fn mapped_files() -> Vec<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut files = paths_of(&maps);
    files.sort();
    files.dedup();
    files
}

/// The sixth column of /proc/PID/maps (proc_pid_maps(5)), where it is a path.
fn paths_of(maps: &str) -> Vec<PathBuf> {
    maps.lines()
        .filter_map(|line| line.find('/').and_then(|at| line.get(at..)))
        .filter(|path| !path.ends_with(" (deleted)"))
        .map(PathBuf::from)
        .collect()
}

/// Whether this thread is inside a ring: the root of the file system can be listed by everybody, but by none of ours.
pub(crate) fn is_closed() -> bool {
    matches!(fs::read_dir("/"), Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_from_maps() {
        let maps = "55d0-55d1 r-xp 00000000 08:01 42    /usr/bin/a program\n\
            7f00-7f01 rw-p 00000000 00:00 0 \n\
            7f02-7f03 r--p 00000000 08:01 43 /lib/gone.so (deleted)\n\
            7ffd-7ffe rw-p 00000000 00:00 0 [stack]\n";
        assert_eq!(paths_of(maps), [PathBuf::from("/usr/bin/a program")]);
    }
}
