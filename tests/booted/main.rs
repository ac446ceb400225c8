//! The finished packages on a real systemd: a machine of our own is booted, the package installed, everything done to it that
//! happens to machines, and each time the store compared with the bank and the journal with the events.
//!
//! It needs root, the packages and some programs, so it runs only where `BANKSYNCD_BOOTED=required` is set, and there nothing
//! may be missing. `.ci/run` installs, builds and sets what it needs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "tests fail by panicking and say what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../support/certified.rs"]
mod certified;
#[expect(dead_code, reason = "other tests let it answer by itself")]
#[path = "../support/raw_server.rs"]
mod raw_server;
#[path = "../support/signed.rs"]
mod signed;

mod elsewhere;
mod machine;
mod package;
mod probe;
mod service;
mod setup;
mod story;

use machine::host;

/// Whether to run; says why not.
fn wanted() -> bool {
    let required = std::env::var_os("BANKSYNCD_BOOTED").is_some_and(|value| value == "required");
    if !required {
        eprintln!(
            "SKIPPED: the packages were not tried on a booted system; as root, after `cargo deb` and `cargo generate-rpm`: \
             BANKSYNCD_BOOTED=required cargo test --test booted"
        );
        return false;
    }
    assert!(
        rustix::process::geteuid().is_root(),
        "BANKSYNCD_BOOTED=required, but this is not root"
    );
    let missing: Vec<&str> = NEEDED.iter().copied().filter(|program| !there(program)).collect();
    assert!(
        missing.is_empty(),
        "BANKSYNCD_BOOTED=required, but these are not installed: {missing:?}"
    );
    true
}

/// Programs of the host.
const NEEDED: &[&str] = &[
    "cc",
    "curl",
    "debootstrap",
    "dpkg-deb",
    "lintian",
    "mount",
    "nsenter",
    "rpm",
    "script",
    "strace",
    "systemd-nspawn",
    "tar",
];

fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The newest package of a kind that was built.
fn built(folder: &str, ending: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join(folder);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let packages = entries.filter(|path| path.to_string_lossy().ends_with(ending));
    let newest = packages.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    newest.unwrap_or_else(|| panic!("no package `*{ending}` in {}", folder.display()))
}

fn deb() -> PathBuf {
    built("debian", ".deb")
}

fn rpm() -> PathBuf {
    built("generate-rpm", ".rpm")
}

#[test]
fn the_packages_hold_what_they_should() {
    if wanted() {
        package::contents(&deb(), &rpm());
        package::lintian(&deb());
    }
}

#[test]
fn the_package_for_other_distributions_works() {
    if wanted() {
        elsewhere::live(&rpm());
    }
}

#[test]
fn the_set_up_of_the_readme_works_word_for_word() {
    if wanted() {
        setup::follow(&deb());
    }
}

#[test]
fn the_service_survives_what_happens_to_machines() {
    if !wanted() {
        return;
    }
    let share = tempfile::tempdir().unwrap();
    let place = |name: &str| share.path().join(name).to_str().unwrap().to_owned();
    fs::copy(deb(), place("current.deb")).unwrap();
    older(&deb(), share.path());
    probe::make(share.path());
    eprintln!("{}", story::Story::live(share.path()));
}

/// The same package with a lower version.
fn older(deb: &Path, share: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    host("dpkg-deb", &["-R", deb.to_str().unwrap(), tree.to_str().unwrap()]);
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let version = |line: &str| {
        if line.starts_with("Version: ") { "Version: 0.0.9-1".to_owned() } else { line.to_owned() }
    };
    fs::write(&control, text.lines().map(|line| version(line) + "\n").collect::<String>()).unwrap();
    let package = share.join("older.deb");
    host(
        "dpkg-deb",
        &["--root-owner-group", "-Znone", "-b", tree.to_str().unwrap(), package.to_str().unwrap()],
    );
}
