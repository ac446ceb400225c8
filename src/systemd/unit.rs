//! Units as they are on this machine: which file is in force, what drop-ins make of it, and how that differs from the unit
//! that came with this version.
//!
//! Files are read as systemd.unit(5) says, in the order of its folders; nothing is asked of the service manager but what no
//! file tells. Only settings of the sandbox are judged: what else an administrator changes is his own matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::seal;

/// The unit of the package.
pub const UNIT: &str = include_str!("../../systemd/banksyncd.service");
/// The unit of its instances.
pub const INSTANCE: &str = include_str!("../../systemd/banksyncd@.service");

/// Where units are, the strongest first (systemd.unit(5), "Unit File Load Path").
const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// Settings whose words each take something away: more of them is stricter. A word that begins with `~` counts by itself.
const DENYING: [&str; 3] = ["NoExecPaths", "InaccessiblePaths", "ReadOnlyPaths"];
/// What may be run.
const RUNNABLE: &str = "ExecPaths";
/// Settings whose words each allow something: fewer of them is stricter, and none at all may mean everything.
const ALLOWING: [&str; 7] = [
    RUNNABLE,
    "ReadWritePaths",
    "DeviceAllow",
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "RestrictAddressFamilies",
    "SystemCallArchitectures",
];
/// Settings with one value, which has to be ours.
const EXACT: [&str; 27] = [
    "DynamicUser",
    "DevicePolicy",
    "Group",
    "KeyringMode",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateMounts",
    "PrivateTmp",
    "PrivateUsers",
    "ProcSubset",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "UMask",
    "User",
];

/// Longest name of an instance.
pub const INSTANCE_CHARS_MAX: usize = 32;

/// The service or one of its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `banksyncd.service` or `banksyncd@NAME.service`.
    pub unit: String,
    /// `banksyncd` or `banksyncd-NAME`: the name of its folders.
    pub folder: String,
    /// `NAME`.
    pub instance: Option<String>,
}

impl Name {
    /// Of the service, or of an instance of it.
    pub fn new(instance: Option<&str>) -> Self {
        let (unit, folder) = match instance {
            Some(name) => (format!("banksyncd@{name}.service"), format!("banksyncd-{name}")),
            None => ("banksyncd.service".to_owned(), "banksyncd".to_owned()),
        };
        Self { unit, folder, instance: instance.map(ToOwned::to_owned) }
    }

    /// By the place of its configuration; `None` for one that is not where a package has it.
    pub fn of_config(config: &Path) -> Option<Self> {
        let inside = config.strip_prefix("/etc").ok()?;
        let folder = inside.parent()?.to_str()?;
        let instance = match folder.strip_prefix("banksyncd")? {
            "" => None,
            rest => Some(rest.strip_prefix('-').filter(|name| is_instance(name))?),
        };
        (config.file_name()? == "config.toml").then(|| Self::new(instance))
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        Path::new("/run").join(&self.folder).join("control.sock")
    }

    /// What the service manager is told to do with it.
    pub fn systemctl(&self, word: &str) -> String {
        format!("systemctl {word} {}", self.unit.trim_end_matches(".service"))
    }

    fn files(&self) -> Vec<String> {
        let template = self.instance.as_ref().map(|_| "banksyncd@.service".to_owned());
        [Some(self.unit.clone()), template].into_iter().flatten().collect()
    }

    /// The text that came with this version.
    fn shipped(&self) -> &'static str {
        if self.instance.is_some() { INSTANCE } else { UNIT }
    }
}

/// What the service manager is told to do with the daemon; by hand the daemon itself.
pub fn systemctl(word: &str, service: Option<&Name>) -> String {
    service.map_or_else(|| "banksyncd run".to_owned(), |name| name.systemctl(word))
}

/// Whether a name is one folder, and stands in a unit's name without escapes.
pub fn is_instance(name: &str) -> bool {
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.is_empty() && name.len() <= INSTANCE_CHARS_MAX && name.chars().all(good)
}

/// What is wrong with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// It is linked to nothing, so that it cannot be started.
    Masked(PathBuf),
    /// A copy in the administrator's folder hides the packaged one.
    Hidden(PathBuf),
    /// The packaged file is not the one of this version.
    Changed(PathBuf),
    /// A file cannot be read.
    Unreadable(PathBuf),
}

/// A setting of the sandbox that is weaker than it was shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weaker {
    /// Such as `ProtectSystem`.
    pub setting: String,
    /// The file that made it so.
    pub by: PathBuf,
}

/// A unit as it is on a machine.
#[derive(Debug, Default)]
pub struct Found {
    /// The file in force.
    pub file: PathBuf,
    /// What is wrong with it.
    pub drift: Option<Drift>,
    /// What it and its drop-ins leave open.
    pub weaker: Vec<Weaker>,
    /// Programs that drop-ins let it run besides its own.
    pub programs: Vec<String>,
}

/// Looks for a unit below `root`, which is `/` but for tests; `None` if it is not installed.
pub fn find(root: &Path, name: &Name) -> Option<Found> {
    let file = FOLDERS.iter().find_map(|folder| {
        let place = |file: String| root.join(folder).join(file);
        name.files().into_iter().map(place).find(|path| fs::symlink_metadata(path).is_ok())
    })?;
    let masked = fs::canonicalize(&file).is_ok_and(|target| target == Path::new("/dev/null"));
    if masked {
        return Some(Found { drift: Some(Drift::Masked(file.clone())), file, ..Found::default() });
    }
    let Ok(text) = fs::read_to_string(&file) else {
        let drift = Some(Drift::Unreadable(file.clone()));
        return Some(Found { file, drift, ..Found::default() });
    };
    let by_hand = FOLDERS.iter().take(2).any(|folder| file.starts_with(root.join(folder)));
    let drift = (text != name.shipped()).then(|| {
        let what = if by_hand { Drift::Hidden } else { Drift::Changed };
        what(file.clone())
    });
    let mut settings = Settings::default();
    settings.read(&text, &file);
    for path in drop_ins(root, name) {
        match fs::read_to_string(&path) {
            Ok(text) => settings.read(&text, &path),
            Err(_unreadable) => {
                let drift = Some(Drift::Unreadable(path));
                return Some(Found { file, drift, ..Found::default() });
            }
        }
    }
    let mut ours = Settings::default();
    ours.read(name.shipped(), &file);
    let programs = settings.programs(root, &ours);
    let weaker = settings.weaker_than(&ours, &file, &programs);
    Some(Found { file, drift, weaker, programs })
}

/// The drop-ins of a unit in the order in which they apply: by their names, of equal names the strongest only.
fn drop_ins(root: &Path, name: &Name) -> Vec<PathBuf> {
    let mut found: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    let folders = name.files().into_iter().chain(["service".to_owned()]);
    for unit in folders {
        for folder in FOLDERS {
            let folder = root.join(folder).join(format!("{unit}.d"));
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().extension().is_some_and(|ending| ending == "conf") {
                    found.entry(entry.file_name()).or_insert_with(|| entry.path());
                }
            }
        }
    }
    found.into_values().collect()
}

/// The values of every setting of `[Service]` and the file that gave the last of them.
#[derive(Debug, Default)]
struct Settings(BTreeMap<String, (Vec<String>, PathBuf)>);

impl Settings {
    /// Adds what a file says. An empty value takes back what was said before.
    fn read(&mut self, text: &str, path: &Path) {
        let mut ours = false;
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().map(str::trim) {
            if line.starts_with('[') {
                ours = line == "[Service]";
                continue;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| ours) else { continue };
            if key.starts_with(['#', ';']) {
                continue;
            }
            let (values, by) = self.0.entry(key.trim().to_owned()).or_default();
            path.clone_into(by);
            if value.trim().is_empty() {
                values.clear();
            }
            values.push(value.trim().to_owned());
        }
    }

    fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], |(values, _)| values)
    }

    fn words(&self, key: &str) -> Vec<&str> {
        self.values(key).iter().flat_map(|value| value.split_whitespace()).collect()
    }

    /// One value in one spelling.
    fn last(&self, key: &str) -> &str {
        match self.values(key).last().map_or("", String::as_str) {
            "true" | "1" | "on" => "yes",
            "false" | "0" | "off" => "no",
            other => other,
        }
    }

    /// Single files that may be run besides `ours`, as `[[notify]]` needs them.
    fn programs(&self, root: &Path, ours: &Self) -> Vec<String> {
        let known = ours.words(RUNNABLE);
        let path = |word: &str| word.trim_start_matches(['-', '+']).to_owned();
        let more = self.words(RUNNABLE).into_iter().filter(|word| !known.contains(word)).map(path);
        more.filter(|path| root.join(path.trim_start_matches('/')).is_file()).collect()
    }

    /// What is left open that `ours` does not leave open, but for single programs.
    fn weaker_than(&self, ours: &Self, file: &Path, programs: &[String]) -> Vec<Weaker> {
        let exact = EXACT.into_iter().filter(|key| self.last(key) != ours.last(key));
        let denying = DENYING.into_iter().filter(|key| {
            let here = self.words(key);
            !ours.words(key).iter().all(|word| here.contains(word))
        });
        let allowing = ALLOWING.into_iter().filter(|key| self.allows_more(key, ours, programs));
        let calls =
            ["SystemCallFilter"].into_iter().filter(|key| self.lets_more_through(key, ours));
        let by = |key: &str| self.0.get(key).map_or_else(|| file.to_owned(), |(_, by)| by.clone());
        let weaker = |key: &str| Weaker { setting: key.to_owned(), by: by(key) };
        exact.chain(denying).chain(allowing).chain(calls).map(weaker).collect()
    }

    /// A setting that is not there at all, or that denies (`~`) instead of allowing, leaves everything open.
    fn allows_more(&self, key: &str, ours: &Self, programs: &[String]) -> bool {
        if self.values(key) == ours.values(key) {
            return false;
        }
        let (here, there) = (self.words(key), ours.words(key));
        let silent = self.values(key).is_empty() && !ours.values(key).is_empty();
        let known = |word: &str| {
            let path = word.trim_start_matches(['-', '+']);
            there.contains(&word) || (key == RUNNABLE && programs.iter().any(|known| known == path))
        };
        silent || !here.into_iter().all(known)
    }

    /// A filter is a list that allows, then lists that deny.
    fn lets_more_through(&self, key: &str, ours: &Self) -> bool {
        let here = self.values(key);
        let allows = |value: &&String| !value.is_empty() && !value.starts_with('~');
        let denied = |values: &[String]| -> Vec<String> {
            let lists = values.iter().filter_map(|value| value.strip_prefix('~'));
            lists.flat_map(str::split_whitespace).map(ToOwned::to_owned).collect()
        };
        let there = ours.values(key);
        let more = here.iter().filter(allows).any(|value| !there.contains(value));
        let now_denied = denied(here);
        more || !here.iter().any(|value| allows(&value))
            || !denied(there).iter().all(|word| now_denied.contains(word))
    }
}

/// Whether packages of this system are Debian's. The service sees `/etc` whatever its root is, and no package manager.
pub fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

/// What the service manager says of a unit; `None` where none runs, or it does not answer.
pub fn property(name: &Name, property: &str) -> Option<String> {
    if !seal::is_booted() {
        return None;
    }
    let tool = seal::find("systemctl")?;
    let output = Command::new(tool)
        .args(["show", "--property", property, "--value", &name.unit])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|_| output.status.success())
}

/// What the kernel does not hold a process of the service to, by the text of its `/proc/PID/status`; `None` if that does not
/// tell.
pub fn unenforced(status: &str) -> Option<Vec<&'static str>> {
    let of = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
    };
    let capabilities = u64::from_str_radix(of("CapBnd")?, 16).ok()?;
    let checks = [
        ("NoNewPrivileges", of("NoNewPrivs")? == "1"),
        ("SystemCallFilter", of("Seccomp")? == "2"),
        ("CapabilityBoundingSet", capabilities == 0),
    ];
    Some(checks.into_iter().filter_map(|(name, holds)| (!holds).then_some(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with the packaged unit.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        place(root.path(), "usr/lib/systemd/system/banksyncd.service", UNIT);
        place(root.path(), "usr/lib/systemd/system/banksyncd@.service", INSTANCE);
        root
    }

    fn place(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn drop_in(root: &Path, name: &str, text: &str) {
        let path = format!("etc/systemd/system/banksyncd.service.d/{name}.conf");
        place(root, &path, &format!("[Service]\n{text}"));
    }

    fn look(root: &Path) -> Found {
        find(root, &Name::new(None)).unwrap()
    }

    #[test]
    fn every_setting_of_the_sandbox_is_in_one_of_the_tables() {
        // What has nothing to do with what the process may do to others.
        const OTHER: [&str; 29] = [
            "Type",
            "NotifyAccess",
            "ExecStart",
            "ExecReload",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "WatchdogSec",
            "StateDirectory",
            "StateDirectoryMode",
            "RuntimeDirectory",
            "RuntimeDirectoryMode",
            "ConfigurationDirectory",
            "LoadCredential",
            "SetCredential",
            "LimitCORE",
            "LimitNOFILE",
            "LimitMEMLOCK",
            "MemoryMax",
            "MemorySwapMax",
            "TasksMax",
            "SystemCallFilter",
            "RemoveIPC",
            "StandardOutput",
            "StandardError",
            "Nice",
            "Slice",
        ];
        let mut settings = Settings::default();
        settings.read(UNIT, Path::new("x"));
        assert!(settings.0.len() > 40);
        for key in settings.0.keys().map(String::as_str) {
            let known = [&EXACT[..], &DENYING, &ALLOWING, &OTHER].iter().any(|t| t.contains(&key));
            assert!(known, "is `{key}` of the sandbox?");
        }
    }

    #[test]
    fn packaged_places_are_known() {
        let socket = |config: &str| Name::of_config(Path::new(config)).map(|own| own.socket());
        assert_eq!(
            socket("/etc/banksyncd/config.toml"),
            Some("/run/banksyncd/control.sock".into())
        );
        assert_eq!(
            socket("/etc/banksyncd-firm/config.toml"),
            Some("/run/banksyncd-firm/control.sock".into())
        );
        for other in [
            "/etc/banksyncd/other.toml",
            "/etc/banksyncd-/config.toml",
            "/etc/banksyncd-a-b/config.toml",
            "/etc/banksyncdx/config.toml",
            "/etc/x/banksyncd/config.toml",
            "/home/me/banksyncd/config.toml",
            "config.toml",
        ] {
            assert_eq!(socket(other), None, "{other}");
        }
    }

    #[test]
    fn the_packaged_unit_and_its_usual_drop_ins_are_as_shipped() {
        let root = machine();
        let found = look(root.path());
        assert!(found.drift.is_none() && found.weaker.is_empty(), "{found:?}");
        place(
            root.path(),
            "usr/lib/systemd/system/banksyncd.service.d/50-private-root.conf",
            include_str!("../../systemd/50-private-root.conf"),
        );
        drop_in(root.path(), "50-credentials", "LoadCredential=\nLoadCredential=a:/b\n");
        drop_in(
            root.path(),
            "own",
            "MemoryMax=1G\nIPAddressDeny=any\nInaccessiblePaths=/srv\nNoNewPrivileges=true\n\
             SystemCallFilter=~@mount\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX AF_INET\n",
        );
        let found = look(root.path());
        assert!(found.drift.is_none() && found.weaker.is_empty(), "{found:?}");
        assert!(found.programs.is_empty(), "{found:?}");
        // A program for `[[notify]]`; a folder of programs is another matter.
        place(root.path(), "usr/local/bin/tell", "");
        drop_in(root.path(), "notify", "ExecPaths=+/usr/local/bin/tell\n");
        let found = look(root.path());
        assert!(found.weaker.is_empty() && found.programs == ["/usr/local/bin/tell"], "{found:?}");
        let instance = find(root.path(), &Name::new(Some("x"))).unwrap();
        assert!(instance.drift.is_none() && instance.weaker.is_empty(), "{instance:?}");
        assert!(find(Path::new("/nowhere"), &Name::new(None)).is_none());
    }

    #[test]
    fn every_weaker_setting_is_seen_with_the_file_that_made_it_so() {
        for (setting, text) in [
            ("ProtectSystem", "ProtectSystem=full\n"),
            ("ProtectHome", "ProtectHome=no\n"),
            ("NoNewPrivileges", "NoNewPrivileges=off\n"),
            ("User", "User=root\n"),
            ("PrivateUsers", "PrivateUsers=\n"),
            ("NoExecPaths", "NoExecPaths=\n"),
            ("ExecPaths", "ExecPaths=/opt\n"),
            ("ExecPaths", "ExecPaths=/usr/lib/systemd\n"),
            ("ReadWritePaths", "ReadWritePaths=/srv\n"),
            ("DeviceAllow", "DeviceAllow=/dev/sda\n"),
            ("CapabilityBoundingSet", "CapabilityBoundingSet=CAP_SYS_ADMIN\n"),
            ("RestrictAddressFamilies", "RestrictAddressFamilies=AF_PACKET\n"),
            (
                "RestrictAddressFamilies",
                "RestrictAddressFamilies=\nRestrictAddressFamilies=~AF_PACKET\n",
            ),
            ("SystemCallFilter", "SystemCallFilter=\n"),
            ("SystemCallFilter", "SystemCallFilter=@mount\n"),
            ("SystemCallFilter", "SystemCallFilter=\nSystemCallFilter=@system-service\n"),
        ] {
            let root = machine();
            drop_in(root.path(), "zz", text);
            let found = look(root.path());
            assert!(found.drift.is_none());
            assert_eq!(found.weaker.len(), 1, "{text}: {found:?}");
            assert_eq!(found.weaker[0].setting, setting, "{text}");
            assert!(found.weaker[0].by.ends_with("banksyncd.service.d/zz.conf"), "{found:?}");
        }
    }

    #[test]
    fn a_unit_that_is_not_the_packaged_one_is_seen() {
        let drift = |path: &str, text: &str| {
            let root = machine();
            place(root.path(), path, text);
            let found = look(root.path());
            (found.drift.unwrap(), found.file, root)
        };
        let (seen, file, root) =
            drift("etc/systemd/system/banksyncd.service", &UNIT.replace("60s", "90s"));
        assert_eq!(seen, Drift::Hidden(file.clone()));
        assert!(file.starts_with(root.path().join("etc")));
        let (seen, file, _root) =
            drift("usr/lib/systemd/system/banksyncd.service", &UNIT.replace("60s", "90s"));
        assert_eq!(seen, Drift::Changed(file));
        let root = machine();
        let mask = root.path().join("etc/systemd/system/banksyncd.service");
        fs::create_dir_all(mask.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/dev/null", &mask).unwrap();
        assert_eq!(look(root.path()).drift, Some(Drift::Masked(mask)));
    }

    #[test]
    fn what_the_kernel_does_not_enforce_is_read_from_its_own_words() {
        let status = |privileges: u8, seccomp: u8, bounding: &str| {
            format!(
                "Name:\tx\nCapBnd:\t{bounding}\nNoNewPrivs:\t{privileges}\nSeccomp:\t{seccomp}\n"
            )
        };
        assert_eq!(unenforced(&status(1, 2, "0000000000000000")), Some(vec![]));
        assert_eq!(
            unenforced(&status(0, 0, "000001ffffffffff")),
            Some(vec!["NoNewPrivileges", "SystemCallFilter", "CapabilityBoundingSet"])
        );
        assert_eq!(unenforced("Name:\tx\n"), None);
        // This very process, which no service manager holds.
        assert!(unenforced(&fs::read_to_string("/proc/self/status").unwrap()).is_some());
    }
}
