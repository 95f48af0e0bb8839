//! The N-API surface of letmein: conversion between JavaScript's values and the types of
//! `letmein-wire`, `letmein-firewall` and `letmein-sandbox`, and a few calls to the operating system
//! that Node cannot make. No decision is taken here.
//!
//! Work that comes in numbers (messages to check, leases to change) crosses as packed records of a
//! fixed size, one call for all that an event-loop turn brought: the call, not the work, is what a
//! knock would otherwise pay for. `ts/native` is the other half of each layout and its only user.

mod addresses;
mod bytes;
mod errors;
mod firewall;
mod gate;
mod host;
#[cfg(feature = "probe")]
mod probe;
mod sandbox;
