//! The one place that reads the configuration from disk.
//!
//! It looks at the file after opening it, so that nothing can be swapped in between, and wipes the text afterwards: a
//! secret that somebody wrote into the file by mistake should not stay in memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::display::{DISPLAY_FILE, display_rules};
use super::problem::{Problem, position};
use super::{Config, Defaults, check};
use crate::display::Rules;

/// Largest file, in bytes; a thousand account rules take a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Write permission of group and others.
const MODE_LOOSE: u32 = 0o022;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// How rows are shown: the program's rules, and those of the file beside it.
    pub display: Rules,
    /// What somebody should look at.
    pub warnings: Vec<Problem>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no configuration at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what a configuration is: a folder, too large, not text.
    #[error("{0}")]
    NotText(Box<Problem>),
    /// The file has problems.
    #[error("the configuration has {}: {}", counted(problems), joined(problems))]
    Bad {
        /// At least one, in the order of the text.
        problems: Vec<Problem>,
        /// Where the daemon listens, if the text says that all the same.
        socket: Option<PathBuf>,
    },
}

impl LoadError {
    /// Everything that is wrong, one by one.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Missing { path } => {
                let hint = "write one after the commented example, name it with `--config PATH`, and try \
                            `banksyncd check-config`";
                vec![Problem::of_file(&path.to_string_lossy(), "there is no such file", hint)]
            }
            Self::Unreadable { path, source } => {
                let message = format!("cannot be read: {source}");
                let hint =
                    "let the user that runs banksyncd read it, then try `banksyncd check-config`";
                vec![Problem::of_file(&path.to_string_lossy(), message, hint)]
            }
            Self::NotText(problem) => vec![Problem::clone(problem)],
            Self::Bad { problems, .. } => problems.clone(),
        }
    }
}

fn counted(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "a problem".to_owned(),
        several => format!("{several} problems"),
    }
}

/// In one line, for the log.
fn joined(problems: &[Problem]) -> String {
    let lines: Vec<String> =
        problems.iter().map(|problem| problem.to_string().replace('\n', " ")).collect();
    lines.join("; ")
}

/// Reads and checks a configuration, with the display rules beside it.
///
/// # Errors
/// The file is missing, unreadable, not text, or has problems; or the display rules are.
pub fn load(path: &Path, defaults: &Defaults) -> Result<Loaded, LoadError> {
    let name = path.to_string_lossy();
    let (text, mode) = read(path)?;
    let parsed = check::parse(plain(&text), &name, defaults);
    let enabled = parsed.as_ref().is_ok_and(|parsed| parsed.config.display.enabled);
    let (parsed, display) = match (parsed, rules_beside(path, enabled)) {
        (Ok(parsed), Ok(display)) => (parsed, display),
        (parsed, rules) => {
            let mut problems = parsed.err().unwrap_or_default();
            problems.extend(rules.err().iter().flat_map(LoadError::problems));
            let socket = check::control_socket(plain(&text));
            return Err(LoadError::Bad { problems, socket });
        }
    };
    let mut warnings = parsed.warnings;
    if mode.is_some_and(|mode| mode & MODE_LOOSE != 0) {
        let message = "can be changed by other users, who could send your secrets elsewhere";
        warnings.push(Problem::of_file(&name, message, format!("chmod go-w {name}")));
    }
    Ok(Loaded { config: parsed.config, display, warnings })
}

/// The program's display rules with those of the file beside the configuration, if there is one.
fn rules_beside(path: &Path, enabled: bool) -> Result<Rules, LoadError> {
    let path = path.with_file_name(DISPLAY_FILE);
    let name = path.to_string_lossy();
    let text = match read(&path) {
        Ok((text, _)) => Some(text),
        Err(LoadError::Missing { .. }) => None,
        Err(error) => return Err(error),
    };
    let file = text.as_ref().map(|text| (&*name, plain(text)));
    display_rules(enabled, file).map_err(|problems| LoadError::Bad { problems, socket: None })
}

/// The text of a file, and its mode if it is a regular one.
fn read(path: &Path) -> Result<(Zeroizing<String>, Option<u32>), LoadError> {
    let name = path.to_string_lossy();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => LoadError::Missing { path: path.to_owned() },
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    };
    let not_text = |message: &str, hint: &str| {
        LoadError::NotText(Box::new(Problem::of_file(&name, message, hint)))
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(not_text("is a folder", "name the file inside it"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(not_text("is larger than 1 MiB", "a configuration is a short text"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(&name, &bytes, &error))?;
    Ok((Zeroizing::new(text.to_owned()), metadata.is_file().then(|| metadata.mode())))
}

/// Without a byte order mark.
fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn not_utf8(name: &str, bytes: &[u8], error: &std::str::Utf8Error) -> LoadError {
    let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let good = std::str::from_utf8(good).unwrap_or_default();
    let (line, column) = position(good, good.len());
    LoadError::NotText(Box::new(Problem {
        line,
        column,
        ..Problem::of_file(name, "is not UTF-8 text", "save the file as UTF-8")
    }))
}
