//! A profile as data: rows of system calls with conditions, an action and a reason.
//!
//! Calls that no row names, and arguments that no row's conditions fit, answer ENOSYS: a newer Node or
//! libc that tries something new falls back and lives. What is forbidden is a row that kills.

use crate::forbidden::FORBIDDEN;
use crate::runtime::RUNTIME;

/// What one program may ask of the kernel once it is locked.
#[derive(Debug)]
pub struct Profile {
    /// The program's name.
    pub program: &'static str,
    /// What the program can still do, in one sentence, for the documentation.
    pub about: &'static str,
    /// Its own rows, beside those that every program has.
    pub own: &'static [Row],
}

impl Profile {
    /// All rows: what every Node program needs, what every program is forbidden, and its own.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> {
        RUNTIME.iter().chain(FORBIDDEN).chain(self.own)
    }
}

/// One rule: if `call` is made and all conditions of `when` hold, `action` happens.
///
/// A list of allowed values is several rows: libseccomp takes one comparison per argument and rule.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The call's name in the kernel.
    pub call: &'static str,
    /// All must hold; none: always.
    pub when: &'static [Condition],
    /// What happens.
    pub action: Action,
    /// The architectures that have the call.
    pub only: Only,
    /// Why the row is there.
    pub why: &'static str,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is made.
    Allow,
    /// The whole process ends by SIGSYS.
    Kill,
    /// It is not made, and answers this errno.
    Errno(i32),
}

/// The architectures a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Only {
    /// Both.
    All,
    /// Newer architectures never had the call.
    X86_64,
}

impl Only {
    /// Whether the row is for `arch`.
    #[must_use]
    pub fn includes(self, arch: Arch) -> bool {
        match self {
            Only::All => true,
            Only::X86_64 => arch == Arch::X86_64,
        }
    }
}

/// An architecture that there are tables for. The constants that rows compare with are the same on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit x86; its 32-bit and x32 calls end the process.
    X86_64,
    /// 64-bit ARM; its 32-bit calls end the process.
    Aarch64,
}

impl Arch {
    /// The one this program was built for.
    #[must_use]
    pub fn native() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Aarch64)
        } else {
            None
        }
    }
}

/// A comparison of one argument. All 64 bits of it are compared, also where the kernel looks at 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Which argument, from 0.
    pub arg: u32,
    /// What must be true of it.
    pub test: Test,
    /// The same in words, for the documentation.
    pub says: &'static str,
}

/// What must be true of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// It is this.
    Equal(u64),
    /// It is anything else.
    NotEqual(u64),
    /// Its bits under `mask` are `value`.
    Masked {
        /// The bits that count.
        mask: u64,
        /// What they are.
        value: u64,
    },
    /// It is this process's id. Known only when the filter is built.
    OwnPid,
    /// It is anything else than this process's id.
    NotOwnPid,
}

/// A call that is made.
pub(crate) const fn allow(call: &'static str, why: &'static str) -> Row {
    row(call, Action::Allow, why)
}

/// A call that ends the process.
pub(crate) const fn kill(call: &'static str, why: &'static str) -> Row {
    row(call, Action::Kill, why)
}

/// A call that answers `errno`.
pub(crate) const fn refuse(call: &'static str, errno: i32, why: &'static str) -> Row {
    row(call, Action::Errno(errno), why)
}

const fn row(call: &'static str, action: Action, why: &'static str) -> Row {
    Row {
        call,
        when: &[],
        action,
        only: Only::All,
        why,
    }
}

impl Row {
    /// The same under conditions.
    pub(crate) const fn when(self, when: &'static [Condition]) -> Self {
        Self { when, ..self }
    }

    /// The same on x86_64 alone.
    pub(crate) const fn on_x86_64(self) -> Self {
        let only = Only::X86_64;
        Self { only, ..self }
    }
}

/// `is!(0, domain = libc::AF_UNIX)`: the argument is that value.
macro_rules! is {
    ($arg:literal, $name:ident = $from:ident::$value:ident) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::Equal($from::$value as u64),
            says: concat!(stringify!($name), " = ", stringify!($value)),
        }
    };
    ($arg:literal, $name:ident = $value:literal) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::Equal($value),
            says: concat!(stringify!($name), " = ", stringify!($value)),
        }
    };
    ($arg:literal, $name:ident = NULL) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::Equal(0),
            says: concat!(stringify!($name), " = NULL"),
        }
    };
}

/// `is_not!(0, domain = libc::AF_UNIX)`: the argument is any other value.
macro_rules! is_not {
    ($arg:literal, $name:ident = NULL) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::NotEqual(0),
            says: concat!(stringify!($name), " ≠ NULL"),
        }
    };
    ($arg:literal, $name:ident = $from:ident::$value:ident) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::NotEqual($from::$value as u64),
            says: concat!(stringify!($name), " ≠ ", stringify!($value)),
        }
    };
}

/// `has!(2, prot & libc::PROT_EXEC)`: the bit is set.
macro_rules! has {
    ($arg:literal, $name:ident & $from:ident::$bit:ident) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::Masked {
                mask: $from::$bit as u64,
                value: $from::$bit as u64,
            },
            says: concat!(stringify!($name), " with ", stringify!($bit)),
        }
    };
}

/// `lacks!(2, prot & libc::PROT_EXEC)`: the bit is not set.
macro_rules! lacks {
    ($arg:literal, $name:ident & $from:ident::$bit:ident) => {
        $crate::profile::Condition {
            arg: $arg,
            test: $crate::profile::Test::Masked {
                mask: $from::$bit as u64,
                value: 0,
            },
            says: concat!(stringify!($name), " without ", stringify!($bit)),
        }
    };
}

pub(crate) use {has, is, is_not, lacks};

/// The first argument is this process's id.
pub(crate) const OWN_PID: Condition = Condition {
    arg: 0,
    test: Test::OwnPid,
    says: "of this process",
};

/// The first argument is another process's id.
pub(crate) const NOT_OWN_PID: Condition = Condition {
    arg: 0,
    test: Test::NotOwnPid,
    says: "of another process",
};

/// Numbers of the kernel that are not in every version of the libc crate.
pub(crate) mod linux {
    /// asm-generic/ioctls.h: what tcgetattr uses from glibc 2.42 on.
    pub const TCGETS2: u64 = 0x802c_542a;
    /// asm-generic/ioctls.h: what tcsetattr uses from glibc 2.42 on.
    pub const TCSETS2: u64 = 0x402c_542b;
}
