//! `recovery-key`: the database key to be written down; and asking for it, on the day on which it is needed.
//!
//! It is printed to a terminal only, unless somebody insists: a pipe or a file is where a key is forgotten.

use std::io::{self, Read as _};

use serde_json::json;
use zeroize::Zeroizing;

use super::args::{Global, RecoveryKey};
use super::error::CliError;
use super::init::ask::typed_line;
use super::key;
use super::output::Output;
use crate::daemon::DaemonError;
use crate::exit::Code;
use crate::model::recovery::{self, LINES, NotARecoveryKey};
use crate::model::secret::{DatabaseKey, Secret};
use crate::store;
use crate::systemd::process;

/// A recovery key is 120 bytes long; whatever is much longer is something else.
const INPUT_BYTES_MAX: u64 = 1024;

/// Prints it.
pub(super) fn run(
    args: &RecoveryKey,
    global: &Global,
    output: &mut Output,
) -> Result<Code, CliError> {
    process::harden().map_err(DaemonError::Process)?;
    if !output.terminal.output && !args.force {
        return Err(CliError::Usage {
            message: "the key is printed to a terminal only, and standard output is none"
                .to_owned(),
            hint: Some("type the command on a terminal; or add `--force`".to_owned()),
        });
    }
    let config = key::config(global)?;
    let key = key::read(&config, global)?;
    store::is_key_of(&config.store.path, &key).map_err(DaemonError::Open)?;
    let lines = recovery::written(&key);
    if global.json {
        let lines: Vec<&str> = lines.iter().map(Secret::expose).collect();
        output.object(&json!({ "recovery_key": lines }))?;
        return Ok(Code::Ok);
    }
    for line in &lines {
        output.line(line.expose())?;
    }
    output.note(
        "\nwith these lines and a backup anybody reads everything in it: write them on paper, and keep that where the machine is not\n\
         on another machine: `banksyncd init`, then `banksyncd restore FILE --recovery-key`",
    );
    Ok(Code::Ok)
}

/// Asks for a key: line by line on a terminal, each checked at once; else all of standard input.
pub(super) fn ask(output: &mut Output) -> Result<DatabaseKey, CliError> {
    if !output.terminal.input {
        let mut text = Zeroizing::new(String::with_capacity(2048));
        let input = io::stdin().lock().take(INPUT_BYTES_MAX).read_to_string(&mut text);
        input.map_err(CliError::Input)?;
        return recovery::read(&text).map_err(|error| not_understood(&error));
    }
    let mut text = Zeroizing::new(String::with_capacity(2048));
    let mut number = 1;
    while number <= LINES {
        let question = format!("line {number} of {LINES} of the recovery key");
        let line = spelled(&question, output)?;
        // Who pastes the 64 digits has said everything.
        if let Some(key) = DatabaseKey::from_hex(&line) {
            return Ok(key);
        }
        match recovery::read_line(number, &line) {
            Ok(_bytes) => {
                text.push_str(&line);
                text.push('\n');
                number = number.saturating_add(1);
            }
            Err(error) => output.error(&format!("{error}: type it again, or press Ctrl-C")),
        }
    }
    recovery::read(&text).map_err(|error| not_understood(&error))
}

/// A line that is typed or pasted and never shown.
fn spelled(question: &str, output: &mut Output) -> Result<Zeroizing<String>, CliError> {
    let bytes = typed_line(question, output).map_err(CliError::Input)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

fn not_understood(error: &NotARecoveryKey) -> CliError {
    CliError::Failed {
        exit: Code::DataErr,
        message: format!("this is no recovery key: {error}"),
        hint: Some("nothing was changed".to_owned()),
    }
}
