//! Fixed-size fields cut from a record, in order. A record that is too short yields an error of one
//! kind, which only a mistake in `ts/native` can cause.

use crate::errors::{Result, malformed};

/// What is left of a record while its fields are taken off the front.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*field)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.take()?))
    }

    /// A port, big-endian.
    pub fn port(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    /// A user's or resource's id, big-endian.
    pub fn id(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// A number of milliseconds: a JavaScript number, big-endian. Fractions are rounded up, what is
    /// negative or no number counts as 0.
    pub fn milliseconds(&mut self) -> Result<u64> {
        // A float-to-integer cast saturates and turns NaN into 0 (Rust reference, "as" casts).
        Ok(f64::from_be_bytes(self.take()?).ceil() as u64)
    }
}

/// Cuts `batch` into records of `size` bytes.
pub fn records(batch: &[u8], size: usize) -> Result<impl Iterator<Item = Fields<'_>>> {
    if !batch.len().is_multiple_of(size) {
        return Err(malformed());
    }
    Ok(batch.chunks_exact(size).map(Fields))
}
