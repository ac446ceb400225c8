//! What the process does to itself at the very start: no core dumps, no tracing by others of its user, private files.
//!
//! Secrets live in this memory, so it must not end up in a file (setrlimit(2) `RLIMIT_CORE`, prctl(2) `PR_SET_DUMPABLE`).

use std::io;

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use tokio::signal::unix::SignalKind;

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
    use std::process::Command;

    use super::*;

    const CHILD: &str = "BANKSYNCD_TEST_HARDEN_CHILD";

    #[test]
    fn a_hardened_process_dumps_no_core_and_survives_the_file_size_limit() {
        if std::env::var_os(CHILD).is_none() {
            let child = Command::new(std::env::current_exe().unwrap())
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
