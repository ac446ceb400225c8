//! `rekey`: another key for the database. The daemon must be stopped.
//!
//! The new key is written beside the old one before anything else, so that a place that cannot be written to is found out
//! first. Its rename is the moment of the change; see [`crate::store::rekey`] for what a crash leaves and how it is settled.

use serde_json::json;

use super::args::{Global, Rekey};
use super::error::CliError;
use super::init::new_key;
use super::key::{self, KeyPlace};
use super::output::Output;
use super::progress::Progress;
use crate::daemon::DaemonError;
use crate::daemon::clock::OsClock;
use crate::exit::Code;
use crate::model::port::Clock as _;
use crate::store::{self, RekeyStep};
use crate::systemd::process;

/// Changes the key.
pub(super) fn run(args: &Rekey, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    process::harden().map_err(DaemonError::Process)?;
    let config = key::config(global)?;
    let place = KeyPlace::of(&config, global)?;
    let old = place.read()?;
    let new = match &args.new_key_file {
        Some(path) => key::read_file(path)?,
        None => new_key(),
    };
    if new == old {
        return Err(CliError::Usage {
            message: "the new key is the present one".to_owned(),
            hint: Some("leave `--new-key-file` out, and a new key is made".to_owned()),
        });
    }
    let staged = place.stage(&new)?;
    let kept = staged.kept(&OsClock::new().now().wall.stamp());
    let mut progress = Progress::new(output);
    let mut show = |step: RekeyStep| {
        if let Some(text) = told(step) {
            progress.spin(text);
        }
    };
    let done = store::rekey(config.store.path, old, new, || staged.adopt(&kept), &mut show);
    progress.clear();
    done.map_err(DaemonError::Open)?;
    if global.json {
        let line = json!({ "key": place.path().to_string_lossy(), "kept": kept.to_string_lossy() });
        output.object(&line)?;
        return Ok(Code::Ok);
    }
    output.line("the database has a new key")?;
    output.line(&format!("{:<10} {}", "written", place.path().display()))?;
    output.line(&format!("{:<10} {}", "kept", kept.display()))?;
    output.note(&format!(
        "\nkeep a copy of the new key elsewhere: `banksyncd recovery-key` prints it to be written down\n\
         backups that were made before open with the old key only:\n    \
         {} | banksyncd restore FILE --recovery-key\n\
         when you need none of them any more, remove it: `shred -u {}`\n\
         hint: start the daemon again with `systemctl start banksyncd`",
        place.show(&kept),
        kept.display(),
    ));
    Ok(Code::Ok)
}

/// What a step means to a person who waits; some are over at once.
fn told(step: RekeyStep) -> Option<&'static str> {
    match step {
        RekeyStep::Gathered => Some("copying the database"),
        RekeyStep::Copied => Some("encrypting the copy with the new key"),
        RekeyStep::Encrypted => Some("comparing the copy with the database"),
        RekeyStep::Compared | RekeyStep::Ready | RekeyStep::Adopted | RekeyStep::Replaced => None,
    }
}
