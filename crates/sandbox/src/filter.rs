//! A profile becomes a seccomp filter: built by libseccomp, and installed or exported.

use std::io::Read;
use std::process;

use libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall,
    error::SeccompError,
};

use nix::errno::Errno;

use crate::error::Error;
use crate::launched::LAUNCHED;
use crate::profile::{Action, Arch, Condition, Profile, Row, Test};

/// The call of every answer over UDP. Its arguments are compared, so the kernel (5.11 on) cannot remember the
/// verdict as it does for the others, and runs the filter each time: these instructions come first.
const HOT: &str = "sendmsg";

/// What happens to calls that the profile does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// They are made, and the kernel logs them.
    Log,
    /// What the profile says, and ENOSYS for those it does not name.
    Kill,
}

/// Whether there is a table for this machine's architecture.
#[must_use]
pub fn supported() -> bool {
    Arch::native().is_some()
}

/// Installs `profile` on every thread of this process, for good. Sets no_new_privs.
///
/// # Errors
/// The step and its errno: ENOSYS on an architecture without tables, EINVAL or EOPNOTSUPP on a kernel
/// without seccomp, ESRCH or ECANCELED when a thread has another filter. Then nothing is installed.
pub fn lock(profile: &Profile, mode: Mode) -> Result<(), Error> {
    let step = || format!("install the seccomp profile of {}", profile.program);
    let arch = Arch::native().ok_or_else(|| Error::system(step(), Errno::ENOSYS))?;
    let mut filter = build(profile, mode, arch)?;
    let install = |filter: &mut ScmpFilterContext| filter.set_ctl_tsync(true)?.load();
    install(&mut filter).map_err(|error| failed(step(), &error))
}

/// Installs the launch stage's filter ([`LAUNCHED`]) on the calling thread and whatever it starts or becomes. Sets
/// no_new_privs.
///
/// # Errors
/// As [`lock`].
pub fn restrict_launched() -> Result<(), Error> {
    let step = "install the filter of the launch";
    let install = || {
        let mut filter = empty(ScmpAction::Allow, ScmpAction::KillProcess)?;
        for row in LAUNCHED {
            add(&mut filter, row, Mode::Kill)?;
        }
        filter.load()
    };
    install().map_err(|error| failed(step, &error))
}

/// The filter's program for `arch`, which need not be this machine's: instructions of 8 bytes
/// (`struct sock_filter`, linux/filter.h), numbers in this machine's byte order.
///
/// # Errors
/// A row that libseccomp cannot express for `arch`.
pub fn program_for(profile: &Profile, mode: Mode, arch: Arch) -> Result<Vec<u8>, Error> {
    let step = || format!("export the seccomp profile of {}", profile.program);
    let filter = build(profile, mode, arch)?;
    let broken = |error: std::io::Error| Error::io(step(), &error);
    // The kernel takes at most 4096 instructions: half of what a pipe holds.
    let (mut reader, writer) = std::io::pipe().map_err(broken)?;
    filter
        .export_bpf(&writer)
        .map_err(|error| failed(step(), &error))?;
    drop(writer);
    let mut program = Vec::new();
    reader.read_to_end(&mut program).map_err(broken)?;
    Ok(program)
}

fn build(profile: &Profile, mode: Mode, arch: Arch) -> Result<ScmpFilterContext, Error> {
    let default = action(Action::Errno(libc::ENOSYS), mode);
    let step = || format!("prepare the seccomp profile of {}", profile.program);
    let mut filter = empty(default, action(Action::Kill, mode))
        .and_then(|filter| for_arch(filter, arch))
        .map_err(|error| failed(step(), &error))?;
    for row in profile.rows().filter(|row| row.only.includes(arch)) {
        // libseccomp refuses a rule that says what happens anyway.
        if action(row.action, mode) != default {
            let step = |error| failed(format!("{}, row {}", step(), row.call), &error);
            add(&mut filter, row, mode).map_err(step)?;
        }
    }
    Ok(filter)
}

/// A filter for the native architecture alone: calls by another one's numbers meet `foreign`.
fn empty(default: ScmpAction, foreign: ScmpAction) -> Result<ScmpFilterContext, SeccompError> {
    let mut filter = ScmpFilterContext::new(default)?;
    filter.set_act_badarch(foreign)?;
    // The kernel's own errno rather than libseccomp's ECANCELED for all of them.
    filter.set_api_sysrawrc(true)?;
    Ok(filter)
}

fn for_arch(mut filter: ScmpFilterContext, arch: Arch) -> Result<ScmpFilterContext, SeccompError> {
    let wanted = match arch {
        Arch::X86_64 => ScmpArch::X8664,
        Arch::Aarch64 => ScmpArch::Aarch64,
    };
    if wanted != ScmpArch::native() {
        filter.add_arch(wanted)?;
        filter.remove_arch(ScmpArch::Native)?;
    }
    filter.set_syscall_priority(ScmpSyscall::from_name(HOT)?, u8::MAX)?;
    Ok(filter)
}

fn add(filter: &mut ScmpFilterContext, row: &Row, mode: Mode) -> Result<(), SeccompError> {
    // By this machine's number: libseccomp finds the target's by the name, and "exact" fails without one.
    let call = match ScmpSyscall::from_name(row.call) {
        // A library older than the call: what is forbidden answers ENOSYS then, like all that no row names.
        Err(_) if row.action == Action::Kill => return Ok(()),
        found => found?,
    };
    let when: Vec<ScmpArgCompare> = row.when.iter().map(comparison).collect();
    filter.add_rule_conditional_exact(action(row.action, mode), call, &when)?;
    Ok(())
}

fn action(action: Action, mode: Mode) -> ScmpAction {
    match (action, mode) {
        (Action::Allow, _) => ScmpAction::Allow,
        (_, Mode::Log) => ScmpAction::Log,
        (Action::Kill, Mode::Kill) => ScmpAction::KillProcess,
        (Action::Errno(errno), Mode::Kill) => ScmpAction::Errno(errno),
    }
}

fn comparison(condition: &Condition) -> ScmpArgCompare {
    let own = u64::from(process::id());
    let (op, value) = match condition.test {
        Test::Equal(value) => (ScmpCompareOp::Equal, value),
        Test::NotEqual(value) => (ScmpCompareOp::NotEqual, value),
        Test::Masked { mask, value } => (ScmpCompareOp::MaskedEqual(mask), value),
        Test::OwnPid => (ScmpCompareOp::Equal, own),
        Test::NotOwnPid => (ScmpCompareOp::NotEqual, own),
    };
    ScmpArgCompare::new(condition.arg, op, value)
}

fn failed(step: impl Into<String>, error: &SeccompError) -> Error {
    Error::system(
        step.into(),
        Errno::from_raw(error.sysrawrc().map_or(0, i32::abs)),
    )
}
