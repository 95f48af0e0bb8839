//! What a launched program inherits: 0 to 2, the service manager's sockets, nothing else.

use std::{
    fs::{self, OpenOptions},
    os::fd::{IntoRawFd, RawFd},
};

use nix::errno::Errno;

use crate::{error::Error, sys};

const STANDARD: [RawFd; 3] = [0, 1, 2];

/// Marks every descriptor but 0 to 2 and `passed` to be closed at execve, and these to stay. (Node marks all that it
/// inherits, 0 to 2 included.) A missing one of 0 to 2 becomes /dev/null, so that no other file can take its number.
pub(crate) fn keep_only(passed: &[RawFd]) -> Result<(), Error> {
    fill_standard()?;
    for fd in open_descriptors()? {
        let stays = STANDARD.contains(&fd) || passed.contains(&fd);
        let flags = if stays { 0 } else { libc::FD_CLOEXEC };
        match sys::set_descriptor_flags(fd, flags) {
            // The one that listed the others is closed already.
            Ok(()) | Err(Errno::EBADF) => {}
            Err(errno) => return Err(Error::system("mark a descriptor", errno)),
        }
    }
    Ok(())
}

fn fill_standard() -> Result<(), Error> {
    for fd in STANDARD {
        while sys::descriptor_flags(fd) == Err(Errno::EBADF) {
            let null = OpenOptions::new().read(true).write(true).open("/dev/null");
            let null = null.map_err(|error| Error::io("open /dev/null", &error))?;
            // open(2) takes the lowest free number: sooner or later this one.
            let _ = null.into_raw_fd();
        }
    }
    Ok(())
}

fn open_descriptors() -> Result<Vec<RawFd>, Error> {
    let listing =
        fs::read_dir("/proc/self/fd").map_err(|error| Error::io("list /proc/self/fd", &error))?;
    let names = listing.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}
