//! The two API secrets: from files, from standard input, or typed without echo. Never from arguments, which everybody on the
//! machine can read.

use std::fs::File;
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use super::super::args::Init;
use super::super::error::CliError;
use super::super::output::Output;
use super::layout::{Item, Secrets};
use crate::exit::Code;
use crate::model::secret::Secret;
use crate::systemd::credentials::{Fault, value_of};

/// The API secrets, and how a person knows them.
const ASKED: [(Item, &str); 2] = [(Item::SecretId, "secret id"), (Item::SecretKey, "secret key")];

/// Keys of a terminal in which every byte arrives by itself.
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// Those of the API secrets that are to be written, with their values.
pub(super) fn api_secrets(
    args: &Init,
    secrets: &Secrets,
    output: &mut Output,
) -> Result<Vec<(Item, Secret)>, CliError> {
    let files = [args.secret_id_file.as_deref(), args.secret_key_file.as_deref()];
    let mut values = Vec::new();
    for ((item, name), file) in ASKED.into_iter().zip(files) {
        if !secrets.is_missing(item) && !args.replace_secrets {
            continue;
        }
        let value = match file {
            Some(file) => from_file(file),
            None if output.terminal.input => typed(name, output),
            None => from_input(),
        };
        values.push((item, value.map_err(|fault| refused(name, file, &fault))?));
    }
    Ok(values)
}

fn refused(name: &str, file: Option<&Path>, fault: &Fault) -> CliError {
    let interrupted =
        matches!(fault, Fault::Unreadable(error) if error.kind() == io::ErrorKind::Interrupted);
    if interrupted {
        return CliError::Failed {
            exit: Code::Partial,
            message: "interrupted; nothing was changed".to_owned(),
            hint: None,
        };
    }
    let place = file.map(|path| format!(" in `{}`", path.display())).unwrap_or_default();
    let cause = match fault {
        Fault::Unreadable(error) => format!(": {error}"),
        _ => String::new(),
    };
    CliError::Failed {
        exit: Code::Config,
        message: format!("the {name}{place} {fault}{cause}; nothing was changed"),
        hint: Some(
            "give id and key on a terminal, as two lines of standard input, or with \
             `--secret-id-file` and `--secret-key-file`"
                .to_owned(),
        ),
    }
}

fn from_file(path: &Path) -> Result<Secret, Fault> {
    value_of(File::open(path).map_err(Fault::Unreadable)?)
}

/// The next line of standard input.
fn from_input() -> Result<Secret, Fault> {
    let mut line = Zeroizing::new(Vec::new());
    io::stdin().lock().read_until(b'\n', &mut line).map_err(Fault::Unreadable)?;
    value_of(line.as_slice())
}

/// A value that is typed or pasted and never shown.
fn typed(name: &str, output: &mut Output) -> Result<Secret, Fault> {
    value_of(typed_line(name, output).map_err(Fault::Unreadable)?.as_slice())
}

/// A line that is typed or pasted and never shown.
pub(in super::super) fn typed_line(
    name: &str,
    output: &mut Output,
) -> io::Result<Zeroizing<Vec<u8>>> {
    output.ask(&format!("{name} (not shown): "));
    let terminal = Quiet::begin()?;
    let line = read_keys();
    drop(terminal);
    output.complain("\n");
    line
}

/// The terminal without echo, until it goes out of scope. Ctrl-C is a key like any other meanwhile: a signal would end us
/// and leave the terminal silent.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = rustix::termios::tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        rustix::termios::tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        rustix::termios::tcsetattr(io::stdin(), OptionalActions::Flush, &self.0)
            .unwrap_or_default();
    }
}

fn read_keys() -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for more than any secret, so that it never grows and leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(8 * 1024));
    let mut key = [0];
    loop {
        if io::stdin().lock().read(&mut key)? == 0 {
            return Ok(line);
        }
        match key {
            [b'\r' | b'\n' | CTRL_D] => return Ok(line),
            [CTRL_C] => return Err(io::ErrorKind::Interrupted.into()),
            [CTRL_U] => line.clear(),
            [key] if BACKSPACE.contains(&key) => drop(line.pop()),
            [key] if line.len() < line.capacity() => line.push(key),
            _ => {}
        }
    }
}
