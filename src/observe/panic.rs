//! What a panic prints: one line with the place, and the text only where it is a fixed one of the program.
//!
//! A formatted text may hold anything, a secret too, so it is left out. The hook must not panic itself, so it writes to
//! stderr (the journal, under systemd) and ignores what becomes of it.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};

/// Replaces the hook of the standard library; the abort that follows is left as it is.
pub fn install_hook() {
    panic::set_hook(Box::new(|info| {
        // Nobody is left who could be told about a failure to write.
        io::stderr().write_all(line(info).as_bytes()).unwrap_or_default();
    }));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let place = match info.location() {
        Some(place) => format!("{}:{}", place.file(), place.line()),
        None => "an unknown place".to_owned(),
    };
    let said = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(text withheld)");
    format!("banksyncd: internal error at {place}: {said}; please report this line\n")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const CHILD: &str = "BANKSYNCD_TEST_PANIC_CHILD";

    #[test]
    fn a_fixed_text_is_shown_and_a_formatted_one_is_not() {
        match std::env::var_os(CHILD) {
            None => {}
            Some(kind) => {
                install_hook();
                assert!(kind != "fixed", "the ledger is never negative");
                panic!("{}", std::hint::black_box("marker"));
            }
        }
        let run = |kind: &str| {
            let child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--nocapture",
                    "--exact",
                    "observe::panic::tests::a_fixed_text_is_shown_and_a_formatted_one_is_not",
                ])
                .env(CHILD, kind)
                .output()
                .unwrap();
            String::from_utf8(child.stderr).unwrap()
        };
        let fixed = run("fixed");
        assert!(
            fixed.contains("src/observe/panic.rs:")
                && fixed.contains("the ledger is never negative"),
            "{fixed}"
        );
        let formatted = run("formatted");
        assert!(
            formatted.contains("(text withheld)") && !formatted.contains("marker"),
            "{formatted}"
        );
    }
}
