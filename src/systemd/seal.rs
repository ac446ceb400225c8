//! Encrypted credentials and the unit's drop-in that names them, for `init`: what only the service manager's own tools can do.
//!
//! `systemd-creds` binds a value to this machine (its TPM where there is one, and a key in /var/lib/systemd) and to a name
//! (systemd-creds(1)). Values reach it by a pipe, never by arguments; its environment is empty.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::model::secret::Secret;

/// Where encrypted credentials are (systemd.exec(5)).
pub const STORE: &str = "/etc/credstore.encrypted";

/// Exists while systemd runs as the service manager (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";

/// Where programs of the system are; nobody's `$PATH` decides to whom a secret is given.
const TOOL_FOLDERS: [&str; 2] = ["/usr/bin", "/bin"];

/// The program that encrypts, if this machine has one (systemd 250 and later).
pub fn tool() -> Option<PathBuf> {
    find("systemd-creds")
}

/// Whether systemd runs this machine.
pub fn is_booted() -> bool {
    Path::new(BOOTED).is_dir()
}

/// Encrypts a value for the credential of this name.
///
/// # Errors
/// The program could not be run or refused; what it said is in the error.
pub fn encrypt(tool: &Path, name: &str, value: &Secret) -> io::Result<Vec<u8>> {
    let mut child = Command::new(tool)
        .args(["--name", name, "encrypt", "-", "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A program that refuses may end before it has read anything; what it said is worth more than the broken pipe.
    let written = match child.stdin.take() {
        Some(mut pipe) => pipe.write_all(value.expose().as_bytes()),
        None => Ok(()),
    };
    let sealed = outcome(child.wait_with_output()?)?;
    written.map(|()| sealed)
}

/// Opens the encrypted credential of this name; only root can.
///
/// # Errors
/// The program could not be run or refused: the file is of another machine or name, or damaged.
pub fn decrypt(tool: &Path, name: &str, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let output = Command::new(tool)
        .args(["--name", name, "decrypt"])
        .arg(path)
        .arg("-")
        .env_clear()
        .stdin(Stdio::null())
        .output()?;
    outcome(output).map(Zeroizing::new)
}

/// Makes systemd read its units again.
///
/// # Errors
/// There is no `systemctl`, or it refused.
pub fn daemon_reload() -> io::Result<()> {
    let tool = find("systemctl").ok_or(io::ErrorKind::NotFound)?;
    let output = Command::new(tool).arg("daemon-reload").stdin(Stdio::null()).output()?;
    outcome(output).map(drop)
}

/// A program of the system by its name.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    TOOL_FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

fn outcome(output: std::process::Output) -> io::Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {}", output.status, said.trim())))
}

/// Where the unit finds a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file that `systemd-creds` made.
    Sealed(PathBuf),
    /// A file with the value itself.
    Plain(PathBuf),
}

/// The drop-in for a unit whose credentials are in these places; it replaces what the unit says.
pub fn drop_in<'a>(credentials: impl Iterator<Item = (&'a str, &'a Source)>) -> String {
    let mut text = String::from(
        "# Written by `banksyncd init`: where the credentials are on this machine.\n\
         [Service]\n\
         LoadCredential=\n",
    );
    for (name, source) in credentials {
        // Writing to a String cannot fail.
        match source {
            Source::Sealed(path) => {
                writeln!(text, "LoadCredentialEncrypted={name}:{}", path.display())
            }
            Source::Plain(path) => writeln!(text, "LoadCredential={name}:{}", path.display()),
        }
        .unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_what_the_program_said() {
        let error = encrypt(Path::new("/bin/false"), "x", &Secret::new("marker".into()));
        // It may end before it has read anything.
        let told = error.unwrap_err().to_string();
        assert!(!told.contains("marker"), "{told}");
        assert!(encrypt(Path::new("/nowhere/tool"), "x", &Secret::new("y".into())).is_err());
    }

    #[test]
    fn the_drop_in_replaces_what_the_unit_says() {
        let sealed = Source::Sealed("/etc/credstore.encrypted/banksyncd.a".into());
        let plain = Source::Plain("/etc/banksyncd/credentials/b".into());
        let text = drop_in([("a", &sealed), ("b", &plain)].into_iter());
        assert!(text.ends_with(
            "[Service]\nLoadCredential=\n\
             LoadCredentialEncrypted=a:/etc/credstore.encrypted/banksyncd.a\n\
             LoadCredential=b:/etc/banksyncd/credentials/b\n"
        ));
    }
}
