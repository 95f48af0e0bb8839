//! The filters as the kernel gets them, for x86_64 and aarch64, run by an interpreter.
//!
//! Calls are numbered by the kernel's own tables, so libseccomp's are checked as well.

use std::collections::{BTreeMap, BTreeSet};
use std::process;

use crate::bpf::{Call, Program, Verdict};
use crate::calls::{ARCHES, audit_arch, calls};
use letmein_sandbox::{
    Action, Arch, CLIENT, Condition, DOOR, JUDGE, Mode, Profile, Test, program_for,
};

const PROFILES: [&Profile; 3] = [&DOOR, &JUDGE, &CLIENT];
/// What fills arguments that no condition is about: hostile in all bits, or plain.
const FILLERS: [u64; 3] = [0, u64::MAX, 0x5555_5555_5555_5555];
/// AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64.
const FOREIGN: [u32; 3] = [0x4000_0003, 0x4000_0028, 0xc000_00f3];
/// Of x32's calls (asm/unistd.h, __X32_SYSCALL_BIT), which come with x86_64's own architecture.
const X32: u32 = 0x4000_0000;
const UNKNOWN: Verdict = Verdict::Errno(libc::ENOSYS);
const KILLED: Verdict = Verdict::KillProcess;

/// A profile's filter on one architecture, and that architecture's numbers.
struct Filter {
    profile: &'static Profile,
    arch: Arch,
    program: Program,
    numbers: BTreeMap<&'static str, u32>,
}

impl Filter {
    fn new(profile: &'static Profile, mode: Mode, arch: Arch) -> Self {
        let program = Program::parse(&program_for(profile, mode, arch).unwrap());
        assert!(program.len() <= 4096, "the kernel takes no more");
        let numbers = calls(arch);
        Self {
            profile,
            arch,
            program,
            numbers,
        }
    }

    fn all(mode: Mode) -> impl Iterator<Item = Self> {
        PROFILES
            .into_iter()
            .flat_map(move |profile| ARCHES.map(|arch| Self::new(profile, mode, arch)))
    }

    fn run(&self, number: u32, args: [u64; 6]) -> Verdict {
        let arch = audit_arch(self.arch);
        self.program.run(&Call { arch, number, args }).0
    }

    /// The verdict on a call by its name; `None` where the architecture has no such call.
    fn verdict(&self, call: &str, args: &[u64]) -> Option<Verdict> {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        self.numbers.get(call).map(|&number| self.run(number, all))
    }

    /// What the table says, read without libseccomp.
    fn expected(&self, call: &str, args: &[u64; 6]) -> Verdict {
        let rows = self.profile.rows().filter(|row| row.call == call);
        let verdicts: Vec<Verdict> = rows
            .filter(|row| row.when.iter().all(|condition| holds(condition, args)))
            .map(|row| verdict_of(row.action))
            .collect();
        let verdict = verdicts.first().copied().unwrap_or(UNKNOWN);
        assert!(
            verdicts.iter().all(|other| *other == verdict),
            "{call} {args:x?}: {verdicts:?}"
        );
        verdict
    }

    fn describe(&self, call: &str) -> String {
        format!("{call} of {} on {:?}", self.profile.program, self.arch)
    }
}

fn verdict_of(action: Action) -> Verdict {
    match action {
        Action::Allow => Verdict::Allow,
        Action::Kill => KILLED,
        Action::Errno(errno) => Verdict::Errno(errno),
    }
}

fn own_pid() -> u64 {
    u64::from(process::id())
}

fn holds(condition: &Condition, args: &[u64; 6]) -> bool {
    let value = args[condition.arg as usize];
    match condition.test {
        Test::Equal(wanted) => value == wanted,
        Test::NotEqual(other) => value != other,
        Test::Masked {
            mask,
            value: wanted,
        } => value & mask == wanted,
        Test::OwnPid => value == own_pid(),
        Test::NotOwnPid => value != own_pid(),
    }
}

/// Values on both sides of a condition, in the lower and the upper half.
fn around(condition: &Condition) -> Vec<u64> {
    let (value, mask) = match condition.test {
        Test::Equal(value) | Test::NotEqual(value) => (value, u64::MAX),
        Test::Masked { mask, value } => (value, mask),
        Test::OwnPid | Test::NotOwnPid => (own_pid(), u64::MAX),
    };
    vec![
        value,
        value | !mask,
        value ^ mask,
        value ^ 1,
        value.wrapping_add(1),
        value | 1 << 32,
        value | 1 << 63,
        value << 32,
    ]
}

/// Every combination of interesting values for the arguments that `call`'s rows look at.
fn arguments(profile: &Profile, call: &str) -> Vec<[u64; 6]> {
    let rows = profile.rows().filter(|row| row.call == call);
    let mut interesting: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for condition in rows.flat_map(|row| row.when) {
        interesting
            .entry(condition.arg)
            .or_default()
            .extend(around(condition));
    }
    let mut all: Vec<[u64; 6]> = FILLERS.map(|filler| [filler; 6]).into();
    for (arg, values) in interesting {
        let with = |args: &[u64; 6], value| {
            let mut args = *args;
            args[arg as usize] = value;
            args
        };
        let more = all
            .iter()
            .flat_map(|args| values.iter().map(move |&value| with(args, value)));
        all = all
            .iter()
            .copied()
            .chain(more.collect::<Vec<_>>())
            .collect();
    }
    all
}

#[test]
fn filters_say_what_the_tables_say() {
    for filter in Filter::all(Mode::Kill) {
        for (call, &number) in &filter.numbers {
            for args in arguments(filter.profile, call) {
                let expected = filter.expected(call, &args);
                assert_eq!(
                    filter.run(number, args),
                    expected,
                    "{} with {args:x?}",
                    filter.describe(call)
                );
            }
        }
    }
}

#[test]
fn every_row_can_happen() {
    for filter in Filter::all(Mode::Kill) {
        for row in filter
            .profile
            .rows()
            .filter(|row| row.only.includes(filter.arch))
        {
            let reached = arguments(filter.profile, row.call)
                .iter()
                .filter(|args| row.when.iter().all(|condition| holds(condition, args)))
                .any(|args| filter.verdict(row.call, args) == Some(verdict_of(row.action)));
            assert!(reached, "{} {:?}", filter.describe(row.call), row.when);
        }
    }
}

#[test]
fn numbers_without_a_row_answer_enosys() {
    for filter in Filter::all(Mode::Kill) {
        let named: BTreeSet<u32> = filter
            .profile
            .rows()
            .filter_map(|row| filter.numbers.get(row.call).copied())
            .collect();
        for number in (0..2_000).filter(|number| !named.contains(number)) {
            for filler in FILLERS {
                assert_eq!(filter.run(number, [filler; 6]), UNKNOWN, "{number}");
            }
        }
    }
}

#[test]
fn calls_by_another_architectures_numbers_kill() {
    for filter in Filter::all(Mode::Kill) {
        let other = ARCHES
            .map(audit_arch)
            .into_iter()
            .filter(|&arch| arch != audit_arch(filter.arch));
        for arch in other.chain(FOREIGN) {
            for number in 0..500 {
                let call = Call {
                    arch,
                    number,
                    args: [0; 6],
                };
                assert_eq!(filter.program.run(&call).0, KILLED, "{arch:x} {number}");
            }
        }
        if filter.arch == Arch::X86_64 {
            for number in 0..600 {
                assert_eq!(filter.run(X32 | number, [0; 6]), KILLED, "x32 {number}");
            }
        }
    }
}

#[test]
fn log_mode_lets_everything_through_and_logs_the_rest() {
    for filter in Filter::all(Mode::Log) {
        for (call, &number) in &filter.numbers {
            for args in arguments(filter.profile, call) {
                let expected = match filter.expected(call, &args) {
                    Verdict::Allow => Verdict::Allow,
                    _ => Verdict::Log,
                };
                assert_eq!(
                    filter.run(number, args),
                    expected,
                    "{}",
                    filter.describe(call)
                );
            }
        }
        let foreign = Call {
            arch: FOREIGN[0],
            number: 1,
            args: [0; 6],
        };
        assert_eq!(filter.program.run(&foreign).0, Verdict::Log);
    }
}

/// Constants as the kernel defines them, written out: a mistake in a table's constant must not repeat here.
const PROT_READ_WRITE: u64 = 3;
const PROT_READ_EXEC: u64 = 5;
const ANONYMOUS: u64 = 0x22;
const TO_SOMEBODY: u64 = 0x7fff_0000_1000;
const SIGTERM: u64 = 15;
const OTHER_PID: u64 = 1;

/// What no program may do, by name and arguments, whatever the tables say.
const FORBIDDEN: &[(&str, &[u64])] = &[
    ("execve", &[]),
    ("execveat", &[]),
    ("fork", &[]),
    ("vfork", &[]),
    ("clone", &[0x003d_0f00]),
    ("ptrace", &[16, OTHER_PID]),
    ("process_vm_readv", &[OTHER_PID]),
    ("process_vm_writev", &[OTHER_PID]),
    ("mmap", &[0, 4096, PROT_READ_EXEC, ANONYMOUS]),
    ("mmap", &[0, 4096, 7, ANONYMOUS]),
    ("mprotect", &[0x1000, 4096, PROT_READ_EXEC]),
    ("mprotect", &[0x1000, 4096, 4]),
    ("pkey_mprotect", &[0x1000, 4096, PROT_READ_EXEC, 1]),
    ("io_uring_enter", &[]),
    ("io_uring_register", &[]),
    ("kill", &[OTHER_PID, SIGTERM]),
    ("kill", &[0, SIGTERM]),
    ("kill", &[u64::MAX, SIGTERM]),
    ("tgkill", &[OTHER_PID, OTHER_PID, SIGTERM]),
    ("tkill", &[OTHER_PID, SIGTERM]),
    ("pidfd_send_signal", &[3, SIGTERM]),
    ("pidfd_getfd", &[3, 0]),
    ("setuid", &[0]),
    ("setresuid", &[0, 0, 0]),
    ("setgroups", &[]),
    ("capset", &[]),
    ("unshare", &[0x1000_0000]),
    ("setns", &[3]),
    ("chroot", &[]),
    ("mount", &[]),
    ("bpf", &[]),
    ("keyctl", &[]),
    ("userfaultfd", &[]),
    ("perf_event_open", &[]),
    ("seccomp", &[]),
    ("prctl", &[4, 1]),
    ("prctl", &[22]),
    ("prctl", &[47, 2, 12]),
    ("socketpair", &[1, 1]),
    ("sendmsg", &[4, TO_SOMEBODY, 0x2000_0000]),
    ("sendmmsg", &[4, TO_SOMEBODY, 1, 0x2000_4000]),
];

/// What no program may do either, but is told by an errno.
const REFUSED: &[(&str, &[u64], i32)] = &[
    ("io_uring_setup", &[8], libc::ENOSYS),
    ("clone3", &[], libc::ENOSYS),
    ("prctl", &[15], libc::ENOSYS),
    ("ioctl", &[3, 0x8914], libc::ENOSYS),     // SIOCSIFFLAGS
    ("ioctl", &[0, 0x5412], libc::ENOSYS),     // TIOCSTI
    ("ioctl", &[0, 0x5402], libc::EPERM),      // TCSETS
    ("setsockopt", &[3, 1, 26], libc::ENOSYS), // SO_ATTACH_FILTER
    ("setsockopt", &[3, 1, 50], libc::ENOSYS), // SO_ATTACH_BPF
    ("setsockopt", &[3, 6, 30], libc::ENOSYS), // TCP_FASTOPEN_CONNECT
    ("setsockopt", &[3, 6, 31], libc::ENOSYS), // TCP_ULP
    ("getsockopt", &[3, 6, 35], libc::ENOSYS), // TCP_ZEROCOPY_RECEIVE
    ("fcntl", &[3, 8], libc::ENOSYS),          // F_SETOWN
    ("fcntl", &[3, 10], libc::ENOSYS),         // F_SETSIG
    ("prlimit64", &[0, 7, TO_SOMEBODY], libc::ENOSYS),
    ("setrlimit", &[7], libc::ENOSYS),
    ("memfd_create", &[], libc::ENOSYS),
    ("shmat", &[], libc::ENOSYS),
    ("mkdirat", &[], libc::ENOSYS),
    ("renameat2", &[], libc::ENOSYS),
    ("fchmodat", &[], libc::ENOSYS),
    ("fchownat", &[], libc::ENOSYS),
    ("unlinkat", &[0, TO_SOMEBODY, 0x200], libc::ENOSYS),
    ("listen", &[], libc::ENOSYS),
    ("dup3", &[], libc::ENOSYS),
];

#[test]
fn what_is_forbidden_to_all_is_forbidden() {
    for filter in Filter::all(Mode::Kill) {
        for (call, args) in FORBIDDEN {
            let verdict = filter.verdict(call, args).unwrap_or(KILLED);
            assert_eq!(verdict, KILLED, "{} with {args:x?}", filter.describe(call));
        }
        for (call, args, errno) in REFUSED {
            let refused = Verdict::Errno(*errno);
            let verdict = filter.verdict(call, args).unwrap_or(refused);
            assert_eq!(verdict, refused, "{} with {args:x?}", filter.describe(call));
        }
    }
}

/// What strace saw of our daemons under load and at their end.
const NEEDED: &[(&str, &[u64])] = &[
    ("epoll_pwait", &[]),
    ("epoll_ctl", &[]),
    ("read", &[]),
    ("write", &[]),
    ("close", &[]),
    ("shutdown", &[]),
    ("recvmsg", &[]),
    ("sendmsg", &[]),
    ("getpeername", &[]),
    ("mmap", &[0, 520_192, 0, 0x4022]),
    ("mmap", &[0, 520_192, PROT_READ_WRITE, ANONYMOUS]),
    ("mprotect", &[0x1000, 4096, PROT_READ_WRITE]),
    ("mprotect", &[0x1000, 4096, 0]),
    ("munmap", &[]),
    ("madvise", &[]),
    ("brk", &[]),
    ("futex", &[]),
    ("sched_yield", &[]),
    ("rt_sigaction", &[]),
    ("rt_sigprocmask", &[]),
    ("rt_sigreturn", &[]),
    ("getpid", &[]),
    ("fcntl", &[0, 3]),
    ("fcntl", &[0, 4, 0x800]),
    ("fstat", &[]),
    ("statx", &[]),
    ("ioctl", &[0, 0x5421]),
    ("ioctl", &[0, 0x5401]),
    ("getsockopt", &[3, 1, 4]),
    ("exit", &[]),
    ("exit_group", &[]),
];

#[test]
fn what_a_running_program_needs_is_allowed() {
    for filter in Filter::all(Mode::Kill) {
        for (call, args) in NEEDED {
            let verdict = filter.verdict(call, args);
            assert_eq!(
                verdict,
                Some(Verdict::Allow),
                "{} with {args:x?}",
                filter.describe(call)
            );
        }
        let own = [own_pid(), own_pid(), 6];
        assert_eq!(filter.verdict("tgkill", &own), Some(Verdict::Allow));
    }
}

/// By program: a call, its arguments, and the verdicts for door, judge and client.
type Difference = (&'static str, &'static [u64], [Verdict; 3]);

const ALLOWED: Verdict = Verdict::Allow;
const NO_FILE: Verdict = Verdict::Errno(libc::EACCES);

const DIFFERENCES: &[Difference] = &[
    ("accept4", &[], [ALLOWED, UNKNOWN, UNKNOWN]),
    ("socket", &[1, 0x80801], [KILLED, ALLOWED, UNKNOWN]), // AF_UNIX
    ("socket", &[2, 0x80801], [KILLED, KILLED, ALLOWED]),  // AF_INET, stream
    ("socket", &[2, 0x80802], [KILLED, KILLED, ALLOWED]),  // AF_INET, datagram
    ("socket", &[10, 1], [KILLED, KILLED, ALLOWED]),       // AF_INET6
    ("socket", &[2, 3], [KILLED, KILLED, UNKNOWN]),        // raw
    ("socket", &[16, 3, 12], [KILLED, KILLED, UNKNOWN]),   // netlink
    ("socket", &[17, 3], [KILLED, KILLED, UNKNOWN]),       // packet
    ("connect", &[], [KILLED, ALLOWED, ALLOWED]),
    ("bind", &[], [ALLOWED, UNKNOWN, ALLOWED]),
    ("sendto", &[4, 1, 56, 0], [ALLOWED, ALLOWED, ALLOWED]),
    (
        "sendto",
        &[4, 1, 56, 0x4000, 0],
        [ALLOWED, ALLOWED, ALLOWED],
    ),
    (
        "sendto",
        &[4, 1, 56, 0, TO_SOMEBODY],
        [KILLED, ALLOWED, KILLED],
    ),
    ("openat", &[], [NO_FILE, ALLOWED, NO_FILE]),
    ("open", &[], [NO_FILE, ALLOWED, NO_FILE]),
    (
        "openat",
        &[0, TO_SOMEBODY, 0x8_0000],
        [NO_FILE, ALLOWED, NO_FILE],
    ), // O_CLOEXEC
    ("openat", &[0, TO_SOMEBODY, 1], [NO_FILE, UNKNOWN, NO_FILE]), // O_WRONLY
    ("openat", &[0, TO_SOMEBODY, 2], [NO_FILE, UNKNOWN, NO_FILE]), // O_RDWR
    (
        "openat",
        &[0, TO_SOMEBODY, 0o100],
        [NO_FILE, UNKNOWN, NO_FILE],
    ), // O_CREAT
    (
        "openat",
        &[0, TO_SOMEBODY, 0o1000],
        [NO_FILE, UNKNOWN, NO_FILE],
    ), // O_TRUNC
    ("openat2", &[], [NO_FILE, UNKNOWN, NO_FILE]),
    (
        "unlinkat",
        &[0, TO_SOMEBODY, 0],
        [ALLOWED, ALLOWED, UNKNOWN],
    ),
    ("unlink", &[], [ALLOWED, ALLOWED, UNKNOWN]),
    ("setsockopt", &[3, 6, 1], [ALLOWED, UNKNOWN, ALLOWED]), // TCP_NODELAY
    ("setsockopt", &[3, 1, 2], [ALLOWED, UNKNOWN, ALLOWED]), // SO_REUSEADDR
    ("setsockopt", &[3, 1, 32], [UNKNOWN, ALLOWED, UNKNOWN]), // SO_SNDBUFFORCE
    ("getsockopt", &[3, 1, 17], [ALLOWED, ALLOWED, UNKNOWN]), // SO_PEERCRED
    ("wait4", &[], [UNKNOWN, UNKNOWN, ALLOWED]),
];

#[test]
fn each_program_may_do_what_is_its_own() {
    for (place, profile) in PROFILES.into_iter().enumerate() {
        for filter in ARCHES.map(|arch| Filter::new(profile, Mode::Kill, arch)) {
            for (call, args, verdicts) in DIFFERENCES {
                let expected = verdicts[place];
                let verdict = filter.verdict(call, args).unwrap_or(expected);
                assert_eq!(
                    verdict,
                    expected,
                    "{} with {args:x?}",
                    filter.describe(call)
                );
            }
        }
    }
}

#[test]
fn an_answer_over_udp_is_judged_first() {
    for filter in Filter::all(Mode::Kill) {
        let (arch, number) = (audit_arch(filter.arch), filter.numbers["sendmsg"]);
        let (verdict, instructions) = filter.program.run(&Call {
            arch,
            number,
            args: [0; 6],
        });
        assert_eq!(verdict, ALLOWED);
        assert!(
            instructions < 20,
            "{instructions} of {}",
            filter.program.len()
        );
    }
}
