//! Stage 2 proves that it is stage 2: a marker in the environment can be set by anybody, the kernel's word cannot.

use nix::{
    errno::Errno,
    sys::resource::{self, Resource},
};

use crate::{
    capability::{self, Capability, Sets},
    error::Error,
    identity, ring, sys,
};

/// What a launched program must be.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    /// The one capability that it has.
    pub capability: Option<Capability>,
    /// Whether it may be root where there are other users (the client, if root starts it).
    pub may_be_root: bool,
}

/// The first version of Landlock that restricts TCP, and the first with scopes (landlock(7)).
const TCP_VERSION: i32 = 4;
const SCOPE_VERSION: i32 = 6;

/// Makes this process undumpable (execve has undone that), then asks the kernel whether it was launched.
///
/// Returns what this system could not do for the launch, a line each.
///
/// # Errors
/// What is not as a launch leaves it.
pub fn prove(expected: &Expectation) -> Result<Vec<String>, Error> {
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0)
        .map_err(|errno| Error::system("become undumpable", errno))?;
    let status = capability::thread_status()?;
    let wrong = [
        check_user(&status, expected),
        check_capabilities(&status, expected),
        (!has_no_new_privs(&status)).then(|| "no_new_privs is not set".to_owned()),
        may_dump_core().then(|| "core dumps are allowed".to_owned()),
        (sys::try_io_uring() != Errno::ENOSYS).then(|| "io_uring can be used".to_owned()),
    ];
    let version = ring::version()?;
    let open = (version > 0 && !ring::is_closed()).then(|| "no Landlock ring is closed".to_owned());
    match wrong.into_iter().flatten().chain(open).next() {
        Some(wrong) => Err(Error::refusal(format!(
            "this process was not launched: {wrong}"
        ))),
        None => Ok(missing(version)),
    }
}

fn check_user(status: &str, expected: &Expectation) -> Option<String> {
    match identity::only_uid(status) {
        Err(_) => Some("its user ids differ".to_owned()),
        Ok(0) if !expected.may_be_root && !identity::is_alone() => Some("it is root".to_owned()),
        Ok(_) => None,
    }
}

/// The bounding set cannot be emptied by who is not root; nothing can be had from it then, with no_new_privs.
fn check_capabilities(status: &str, expected: &Expectation) -> Option<String> {
    let sets = Sets::parse(status);
    let kept = capability::mask_of(expected.capability);
    let exact = [
        sets.permitted,
        sets.effective,
        sets.inheritable,
        sets.ambient,
    ];
    if exact.iter().any(|set| *set != kept) {
        return Some(format!(
            "its capabilities are {:016x} where they must be {kept:016x}",
            sets.permitted | sets.inheritable | sets.ambient
        ));
    }
    let is_root = identity::only_uid(status) == Ok(0);
    (is_root && sets.bounding != kept)
        .then(|| "its bounding set is not empty: root needs CAP_SETPCAP to empty it".to_owned())
}

fn has_no_new_privs(status: &str) -> bool {
    status.lines().any(|line| line == "NoNewPrivs:\t1")
}

fn may_dump_core() -> bool {
    resource::getrlimit(Resource::RLIMIT_CORE) != Ok((0, 0))
}

fn missing(version: i32) -> Vec<String> {
    let landlock = match version {
        0 => Some(
            "this kernel has no Landlock: files and connections are restricted by user and seccomp only",
        ),
        ..TCP_VERSION => Some(
            "this kernel's Landlock cannot restrict TCP, signals and abstract sockets: seccomp = kill restricts the first two",
        ),
        TCP_VERSION..SCOPE_VERSION => Some(
            "this kernel's Landlock cannot restrict signals and abstract sockets: seccomp = kill restricts the first",
        ),
        _ => None,
    };
    let root = identity::is_alone_as_root().then_some(
        "this user namespace has one user, who is root outside: files are not protected from it by its user",
    );
    landlock
        .into_iter()
        .chain(root)
        .map(ToOwned::to_owned)
        .collect()
}
