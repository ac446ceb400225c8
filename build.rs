//! What the linker is told about the program.
//!
//! The relocations of a position-independent program are packed where the C library can read that: 1.6 MB less to read at
//! every start and to keep in memory. The library has to be glibc 2.36 or newer, and a program that is built here runs
//! where its library is not older than ours; so ours decides.

use std::env;
use std::process::Command;

/// The first glibc that reads packed relocations (its release notes, 2022-08-01).
const GLIBC_MIN: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let host_is_target = env::var_os("HOST") == env::var_os("TARGET");
    if host_is_target && glibc().is_some_and(|version| version >= GLIBC_MIN) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc; `None` if it has another library.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
