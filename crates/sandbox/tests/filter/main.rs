//! The profiles: their tables, the programs made of them, and what this machine's kernel does with those.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod bpf;
mod calls;
mod kernel;
mod programs;
mod tables;
