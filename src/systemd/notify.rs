//! Telling the service manager how we are: `sd_notify(3)`, a datagram to `$NOTIFY_SOCKET`, nothing at all without one.
//!
//! The socket's address is read by the `sd-notify` crate. A failure to notify never stops the daemon; the caller logs it.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;

/// Longest status text, in characters; systemd shows one line.
const STATUS_CHARS_MAX: usize = 512;

/// Whether a service manager listens at all.
pub fn is_heard() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Start-up is finished.
///
/// # Errors
/// The datagram could not be sent.
pub fn ready(status: &str) -> io::Result<()> {
    let status = one_line(status);
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)])
}

/// Up and at work, after [`reloading`]; the status text stays.
///
/// # Errors
/// The datagram could not be sent.
pub fn running() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready])
}

/// The configuration is being read again; [`running`] follows, whether it was good or bad.
///
/// # Errors
/// The datagram could not be sent, or the monotonic clock not read.
pub fn reloading() -> io::Result<()> {
    // `Type=notify-reload` needs the time beside the word (systemd.service(5)).
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// The daemon goes down in good order.
///
/// # Errors
/// The datagram could not be sent.
pub fn stopping(status: &str) -> io::Result<()> {
    let status = one_line(status);
    sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status(&status)])
}

/// What `systemctl status` shows; must hold no personal data.
///
/// # Errors
/// The datagram could not be sent.
pub fn status(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Status(&one_line(status))])
}

/// The work loop has made progress.
///
/// # Errors
/// The datagram could not be sent.
pub fn watchdog() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// How often to call [`watchdog`]: half of what the unit allows, as `sd_watchdog_enabled(3)` advises. `None`: no watchdog.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled()
        .and_then(|allowed| allowed.checked_div(2))
        .filter(|half| !half.is_zero())
}

/// A line break in a status would begin another assignment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(STATUS_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    use super::*;

    /// Names this test to the copy of the test program that it starts: an environment cannot be changed safely in place.
    const CHILD: &str = "BANKSYNCD_TEST_NOTIFY_CHILD";

    #[test]
    fn datagrams_arrive_and_nothing_happens_without_a_socket() {
        if std::env::var_os(CHILD).is_some() {
            ready("up\nREADY=0").unwrap();
            status(&"é".repeat(1_000)).unwrap();
            reloading().unwrap();
            watchdog().unwrap();
            stopping("bye").unwrap();
            assert_eq!(watchdog_interval(), Some(Duration::from_millis(1_500)));
            return;
        }
        ready("nobody listens").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "systemd::notify::tests::datagrams_arrive_and_nothing_happens_without_a_socket",
            ])
            .env(CHILD, "1")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "3000000")
            .env_remove("WATCHDOG_PID")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        socket.set_nonblocking(true).unwrap();
        let receive = || {
            let mut buffer = [0; 4_096];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!(receive(), "READY=1\nSTATUS=up READY=0\n");
        assert!(receive().chars().count() <= STATUS_CHARS_MAX + 8);
        let reloading = receive();
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(receive(), "WATCHDOG=1\n");
        assert_eq!(receive(), "STOPPING=1\nSTATUS=bye\n");
    }
}
