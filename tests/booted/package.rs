//! What the finished packages hold, and what Debian's own checker says of ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::machine::{Said, host};

/// Files of both packages, with their modes: what a service, its people and its administrator need.
const BOTH: &[(&str, &str)] = &[
    ("/usr/bin/banksyncd", "-rwxr-xr-x"),
    ("/usr/lib/systemd/catalog/banksyncd.catalog", "-rw-r--r--"),
    ("/usr/lib/systemd/system-preset/80-banksyncd.preset", "-rw-r--r--"),
    ("/usr/lib/systemd/system/banksyncd.service", "-rw-r--r--"),
    ("/usr/lib/systemd/system/banksyncd@.service", "-rw-r--r--"),
    ("/usr/lib/sysusers.d/banksyncd.conf", "-rw-r--r--"),
    ("/usr/share/banksyncd/banksyncd.toml", "-rw-r--r--"),
    ("/usr/share/bash-completion/completions/banksyncd", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/README.md", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/SECURITY.md", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/backup-folder.conf", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/ip-allow-list.conf", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/log-namespace.conf", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/notify-exec.conf", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/notify-reload.conf", "-rw-r--r--"),
    ("/usr/share/doc/banksyncd/examples/tpm2-credentials.conf", "-rw-r--r--"),
    ("/usr/share/fish/vendor_completions.d/banksyncd.fish", "-rw-r--r--"),
];

const DEB_ONLY: &[&str] = &[
    "/usr/lib/systemd/system/banksyncd.service.d/50-private-root.conf",
    "/usr/lib/systemd/system/banksyncd@.service.d/50-private-root.conf",
    "/usr/lib/tmpfiles.d/banksyncd.conf",
    "/usr/share/doc/banksyncd/changelog.Debian.gz",
    "/usr/share/doc/banksyncd/copyright",
    "/usr/share/lintian/overrides/banksyncd",
    "/usr/share/man/man1/banksyncd.1.gz",
    "/usr/share/man/man5/banksyncd.toml.5.gz",
    "/usr/share/man/man7/banksyncd-events.7.gz",
    "/usr/share/man/man7/banksyncd-metrics.7.gz",
    "/usr/share/zsh/vendor-completions/_banksyncd",
];

const RPM_ONLY: &[&str] = &[
    "/usr/share/licenses/banksyncd/LICENSE",
    "/usr/share/licenses/banksyncd/LICENSE-APACHE",
    "/usr/share/licenses/banksyncd/LICENSE-MIT",
    "/usr/share/man/man1/banksyncd.1",
    "/usr/share/man/man5/banksyncd.toml.5",
    "/usr/share/man/man7/banksyncd-events.7",
    "/usr/share/man/man7/banksyncd-metrics.7",
    "/usr/share/zsh/site-functions/_banksyncd",
];

/// Modes by path, of a listing whose first word is the mode and whose last is the path.
fn listed(listing: &str) -> BTreeMap<String, String> {
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let (mode, path) = (words.next()?, words.next_back()?);
        (!mode.starts_with('d')).then(|| (path.trim_start_matches('.').to_owned(), mode.to_owned()))
    };
    listing.lines().filter_map(entry).collect()
}

#[track_caller]
fn compare(found: &BTreeMap<String, String>, only: &[&str]) {
    let one = |path: &&str| ((*path).to_owned(), "-rw-r--r--".to_owned());
    let both = BOTH.iter().map(|(path, mode)| ((*path).to_owned(), (*mode).to_owned()));
    let expected: BTreeMap<String, String> = both.chain(only.iter().map(one)).collect();
    assert_eq!(*found, expected);
}

/// Every file with its mode, and no other; owned by root; nothing below /etc, which belongs to the administrator.
pub(crate) fn contents(deb: &Path, rpm: &Path) {
    let (deb, rpm) = (deb.to_str().unwrap(), rpm.to_str().unwrap());
    let listing = host("dpkg-deb", &["-c", deb]);
    assert!(
        listing.lines().all(|line| line.contains(" 0/0 ") || line.contains(" root/root ")),
        "{listing}"
    );
    compare(&listed(&listing), DEB_ONLY);
    let listing = host(
        "rpm",
        &[
            "-qp",
            "--queryformat",
            "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]",
            rpm,
        ],
    );
    assert!(listing.lines().all(|line| line.contains(" root/root ")), "{listing}");
    compare(&listed(&listing), RPM_ONLY);
    let scripts = host("rpm", &["-qp", "--scripts", rpm]);
    for must in [
        "systemd-sysusers banksyncd.conf",
        "preset banksyncd.service",
        "disable --now banksyncd.service",
        "try-restart banksyncd.service",
    ] {
        assert!(scripts.contains(must), "{must}: {scripts}");
    }
    let needs = host("rpm", &["-qp", "--requires", rpm]);
    assert!(needs.contains("systemd >= 252") && needs.contains("ca-certificates"), "{needs}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(host("dpkg-deb", &["-f", deb, "Version"]).trim(), format!("{version}-1"));
    assert_eq!(
        host("rpm", &["-qp", "--queryformat", "%{VERSION}-%{RELEASE}", rpm]),
        format!("{version}-1")
    );
}

/// Debian's checker finds neither errors nor warnings.
pub(crate) fn lintian(deb: &Path) {
    let output = Command::new("lintian")
        .args(["--allow-root", "--fail-on", "error,warning", deb.to_str().unwrap()])
        .output()
        .unwrap();
    let said = Said::from(output);
    assert!(said.code == 0 && said.out.is_empty(), "{said:?}");
}
