//! What the linker is told about the program.
//!
//! The relocations of a position-independent program are packed where the C library can read that: 1.6 MB less to read at
//! every start and to keep in memory. The library has to be glibc 2.36 or newer, and a program that is built here runs
//! where its library is not older than ours; so ours decides.
//!
//! The functions of the C libraries that a daemon runs are put side by side, by the list in `packaging/functions.order`
//! (made by `packaging/functions`). The kernel brings the program into memory by 64 kB around what is run: a function in
//! each of them, and a daemon that waits keeps 3 MB of OpenSSL, SQLite and Zstandard for the 0.7 MB that it needs. A name
//! that no longer exists does no harm. It takes LLD, which is Rust's own linker on this target since 1.90; where another one
//! is asked for, the order stays as it is.

use std::env;
use std::path::Path;
use std::process::Command;

/// The first glibc that reads packed relocations (its release notes, 2022-08-01).
const GLIBC_MIN: (u32, u32) = (2, 36);
/// The first compiler that links with LLD by itself (its release notes, 2025-09-18).
const RUSTC_MIN: (u32, u32) = (1, 90);
/// Functions in the order in which they are to lie, one name a line.
const ORDER: &str = "packaging/functions.order";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let host_is_target = env::var_os("HOST") == env::var_os("TARGET");
    if host_is_target && glibc().is_some_and(|version| version >= GLIBC_MIN) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rerun-if-changed={ORDER}");
    if host_is_target && links_with_lld() {
        let order = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(ORDER);
        println!("cargo::rustc-link-arg-bins=-Wl,--symbol-ordering-file={}", order.display());
        println!("cargo::rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
}

/// Whether rustc links with the LLD that it brings: it does so on one target, unless it is told otherwise.
fn links_with_lld() -> bool {
    let asked_otherwise = env::var_os("RUSTC_LINKER").is_some()
        || env::var_os("CARGO_ENCODED_RUSTFLAGS")
            .is_some_and(|flags| flags.to_string_lossy().contains("link"));
    env::var_os("TARGET").is_some_and(|target| target == "x86_64-unknown-linux-gnu")
        && !asked_otherwise
        && rustc().is_some_and(|version| version >= RUSTC_MIN)
}

/// The version of the compiler.
fn rustc() -> Option<(u32, u32)> {
    let told = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    version(String::from_utf8(told.stdout).ok()?.strip_prefix("rustc ")?)
}

/// The version of this machine's glibc; `None` if it has another library.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    version(text.strip_prefix("glibc ")?)
}

/// The first two numbers of `text`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
