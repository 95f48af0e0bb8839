//! `LocalAddresses`: this machine's addresses as texts.

use napi_derive::napi;

use crate::errors::{Result, system};

/// A socket over which the kernel lists this machine's addresses.
#[napi]
pub struct LocalAddresses {
    addresses: letmein_sandbox::LocalAddresses,
}

#[napi]
impl LocalAddresses {
    /// Opens the socket.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let addresses = letmein_sandbox::LocalAddresses::open()
            .map_err(|error| system("open a routing socket", &error))?;
        Ok(Self { addresses })
    }

    /// All addresses of all interfaces now.
    #[napi]
    pub fn list(&mut self) -> Result<Vec<String>> {
        let found = self.addresses.list();
        let found = found.map_err(|error| system("list this machine's addresses", &error))?;
        Ok(found.iter().map(ToString::to_string).collect())
    }
}
