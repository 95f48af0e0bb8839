//! What no program of ours ever does after its start: who tries has taken it over, and the process ends.

use crate::profile::{Row, is, kill, refuse};

const PROGRAM: &str = "starts another program";
const PROCESS: &str = "makes a process or a thread";
const OTHER_PROCESS: &str = "reads, writes or steers another process";
const SIGNAL: &str = "sends a signal in a way whose target cannot be checked";
const IDENTITY: &str = "becomes another user, or takes capabilities back";
const NAMESPACE: &str = "leaves its namespaces or its root";
const MOUNT: &str = "changes what is mounted";
const KERNEL: &str = "changes the kernel or the machine";
const KEYS: &str = "the kernel's key rings";
const PROTECTION: &str = "takes a protection away";
const RING: &str = "a ring makes the kernel do what seccomp never sees";
const RAW: &str = "direct access to hardware or to the processor's tables";

/// Rows of every profile.
pub static FORBIDDEN: &[Row] = &[
    kill("execve", PROGRAM),
    kill("execveat", PROGRAM),
    kill("fork", PROCESS).on_x86_64(),
    kill("vfork", PROCESS).on_x86_64(),
    kill("clone", PROCESS),
    refuse(
        "clone3",
        libc::ENOSYS,
        "makes a process or a thread: libc then tries clone, which ends the process",
    ),
    kill("ptrace", OTHER_PROCESS),
    kill("process_vm_readv", OTHER_PROCESS),
    kill("process_vm_writev", OTHER_PROCESS),
    kill("process_madvise", OTHER_PROCESS),
    kill("kcmp", OTHER_PROCESS),
    kill("pidfd_open", OTHER_PROCESS),
    kill("pidfd_getfd", OTHER_PROCESS),
    kill("pidfd_send_signal", SIGNAL),
    kill("rt_sigqueueinfo", SIGNAL),
    kill("rt_tgsigqueueinfo", SIGNAL),
    kill("setuid", IDENTITY),
    kill("setgid", IDENTITY),
    kill("setreuid", IDENTITY),
    kill("setregid", IDENTITY),
    kill("setresuid", IDENTITY),
    kill("setresgid", IDENTITY),
    kill("setfsuid", IDENTITY),
    kill("setfsgid", IDENTITY),
    kill("setgroups", IDENTITY),
    kill("capset", IDENTITY),
    kill("unshare", NAMESPACE),
    kill("setns", NAMESPACE),
    kill("chroot", NAMESPACE),
    kill("pivot_root", NAMESPACE),
    kill("open_by_handle_at", NAMESPACE),
    kill("mount", MOUNT),
    kill("umount2", MOUNT),
    kill("mount_setattr", MOUNT),
    kill("move_mount", MOUNT),
    kill("open_tree", MOUNT),
    kill("fsopen", MOUNT),
    kill("fsconfig", MOUNT),
    kill("fsmount", MOUNT),
    kill("fspick", MOUNT),
    kill("bpf", KERNEL),
    kill("perf_event_open", KERNEL),
    kill("userfaultfd", KERNEL),
    kill("init_module", KERNEL),
    kill("finit_module", KERNEL),
    kill("delete_module", KERNEL),
    kill("kexec_load", KERNEL),
    kill("kexec_file_load", KERNEL),
    kill("reboot", KERNEL),
    kill("swapon", KERNEL),
    kill("swapoff", KERNEL),
    kill("acct", KERNEL),
    kill("quotactl", KERNEL),
    kill("syslog", KERNEL),
    kill("sethostname", KERNEL),
    kill("setdomainname", KERNEL),
    kill("settimeofday", KERNEL),
    kill("clock_settime", KERNEL),
    kill("clock_adjtime", KERNEL),
    kill("adjtimex", KERNEL),
    kill("vhangup", KERNEL),
    kill("fanotify_init", KERNEL),
    kill("add_key", KEYS),
    kill("request_key", KEYS),
    kill("keyctl", KEYS),
    kill("seccomp", PROTECTION),
    kill("personality", PROTECTION),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_DUMPABLE)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_PTRACER)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_SECCOMP)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_MM)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_SECUREBITS)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_SET_KEEPCAPS)]),
    kill("prctl", PROTECTION).when(&[is!(0, option = libc::PR_CAP_AMBIENT)]),
    refuse(
        "io_uring_setup",
        libc::ENOSYS,
        "a ring makes the kernel do what seccomp never sees; libuv takes epoll instead",
    ),
    kill("io_uring_enter", RING),
    kill("io_uring_register", RING),
    kill("iopl", RAW).on_x86_64(),
    kill("ioperm", RAW).on_x86_64(),
    kill("modify_ldt", RAW).on_x86_64(),
];
