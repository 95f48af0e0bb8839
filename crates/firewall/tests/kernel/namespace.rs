//! One network namespace per test, gone with its thread; and `nft` in it.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

/// Runs a test in a new network namespace with `lo` up. `name` is the test's full path, for the run as root of a
/// user namespace that an ordinary user's test does in a child process: a process with threads cannot enter one.
pub fn run(name: &str, test: impl FnOnce()) {
    if is_root() {
        unshare(libc::CLONE_NEWNET).expect("unshare");
        set_loopback_up();
        test();
        return;
    }
    let (uid, gid) = (user(), group());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]);
    let enter = move || {
        unshare(libc::CLONE_NEWUSER)?;
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
    };
    // SAFETY: between fork and exec `enter` only makes system calls and small allocations; glibc's malloc is
    // usable in a forked child.
    unsafe { command.pre_exec(enter) };
    let status = command.status().expect("run in a user namespace");
    assert!(status.success(), "{name} failed in a user namespace");
}

fn is_root() -> bool {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn user() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

fn group() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getgid() }
}

fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: it changes this thread's namespaces, no memory.
    let failed = unsafe { libc::unshare(flags) } != 0;
    if failed {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn set_loopback_up() {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("socket");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
    let mut name = [0; libc::IFNAMSIZ];
    name[0] = b'l' as libc::c_char;
    name[1] = b'o' as libc::c_char;
    let request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: libc::IFF_UP as libc::c_short,
        },
    };
    // SAFETY: the request is a whole ifreq, alive until the call returns.
    let failed = unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request) };
    assert_eq!(failed, 0, "lo up");
}

/// Loads a ruleset with `nft -f -`.
pub fn nft(ruleset: &str) {
    let error = nft_error(ruleset);
    assert!(error.is_none(), "{}\n{ruleset}", error.unwrap_or_default());
}

/// What `nft -f -` complains about; `None`: nothing.
pub fn nft_error(ruleset: &str) -> Option<String> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nft");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(ruleset.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(text)
}

/// `nft list ruleset`.
pub fn list() -> String {
    let output = Command::new("nft").args(["list", "ruleset"]).output();
    String::from_utf8(output.expect("nft").stdout).unwrap()
}

/// The sets' names and handles: another handle is another set.
pub fn set_handles() -> Vec<String> {
    let output = Command::new("nft").args(["-a", "list", "sets"]).output();
    let text = String::from_utf8(output.expect("nft").stdout).unwrap();
    let sets = text.lines().filter(|line| line.contains("set letmein-"));
    let mut sets: Vec<_> = sets.map(|line| line.trim().to_owned()).collect();
    sets.sort();
    sets
}
