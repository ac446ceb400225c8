//! The one writer of a verb: data to stdout, everything else to stderr.
//!
//! Every line for people passes [`clean`] here, whatever a verb forgot, so bank data cannot steer a terminal. `print!` and
//! its kin are banned: they panic on a closed pipe.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::CliError;
use super::text::{clean, safe_json};
use crate::model::time::Zone;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text looks (ECMA-48 SGR); shown only where colour is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// Headings and commands.
    Bold,
    /// Someone must act.
    Red,
    /// Someone should look.
    Yellow,
    /// Fine.
    Green,
    /// Less important.
    Dim,
    /// Bright on dark whatever the terminal's own colours are.
    Inverse,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Red => "\x1b[1;31m",
            Self::Yellow => "\x1b[33m",
            Self::Green => "\x1b[32m",
            Self::Dim => "\x1b[2m",
            Self::Inverse => "\x1b[97;40m",
        }
    }
}

/// What the streams are connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard input is a terminal: questions can be asked.
    pub input: bool,
    /// Standard output is a terminal.
    pub output: bool,
    /// Standard error is a terminal: progress can be shown.
    pub error: bool,
    /// Columns; `None` where output is not a terminal and nothing has to be cut.
    pub width: Option<u16>,
    /// Lines; `None` where output is not a terminal and nothing has to fit.
    pub height: Option<u16>,
    /// Styles and hyperlinks are wanted.
    pub colour: bool,
}

impl Terminal {
    /// Looks at the process's streams and at `NO_COLOR` (<https://no-color.org>) and `TERM`.
    pub fn detect(choice: ColorChoice) -> Self {
        let output = io::stdout().is_terminal();
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_size| output);
        let known = |length: u16| Some(length).filter(|length| *length > 0);
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let capable =
            output && set("NO_COLOR").is_none() && set("TERM").is_none_or(|t| t != "dumb");
        Self {
            input: io::stdin().is_terminal(),
            output,
            error: io::stderr().is_terminal(),
            width: size.and_then(|size| known(size.ws_col)),
            height: size.and_then(|size| known(size.ws_row)),
            colour: match choice {
                ColorChoice::Auto => capable,
                ColorChoice::Always => true,
                ColorChoice::Never => false,
            },
        }
    }
}

/// The zone of the machine: `TZ` if it names one, else the one that `/etc/localtime` links to (tzfile(5), localtime(5)),
/// else UTC.
pub fn local_zone() -> Zone {
    let named = |path: &Path| {
        let text = path.to_str()?;
        let name = text.rsplit_once("zoneinfo/").map_or(text, |(_folder, name)| name);
        name.trim_start_matches(':').parse().ok()
    };
    let variable = std::env::var_os("TZ").filter(|value| !value.is_empty()).map(PathBuf::from);
    let file = || std::fs::read_link("/etc/localtime").ok();
    variable.or_else(file).and_then(|path| named(&path)).unwrap_or(Zone::UTC)
}

/// Where a verb writes.
pub struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// What the streams are connected to.
    pub terminal: Terminal,
    /// Leave out everything on stderr but errors.
    pub quiet: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

/// Bytes gathered before a write to stdout.
const BUFFER_BYTES: usize = 64 * 1024;

impl Output {
    /// The process's own streams.
    pub fn standard(terminal: Terminal, quiet: bool) -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminal, quiet)
    }

    /// Any two writers; `out` is buffered here.
    pub fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        terminal: Terminal,
        quiet: bool,
    ) -> Self {
        Self { out: Box::new(BufWriter::with_capacity(BUFFER_BYTES, out)), err, terminal, quiet }
    }

    /// Whether a person watches, so that it can be shown how something goes on.
    pub fn is_watched(&self) -> bool {
        self.terminal.error && !self.quiet
    }

    /// One line of data for people.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.spans(&[(Style::Plain, text)])
    }

    /// One line of data for people, in pieces of different looks.
    pub fn spans(&mut self, pieces: &[(Style, &str)]) -> Result<(), CliError> {
        let line = self.styled(pieces);
        self.out.write_all(line.as_bytes()).map_err(CliError::Output)
    }

    /// Text of our own making, as it is, newlines included.
    pub fn verbatim(&mut self, text: &str) -> Result<(), CliError> {
        self.out.write_all(text.as_bytes()).map_err(CliError::Output)
    }

    /// A piece of a file, as it is; on a terminal without what could steer it.
    pub fn bytes(&mut self, piece: &[u8]) -> Result<(), CliError> {
        let written = if self.terminal.output {
            let text = String::from_utf8_lossy(piece);
            let visible =
                |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
            self.out.write_all(text.chars().filter(visible).collect::<String>().as_bytes())
        } else {
            self.out.write_all(piece)
        };
        written.map_err(CliError::Output)
    }

    /// Text of our own making on stderr, as it is, newlines and styles included.
    pub fn complain(&mut self, text: &str) {
        drop(self.err.write_all(text.as_bytes()));
    }

    /// One line of data for machines, as it came from the daemon, without its newline.
    pub fn json(&mut self, line: &[u8]) -> Result<(), CliError> {
        let written = if self.terminal.output {
            self.out.write_all(&safe_json(line))
        } else {
            self.out.write_all(line)
        };
        written.and_then(|()| self.out.write_all(b"\n")).map_err(CliError::Output)
    }

    /// One object of ours for machines, on a line.
    pub fn object(&mut self, object: &impl Serialize) -> Result<(), CliError> {
        let line = serde_json::to_vec(object).map_err(|error| CliError::NotUnderstood {
            what: format!("an object that cannot be written: {error}"),
            hint: None,
        })?;
        self.json(&line)
    }

    /// A URL on a line of its own; on a terminal also as a hyperlink (OSC 8).
    pub fn url(&mut self, url: &str) -> Result<(), CliError> {
        let url = clean(url);
        let written = if self.terminal.output && self.terminal.colour {
            writeln!(self.out, "  \x1b]8;;{url}\x1b\\{url}\x1b]8;;\x1b\\")
        } else {
            writeln!(self.out, "  {url}")
        };
        written.map_err(CliError::Output)
    }

    /// Hands everything written so far to the system.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.out.flush().map_err(CliError::Output)
    }

    /// One line of progress or advice on stderr; not when quiet. Failures to write it are of no interest.
    pub fn note(&mut self, text: &str) {
        if !self.quiet {
            if self.terminal.output {
                // On a screen that shows both, what was said first stands first. What cannot be written now is told by
                // whoever writes next.
                drop(self.out.flush());
            }
            self.error(text);
        }
    }

    /// Lines on stderr, quiet or not.
    pub fn error(&mut self, text: &str) {
        for line in text.lines() {
            let line = format!("{}\n", clean(line));
            drop(self.err.write_all(line.as_bytes()));
        }
    }

    /// A question on stderr, without a newline.
    pub fn ask(&mut self, question: &str) {
        drop(self.err.write_all(clean(question).as_bytes()));
        drop(self.err.flush());
    }

    fn styled(&self, pieces: &[(Style, &str)]) -> String {
        let mut line = String::new();
        for (style, text) in pieces {
            if self.terminal.colour && *style != Style::Plain && !text.is_empty() {
                line.push_str(style.code());
                line.push_str(&clean(text));
                line.push_str("\x1b[0m");
            } else {
                line.push_str(&clean(text));
            }
        }
        line.push('\n');
        line
    }
}
