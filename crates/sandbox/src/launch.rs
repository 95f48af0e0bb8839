//! Stage 1: the program replaces itself by the same program under fixed conditions.

use std::{
    convert::Infallible,
    ffi::CString,
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io,
    os::{
        fd::RawFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    },
    path::PathBuf,
};

use nix::{
    sys::resource::{self, Resource},
    unistd,
};

use crate::{
    capability::{self, Capability, Sets},
    descriptors,
    error::Error,
    filter,
    identity::Identity,
    ring::{self, Ring},
    sys,
};

/// Readable by all, written by its owner.
const FOLDER_MODE: u32 = 0o755;

/// What a program is to become.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The system user whom root becomes; `None`: whoever starts the program.
    pub user: Option<String>,
    /// The one capability that is kept.
    pub capability: Option<Capability>,
    /// The folder of the runtime files, made for that user if it is not there.
    pub folder: Option<PathBuf>,
    /// Which files and networks it may reach.
    pub ring: Ring,
    /// Descriptors that go with it, besides 0 to 2.
    pub passed: Vec<RawFd>,
    /// The new command line: the program's own path, then its arguments.
    pub command: Vec<String>,
    /// The whole new environment, as `NAME=value`.
    pub environment: Vec<String>,
    /// Files that it cannot do without: the program, the addon.
    pub needs: Vec<PathBuf>,
}

/// Becomes what `launch` says. Returns only if that failed, and then in no state to go on: end the process.
///
/// # Errors
/// The step that failed.
pub fn launch(launch: &Launch) -> Result<Infallible, Error> {
    let identity = match &launch.user {
        Some(user) => Identity::to_become(user)?,
        None => None,
    };
    make_folder(launch, identity.as_ref())?;
    check_capability(launch)?;
    capability::bound(launch.capability)?;
    if let Some(identity) = &identity {
        identity.assume()?;
    }
    capability::reduce(launch.capability)?;
    check_needs(launch)?;
    resource::setrlimit(Resource::RLIMIT_CORE, 0, 0)
        .map_err(|errno| Error::system("forbid core dumps", errno))?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0)
        .map_err(|errno| Error::system("set no_new_privs", errno))?;
    ring::close(&launch.ring)?;
    filter::restrict_launched()?;
    descriptors::keep_only(&launch.passed)?;
    replace(launch)
}

/// Makes the runtime folder, and gives it to its user: a run as root, by another version say, may have left it to root.
fn make_folder(launch: &Launch, identity: Option<&Identity>) -> Result<(), Error> {
    let Some(path) = &launch.folder else {
        return Ok(());
    };
    let failed = |what: &str, error: io::Error| {
        Error::io(format_args!("{what} the folder {}", path.display()), &error)
    };
    let made = DirBuilder::new().mode(FOLDER_MODE).create(path);
    let is_new = made.is_ok();
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // Whoever is not root and may not make it finds it there, or is told when the first file is written.
        Err(_) if identity.is_none() => {}
        made => made.map_err(|error| {
            failed("make", error).advise("the folder above it must be there, see --rundir")
        })?,
    }
    let Some(identity) = identity else {
        return Ok(());
    };
    // Not through a link: where others may write, one could lead root to give away any folder of the machine.
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY)
        .open(path)
        .map_err(|error| failed("open", error))?;
    if is_new {
        // Whatever the umask has made of it: the other daemon must be able to pass.
        folder
            .set_permissions(Permissions::from_mode(FOLDER_MODE))
            .map_err(|error| failed("open up", error))?;
    }
    let metadata = folder
        .metadata()
        .map_err(|error| failed("look at", error))?;
    if metadata.uid() == identity.uid.as_raw() {
        return Ok(());
    }
    let (uid, gid) = (identity.uid.as_raw(), identity.gid.as_raw());
    fchown(&folder, Some(uid), Some(gid)).map_err(|error| failed("give away", error))
}

/// What is to be kept must be there, and must outlast execve.
fn check_capability(launch: &Launch) -> Result<(), Error> {
    let Some(capability) = launch.capability else {
        return Ok(());
    };
    let name = capability.name();
    if Sets::read()?.permitted & capability::mask_of(launch.capability) == 0 {
        return Err(Error::refusal(format!(
            "it needs {name}: start it as root, or as a service with AmbientCapabilities={name}"
        )));
    }
    let Some(node) = launch.command.first() else {
        return Ok(());
    };
    if has_file_capabilities(node) {
        return Err(Error::refusal(format!(
            "{node} has file capabilities, and a program with those loses the {name} it is handed: see 'getcap {node}', remove them with 'setcap -r {node}'"
        )));
    }
    Ok(())
}

/// Whether a program file carries capabilities (`security.capability`, capabilities(7)): execve then clears the ambient set.
fn has_file_capabilities(path: &str) -> bool {
    CString::new(path).is_ok_and(|path| sys::has_attribute(&path, c"security.capability"))
}

/// As the user that it is now: a home folder, say, is closed to him.
fn check_needs(launch: &Launch) -> Result<(), Error> {
    for path in &launch.needs {
        if let Err(error) = File::open(path) {
            let who = launch.user.as_deref().unwrap_or("this user");
            return Err(
                Error::io(format_args!("open {}", path.display()), &error).advise(format_args!(
                    "{who} must be able to read it: install where every user can, such as below /usr/local"
                )),
            );
        }
    }
    Ok(())
}

fn replace(launch: &Launch) -> Result<Infallible, Error> {
    let arguments = c_strings(&launch.command)?;
    let environment = c_strings(&launch.environment)?;
    let Some(program) = arguments.first() else {
        return Err(Error::refusal("no program to launch"));
    };
    unistd::execve(program, &arguments, &environment).map_err(|errno| {
        let program = program.to_string_lossy();
        Error::system(format_args!("start {program}"), errno)
            .advise("the user it is to run as must be able to execute it")
    })
}

fn c_strings(texts: &[String]) -> Result<Vec<CString>, Error> {
    let convert = |text: &String| {
        CString::new(text.as_str())
            .map_err(|_| Error::refusal("a zero byte in the command line or environment"))
    };
    texts.iter().map(convert).collect()
}
