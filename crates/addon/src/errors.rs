//! Errors that JavaScript can tell apart: `error.code` is stable, `error.message` is for people.

use napi::Error;

/// A result whose error carries its own `code`.
pub type Result<T> = std::result::Result<T, Error<String>>;

/// An error with `code` and a one-line `message`.
pub fn coded(code: &str, message: impl Into<String>) -> Error<String> {
    Error::new(code.to_owned(), message.into())
}

/// A record or argument that does not have the layout `ts/native` and this crate agreed on.
pub fn malformed() -> Error<String> {
    coded(
        "MALFORMED_ARGUMENT",
        "the addon was handed a record of the wrong layout: are addon and program of one version?",
    )
}

/// A failure of nftables, with the step, the object and the errno's name in its message.
pub fn firewall(error: &letmein_firewall::Error) -> Error<String> {
    coded(error.code, error.to_string())
}

/// A stage of the sandbox that could not be entered.
pub fn sandbox(error: &letmein_sandbox::Error) -> Error<String> {
    coded(&error.code, error.to_string())
}

/// A failed system call: `verb` says what was attempted. The code is the errno's name where a caller
/// tells errors apart, else `SYSTEM_CALL`.
pub fn system(verb: &str, error: &std::io::Error) -> Error<String> {
    let code = match error.raw_os_error() {
        Some(libc::EACCES) => "EACCES",
        Some(libc::EADDRINUSE) => "EADDRINUSE",
        Some(libc::EADDRNOTAVAIL) => "EADDRNOTAVAIL",
        Some(libc::EAFNOSUPPORT) => "EAFNOSUPPORT",
        _ => "SYSTEM_CALL",
    };
    coded(code, format!("failed to {verb}: {error}"))
}
