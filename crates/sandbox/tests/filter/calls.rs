//! The kernel's own numbers of system calls, for both architectures.

use std::collections::BTreeMap;

use letmein_sandbox::Arch;

const AARCH64: &str = include_str!("../aarch64-calls.txt");
const X86_64: &str = include_str!("../x86_64-calls.txt");

pub const ARCHES: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

/// Name → number.
pub fn calls(arch: Arch) -> BTreeMap<&'static str, u32> {
    let table = match arch {
        Arch::X86_64 => X86_64,
        Arch::Aarch64 => AARCH64,
    };
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let (name, number) = line.split_once(' ').expect("name and number");
        (name, number.parse().expect("a number"))
    };
    lines.map(read).collect()
}

/// AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 (linux/audit.h).
pub fn audit_arch(arch: Arch) -> u32 {
    match arch {
        Arch::X86_64 => 0xc000_003e,
        Arch::Aarch64 => 0xc000_00b7,
    }
}
