//! What the process does to itself at the very start: no core dumps, no tracing by others of its user, private files,
//! and an allocator that gives memory back.
//!
//! Secrets live in this memory, so it must not end up in a file (setrlimit(2) `RLIMIT_CORE`, prctl(2) `PR_SET_DUMPABLE`).

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use tokio::signal::unix::SignalKind;

/// What glibc's allocator is told, and can only be told before a program begins
/// (<https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html>, read 2026-11).
pub const TUNABLES: &str = "GLIBC_TUNABLES";
/// Two heaps: what the database takes for an answer goes back whole, because nothing that stays lies in between. Answers
/// have mappings of their own, that go with them; what is free at the end of a heap goes back at once, and little that is
/// free is kept aside. By itself the allocator learns from the first answer of a megabyte to keep several.
const TUNED: &str = "glibc.malloc.arena_max=2:glibc.malloc.mmap_threshold=32768:glibc.malloc.trim_threshold=32768:\
                     glibc.malloc.top_pad=4096:glibc.malloc.tcache_count=1:glibc.malloc.mxfast=0";
/// Says that the program has begun anew: the loader removes [`TUNABLES`] from the environment of a privileged one.
const BEGUN_ANEW: &str = "BANKSYNCD_BEGUN_ANEW";

/// Lets the program begin anew in the same process, with an allocator that is told to keep little memory: half of what a
/// daemon has that waits for tomorrow would else be left over from today. Nothing happens where somebody has set the
/// tunables already, and where it does not work the program goes on as it is.
///
/// Call it before anything has happened.
pub fn keep_memory_small() {
    let set = |name| env::var_os(name).is_some();
    if !cfg!(target_env = "gnu") || set(TUNABLES) || set(BEGUN_ANEW) {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only when it has failed.
    let _failed = again.args(arguments).env(TUNABLES, TUNED).env(BEGUN_ANEW, "1").exec();
}

/// Closes the process towards the outside; call it before any secret is read and before any file is made.
///
/// # Errors
/// The kernel refused; a daemon with secrets should then not go on.
pub fn harden() -> io::Result<()> {
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// Makes a write past `RLIMIT_FSIZE` fail with an error, like a full disk, instead of ending the process.
///
/// Ignoring `SIGXFSZ` needs an unsafe call; a handler that does nothing has the same effect and stays for the life of the
/// process. Call it inside the runtime.
///
/// # Errors
/// The handler could not be installed.
pub fn survive_file_size_limit() -> io::Result<()> {
    tokio::signal::unix::signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

/// The most memory that this process ever had resident, in bytes (`proc_pid_status(5)`, `VmHWM`); `None` where the system does
/// not tell.
pub fn resident_bytes_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

/// What this process has taken of processors so far, in its own code and in the kernel's, in milliseconds
/// (`proc_pid_stat(5)`); `None` where the system does not tell.
pub fn cpu_ms() -> Option<u64> {
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in brackets, and may have any.
    let (_name, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<u64> = rest
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse().ok())
        .collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<u64>().saturating_mul(TICK_MS))
}

/// Sets the largest file, in bytes, that this process may write; `None` for any size. With
/// [`survive_file_size_limit`] it is what a full disk is to everything that writes.
///
/// # Errors
/// The kernel refused.
pub fn limit_file_size(bytes: Option<u64>) -> io::Result<()> {
    let maximum = rustix::process::getrlimit(Resource::Fsize).maximum;
    Ok(rustix::process::setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILD: &str = "BANKSYNCD_TEST_HARDEN_CHILD";
    const TEST: &str = "BANKSYNCD_TEST_MEMORY_CHILD";

    #[test]
    #[cfg(target_env = "gnu")]
    fn the_program_begins_anew_once_with_the_same_arguments() {
        let name = "systemd::process::tests::the_program_begins_anew_once_with_the_same_arguments";
        let tuned = env::var_os(TUNABLES).map(|text| text.into_string().unwrap());
        match env::var_os(TEST).map(|case| case.into_string().unwrap()).as_deref() {
            None => {
                for (case, tunables) in
                    [("anew", None), ("left alone", Some("glibc.malloc.check=0"))]
                {
                    let mut child = Command::new(env::current_exe().unwrap());
                    child.args(["--exact", name]).env(TEST, case).env_remove(TUNABLES);
                    let child = child.envs(tunables.map(|text| (TUNABLES, text))).output().unwrap();
                    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
                }
            }
            Some("anew") => {
                let begun = env::var_os(BEGUN_ANEW).is_some();
                keep_memory_small();
                assert!(begun && tuned.as_deref() == Some(TUNED));
                assert_eq!(env::args().skip(1).collect::<Vec<_>>(), ["--exact", name]);
            }
            Some(_left_alone) => {
                keep_memory_small();
                assert_eq!(tuned.as_deref(), Some("glibc.malloc.check=0"));
                assert!(env::var_os(BEGUN_ANEW).is_none());
            }
        }
    }

    #[test]
    fn a_hardened_process_dumps_no_core_and_survives_the_file_size_limit() {
        if env::var_os(CHILD).is_none() {
            let child = Command::new(env::current_exe().unwrap())
                .args(["--exact", "systemd::process::tests::a_hardened_process_dumps_no_core_and_survives_the_file_size_limit"])
                .env(CHILD, "1")
                .output()
                .unwrap();
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
            return;
        }
        harden().unwrap();
        assert_eq!(rustix::process::getrlimit(Resource::Core).maximum, Some(0));
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _guard = runtime.enter();
        survive_file_size_limit().unwrap();
        rustix::process::setrlimit(Resource::Fsize, Rlimit { current: Some(10), maximum: None })
            .unwrap();
        assert!(std::fs::write(&path, [0; 100]).is_err());
    }
}
