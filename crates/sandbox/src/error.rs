//! Why a stage of the sandbox could not be entered.

use std::{fmt, io};

use nix::errno::Errno;

/// A step that failed. Its text is one line for a person: what, the errno's name, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The errno's name, such as `EPERM`, or `SANDBOX` where no system call failed.
    pub code: String,
    text: String,
}

impl Error {
    /// A system call failed: `what` follows "failed to".
    pub(crate) fn system(what: impl fmt::Display, errno: Errno) -> Self {
        Self {
            code: format!("{errno:?}"),
            text: format!("failed to {what}: {errno:?}"),
        }
    }

    /// The same, where std made the call.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::system(
            what,
            Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        )
    }

    /// The world is not as it must be.
    pub(crate) fn refusal(text: impl Into<String>) -> Self {
        Self {
            code: "SANDBOX".to_owned(),
            text: text.into(),
        }
    }

    /// The same error, with what to do about it.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl fmt::Display) -> Self {
        self.text = format!("{}: {advice}", self.text);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
