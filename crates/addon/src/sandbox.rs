//! The two stages of the sandbox: launch, proof, lock.

use letmein_sandbox::{self as sandbox, Capability, Expectation, Launch, Mode, Ring, Tcp};
use napi_derive::napi;

use crate::errors::{self, Result, malformed};

/// What a program is to become (letmein_sandbox::Launch).
#[napi(object)]
pub struct LaunchPlan {
    /// The system user whom root becomes; absent: whoever starts the program.
    pub user: Option<String>,
    /// The one capability that is kept.
    #[napi(ts_type = "'net-admin' | 'net-bind-service'")]
    pub capability: Option<String>,
    /// The folder of the runtime files, made for that user if it is not there.
    pub folder: Option<String>,
    /// Files and folders that it may read.
    pub read: Vec<String>,
    /// Folders that it may write.
    pub write: Vec<String>,
    /// What it may do with TCP.
    #[napi(ts_type = "'any' | 'no-connect' | 'none'")]
    pub tcp: String,
    /// Whether it may still start other programs.
    pub may_start_programs: bool,
    /// Descriptors that go with it, besides 0 to 2.
    pub passed: Vec<i32>,
    /// Its command line: the Node binary's path, then its arguments.
    pub command: Vec<String>,
    /// Its environment, as `NAME=value`.
    pub environment: Vec<String>,
    /// Files that it cannot do without.
    pub needs: Vec<String>,
}

/// Replaces this process by what `plan` says. Returns only by throwing: end the process then.
#[napi]
pub fn launch(plan: LaunchPlan) -> Result<()> {
    let paths = |texts: Vec<String>| texts.into_iter().map(Into::into).collect();
    let launch = Launch {
        user: plan.user,
        capability: read_capability(plan.capability.as_deref())?,
        folder: plan.folder.map(Into::into),
        ring: Ring {
            read: paths(plan.read),
            write: paths(plan.write),
            tcp: match plan.tcp.as_str() {
                "any" => Tcp::Any,
                "no-connect" => Tcp::NoConnect,
                "none" => Tcp::None,
                _ => return Err(malformed()),
            },
            may_start_programs: plan.may_start_programs,
        },
        passed: plan.passed,
        command: plan.command,
        environment: plan.environment,
        needs: paths(plan.needs),
    };
    match sandbox::launch(&launch) {
        Err(error) => Err(errors::sandbox(&error)),
    }
}

/// Asks the kernel whether this process was launched, and makes it undumpable; throws if it was not. Returns what
/// this kernel could not do for the launch, a line each.
#[napi]
pub fn prove_launch(
    #[napi(ts_arg_type = "'net-admin' | 'net-bind-service' | undefined | null")] capability: Option<
        String,
    >,
    may_be_root: bool,
) -> Result<Vec<String>> {
    let expected = Expectation {
        capability: read_capability(capability.as_deref())?,
        may_be_root,
    };
    sandbox::prove(&expected).map_err(|error| errors::sandbox(&error))
}

/// Whether this process is in a user namespace with one user only, so that there is nobody else to become.
#[napi]
pub fn is_alone() -> bool {
    sandbox::is_alone()
}

/// Whether there is a system call filter for this processor.
#[napi]
pub fn has_filter() -> bool {
    sandbox::supported()
}

/// Installs the system call filter on every thread, for good.
#[napi]
pub fn lock(
    #[napi(ts_arg_type = "'door' | 'judge' | 'client'")] profile: String,
    #[napi(ts_arg_type = "'log' | 'kill'")] mode: String,
) -> Result<()> {
    let profile = match profile.as_str() {
        "door" => &sandbox::DOOR,
        "judge" => &sandbox::JUDGE,
        "client" => &sandbox::CLIENT,
        _ => return Err(malformed()),
    };
    let mode = match mode.as_str() {
        "log" => Mode::Log,
        "kill" => Mode::Kill,
        _ => return Err(malformed()),
    };
    sandbox::lock(profile, mode).map_err(|error| errors::sandbox(&error))
}

fn read_capability(name: Option<&str>) -> Result<Option<Capability>> {
    match name {
        None => Ok(None),
        Some("net-admin") => Ok(Some(Capability::NetAdmin)),
        Some("net-bind-service") => Ok(Some(Capability::NetBindService)),
        Some(_) => Err(malformed()),
    }
}
