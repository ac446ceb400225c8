//! A machine of our own: Debian's base system on an overlay, booted by systemd-nspawn with its own systemd, journal, network
//! and clock of processes. Everything is gone when it is dropped.
//!
//! The switches of systemd-nspawn: `--register=no --keep-unit`, because the host need not run systemd; the system calls and
//! the capability, because nspawn's own filter would keep the service from locking memory and from filtering packets.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The release that the package is for; `BANKSYNCD_RELEASE` names another one, to see how it does there.
const RELEASE: &str = "bookworm";
/// Beyond the smallest system: what every Debian machine with a network daemon has, and the other distributions' installer.
const INCLUDE: &str = "--include=systemd,systemd-sysv,dbus,ca-certificates,procps,rpm";

/// What a command came to.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// Looks until there is something, and returns it.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    wait_or_tell(what, || look().ok_or_else(String::new))
}

/// The same, where a look says what is not so yet.
#[track_caller]
pub(crate) fn wait_or_tell<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(told) => assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}: {told}"),
        }
        std::thread::park_timeout(LOOK);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test against a real machine waits in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Runs a program of the host, which must end well.
#[track_caller]
pub(crate) fn host(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let said = Said::from(output.unwrap_or_else(|error| panic!("{program}: {error}")));
    assert_eq!(said.code, 0, "{program} {arguments:?}\n{}\n{}", said.out, said.err);
    said.out
}

/// The base system as a tarball: made once, kept beside the build, or where `BANKSYNCD_BASE` says.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let release = given("BANKSYNCD_RELEASE").unwrap_or_else(|| RELEASE.to_owned());
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{release}-rpm.tar"));
        let tarball = given("BANKSYNCD_BASE").map_or(kept, PathBuf::from);
        if !tarball.exists() {
            make_base(&tarball, &release);
        }
        tarball
    })
}

/// What the environment says.
fn given(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

fn make_base(tarball: &Path, release: &str) {
    let begun = now();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let mirror = given("BANKSYNCD_MIRROR");
    let mirror = mirror.as_deref().unwrap_or("http://deb.debian.org/debian");
    host("debootstrap", &["--variant=minbase", INCLUDE, release, root.to_str().unwrap(), mirror]);
    // The base is for many machines: each makes its own identity, and the smallest system knows no localhost.
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n").unwrap();
    fs::write(root.join("etc/machine-id"), "").unwrap();
    fs::create_dir_all(root.join("var/log/journal")).unwrap();
    host(
        "sh",
        &[
            "-c",
            "rm -rf \"$1\"/var/cache/apt/* \"$1\"/var/lib/apt/lists/*",
            "sh",
            root.to_str().unwrap(),
        ],
    );
    let new = tarball.with_extension("new");
    host(
        "tar",
        &[
            "--numeric-owner",
            "--xattrs",
            "-C",
            root.to_str().unwrap(),
            "-cf",
            new.to_str().unwrap(),
            ".",
        ],
    );
    fs::rename(new, tarball).unwrap();
    eprintln!("the base system was made in {:.1?}", begun.elapsed());
}

/// A booted machine.
pub(crate) struct Machine {
    work: PathBuf,
    nspawn: Child,
    init: String,
}

impl Machine {
    /// Boots a fresh machine; the files of `share` are at `/share` inside.
    pub(crate) fn boot(share: &Path) -> Self {
        let name =
            format!("banksyncd-booted-{}-{:?}", std::process::id(), std::thread::current().id());
        let name: String = name
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
            .collect();
        let work = std::env::temp_dir().join(&name);
        fs::create_dir(&work).unwrap();
        let path = work.to_str().unwrap();
        host("mount", &["-t", "tmpfs", "-o", "size=1200m,mode=0755", "tmpfs", path]);
        for folder in ["base", "upper", "work", "root", "share"] {
            fs::create_dir(work.join(folder)).unwrap();
        }
        host("tar", &["--xattrs", "-C", &format!("{path}/base"), "-xf", base().to_str().unwrap()]);
        let layers = format!("lowerdir={path}/base,upperdir={path}/upper,workdir={path}/work");
        host("mount", &["-t", "overlay", "overlay", "-o", &layers, &format!("{path}/root")]);
        for entry in fs::read_dir(share).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), work.join("share").join(entry.file_name())).unwrap();
        }
        let mut machine = Self { nspawn: spawn(&work, &name), work, init: String::new() };
        machine.wait_until_up();
        machine
    }

    fn wait_until_up(&mut self) {
        wait_for("the machine to be up", || {
            // The first child of nspawn only prepares; it is followed by the machine's first process.
            self.init = children(self.nspawn.id()).into_iter().next()?;
            let state = self.sh("systemctl is-system-running || true").out;
            ["running", "degraded"].contains(&state.trim()).then_some(())
        });
    }

    /// Cuts the power and boots again from the same disk: nothing has time to end in good order. Killing nspawn alone would
    /// leave the old system alive.
    pub(crate) fn crash_and_boot(&mut self) {
        host("kill", &["-KILL", &self.init]);
        self.nspawn.wait().unwrap();
        self.forget_groups();
        self.nspawn = spawn(&self.work, self.name());
        self.wait_until_up();
    }

    fn name(&self) -> &str {
        self.work.file_name().unwrap().to_str().unwrap()
    }

    fn forget_groups(&self) {
        drop(Command::new("sh").args(["-uc", FORGET, self.name()]).output());
    }

    /// Runs a script inside, as root.
    pub(crate) fn sh(&self, script: &str) -> Said {
        self.shell(script).stdin(Stdio::null()).output().unwrap().into()
    }

    /// The command that runs a script inside. The time limit is inside, too: a hang must not outlive nsenter.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.init, "-a", "timeout", "120", "sh", "-euc", script])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Runs a script inside, which must end well, and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, script: &str) -> String {
        let said = self.sh(script);
        assert_eq!(said.code, 0, "{script}\n{}\n{}\n{}", said.out, said.err, self.journal_end());
        said.out
    }

    /// Asks a server inside, with the host's curl: only the network is the machine's.
    #[track_caller]
    pub(crate) fn curl(&self, arguments: &[&str]) -> String {
        let mut all =
            vec!["-t", &self.init, "-n", "curl", "-sS", "--noproxy", "*", "--max-time", "20"];
        all.extend(arguments);
        host("nsenter", &all)
    }

    /// A file of the machine, from outside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.work.join("root").join(inside.trim_start_matches('/'))
    }

    /// What is `/share/NAME` inside, from outside.
    pub(crate) fn shared(&self, name: &str) -> PathBuf {
        self.work.join("share").join(name)
    }

    /// The host's number of a process of the machine.
    pub(crate) fn host_pid(&self, inside: u32) -> String {
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let ours = namespace(&self.init);
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let found =
            pids.filter(|pid| pid.bytes().all(|digit| digit.is_ascii_digit())).find(|pid| {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
                let last = numbers.and_then(|numbers| numbers.split_whitespace().last());
                last == Some(inside.to_string().as_str()) && namespace(pid) == ours
            });
        found.unwrap_or_else(|| panic!("process {inside} of the machine is not there"))
    }

    fn journal_end(&self) -> String {
        self.sh("journalctl --no-pager -n 40 -o short-monotonic").out
    }
}

fn children(pid: u32) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

/// Puts the shell into control groups of its own, of whichever version, and becomes systemd-nspawn: machines that share a
/// control group kill each other's processes and inherit each other's packet filters.
const ALONE: &str = r#"
for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -e "$place/cgroup.procs" ]; then
        mkdir "$place/$0"
        echo $$ > "$place/$0/cgroup.procs"
    fi
done
exec systemd-nspawn "$@"
"#;

/// Removes those control groups, as soon as the last of their processes is gone.
const FORGET: &str = r#"
for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    for look in $(seq 100); do
        [ -d "$place/$0" ] || break
        find "$place/$0" -depth -type d -exec rmdir {} + || sleep 0.05
    done
done
"#;

fn spawn(work: &Path, name: &str) -> Child {
    let console = File::create(work.join("console")).unwrap();
    Command::new("sh")
        .args(["-euc", ALONE, name, "-D"])
        .arg(work.join("root"))
        .args(["--boot", "--register=no", "--keep-unit", "--console=pipe", "--private-network"])
        .args(["--kill-signal=SIGRTMIN+3", "--capability=CAP_IPC_LOCK"])
        .arg("--system-call-filter=@memlock @keyring bpf")
        .arg(format!("--machine={name}"))
        .arg(format!("--bind-ro={}:/share", work.join("share").display()))
        .stdin(Stdio::null())
        .stdout(console.try_clone().unwrap())
        .stderr(console)
        .spawn()
        .unwrap()
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Whatever fails here is gone already. The machine's first process goes before nspawn, or it would live on.
        for child in children(self.nspawn.id()) {
            drop(Command::new("kill").args(["-KILL", &child]).output());
        }
        drop(self.nspawn.kill());
        drop(self.nspawn.wait());
        self.forget_groups();
        for place in [self.work.join("root"), self.work.clone()] {
            drop(Command::new("umount").args(["--lazy", place.to_str().unwrap()]).output());
        }
        drop(fs::remove_dir(&self.work));
    }
}
