//! `export`: a file for another program, written by the daemon and put in its place here.
//!
//! A whole file appears at once or not at all. A file that grows (`--append`, `--follow`) has a companion, `FILE.cursor`, that
//! says what it has; the intent to write stands there before the first byte, so that an append that was interrupted is
//! taken back by the next one and no row is written twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::archive;
use super::args::Export;
use super::client::Download;
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::text::one_line;
use super::{Code, Ctx};
use crate::files::{Draft, USUAL, beside};

/// Largest companion that is read.
const COMPANION_BYTES_MAX: u64 = 1024 * 1024;

/// Writes the file.
pub async fn run(args: &Export, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    if let (true, Some(folder)) = (args.all, &args.output) {
        return archive::run(folder, ctx).await;
    }
    check(args)?;
    ctx.tell_future(args.from);
    match (&args.output, args.append) {
        (Some(path), true) => append(args, path, ctx).await,
        (Some(path), false) if is_special(path) => {
            let failed = |error: io::Error| cannot_write(path, &error);
            let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            stream(args, Some((file, path)), ctx).await
        }
        (Some(path), false) => whole(args, path, ctx).await,
        (None, _) => stream(args, None, ctx).await,
    }
}

/// A device, a pipe: it is written to, and nothing takes its place.
pub(super) fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir())
}

/// Refuses what makes no sense together.
fn check(args: &Export) -> Result<(), CliError> {
    let usage = |message: &str, hint: &str| {
        Err(CliError::Usage { message: message.to_owned(), hint: Some(hint.to_owned()) })
    };
    let grows = args.append || args.follow;
    if args.append && args.output.is_none() {
        return usage("`--append` needs a file", "name it with `--output FILE`");
    }
    if let Some(path) = args.output.as_deref().filter(|path| args.append && is_special(path)) {
        let message = format!("`{}` is no file that could grow", path.display());
        return usage(&message, "name a file, or leave `--append` out");
    }
    if grows && !args.format.0.grows() {
        let message = format!("a file of the format `{}` cannot grow", args.format.0.as_str());
        return usage(&message, "write it anew each time, without `--append` and `--follow`");
    }
    if grows && args.pending {
        let message = "what is pending today may be gone tomorrow, and a file that grows keeps it";
        return usage(message, "leave `--pending` out");
    }
    Ok(())
}

/// To standard output, or to what is no regular file.
async fn stream(
    args: &Export,
    mut special: Option<(File, &Path)>,
    ctx: &mut Ctx<'_>,
) -> Result<Code, CliError> {
    let mut cursor = args.follow.then(String::new);
    loop {
        let mut download = ask(args, ctx, cursor.as_deref()).await?;
        // On a terminal the rows themselves are seen; who follows waits for as long as it takes.
        let watched = ctx.output.is_watched() && !ctx.output.terminal.output && !args.follow;
        let pour = pour(&mut download, &mut special, &mut ctx.output);
        Progress::during("writing", watched, pour).await?;
        tell_left_out(&download, ctx);
        match download.cursor {
            Some(next) if args.follow => cursor = Some(next),
            _ => return Ok(Code::Ok),
        }
    }
}

async fn pour(
    download: &mut Download,
    special: &mut Option<(File, &Path)>,
    output: &mut Output,
) -> Result<(), CliError> {
    while let Some(piece) = download.next().await? {
        match special {
            None => output.bytes(&piece)?,
            Some((file, path)) => {
                file.write_all(&piece).map_err(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => CliError::Output(error),
                    _ => cannot_write(path, &error),
                })?;
            }
        }
    }
    output.flush()
}

/// Writes beside the file and renames; with `--follow` goes on at its end.
async fn whole(args: &Export, path: &Path, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    if path.is_dir() {
        return Err(cannot_write(path, &io::ErrorKind::IsADirectory.into()));
    }
    let mut draft = Draft::begin(path, USUAL).map_err(|error| cannot_write(path, &error))?;
    let first = args.follow.then_some("");
    let mut cursor = save(args, ctx, first, (draft.file(), path)).await?.cursor;
    draft.place().map_err(|error| cannot_write(path, &error))?;
    while args.follow
        && let Some(known) = cursor
    {
        cursor = save(args, ctx, Some(&known), (draft.file(), path)).await?.cursor;
    }
    Ok(Code::Ok)
}

/// What a file that grows has: `FILE.cursor`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Companion {
    format: String,
    account: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// The daemon's word for what the file has.
    cursor: String,
    /// Its length with that, in bytes.
    length: u64,
    /// Rows are being added: whatever lies behind `length` is unfinished.
    writing: bool,
}

impl Companion {
    fn new(args: &Export) -> Self {
        Self {
            format: args.format.0.as_str().to_owned(),
            account: args.account.clone(),
            from: args.from.map(|date| date.to_string()),
            to: args.to.map(|date| date.to_string()),
            cursor: String::new(),
            length: 0,
            writing: false,
        }
    }

    fn load(path: &Path, args: &Export) -> Result<Option<Self>, CliError> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(COMPANION_BYTES_MAX).read_to_string(&mut text));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot_write(path, &error)),
            Ok(_length) => {}
        }
        let found: Self = serde_json::from_str(&text).map_err(|_not_ours| CliError::Failed {
            exit: Code::DataErr,
            message: format!("`{}` is not understood", path.display()),
            hint: Some(
                "remove it together with the file it belongs to, or use another file".to_owned(),
            ),
        })?;
        let (cursor, length, writing) = (found.cursor.clone(), found.length, found.writing);
        if found != (Self { cursor, length, writing, ..Self::new(args) }) {
            return Err(CliError::Usage {
                message: format!("`{}` belongs to a file with other options", path.display()),
                hint: Some("use another file for this format, account and these days".to_owned()),
            });
        }
        Ok(Some(found))
    }

    /// Replaces the companion; durable when this returns.
    fn save(&self, path: &Path) -> Result<(), CliError> {
        let failed = |error: io::Error| cannot_write(path, &error);
        let text = serde_json::to_string(self).map_err(|error| failed(error.into()))?;
        let mut draft = Draft::begin(path, USUAL).map_err(failed)?;
        writeln!(draft.file(), "{text}").and_then(|()| draft.place()).map_err(failed)
    }
}

async fn append(args: &Export, path: &Path, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let companion_path = beside(path, ".cursor");
    let failed = |error: io::Error| cannot_write(path, &error);
    let known = Companion::load(&companion_path, args)?;
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut companion = match known {
        None if length > 0 => {
            return Err(CliError::Usage {
                message: format!(
                    "`{}` has content and no `{}`",
                    path.display(),
                    companion_path.display()
                ),
                hint: Some(
                    "append to a file that `export --append` has begun, or to a new one".to_owned(),
                ),
            });
        }
        Some(known) if length < known.length => {
            return Err(CliError::Failed {
                exit: Code::DataErr,
                message: format!("`{}` is shorter than it was left", path.display()),
                hint: Some(format!(
                    "remove `{}` and the file, and export anew",
                    companion_path.display()
                )),
            });
        }
        known => known.unwrap_or_else(|| Companion::new(args)),
    };
    if companion.writing {
        file.set_len(companion.length).map_err(failed)?;
    }
    loop {
        companion.length = file.metadata().map_err(failed)?.len();
        companion.writing = true;
        companion.save(&companion_path)?;
        let download = save(args, ctx, Some(&companion.cursor), (&mut file, path)).await?;
        companion.cursor = download.cursor.unwrap_or_default();
        companion.length = file.metadata().map_err(failed)?.len();
        companion.writing = false;
        companion.save(&companion_path)?;
        if !args.follow {
            return Ok(Code::Ok);
        }
    }
}

/// Asks for what a file lacks and puts it at its end; durable when this returns.
async fn save(
    args: &Export,
    ctx: &mut Ctx<'_>,
    cursor: Option<&str>,
    (file, path): (&mut File, &Path),
) -> Result<Download, CliError> {
    let mut download = ask(args, ctx, cursor).await?;
    let failed = |error: io::Error| cannot_write(path, &error);
    let save = async {
        while let Some(piece) = download.next().await? {
            file.write_all(&piece).map_err(failed)?;
        }
        file.sync_all().map_err(failed)
    };
    let writing = format!("writing {}", one_line(&path.to_string_lossy()));
    Progress::during(&writing, ctx.output.is_watched(), save).await?;
    tell_left_out(&download, ctx);
    Ok(download)
}

async fn ask(args: &Export, ctx: &Ctx<'_>, cursor: Option<&str>) -> Result<Download, CliError> {
    let mut request = json!({ "format": args.format.0.as_str(), "pending": args.pending });
    if let Some(object) = request.as_object_mut() {
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value.into());
            }
        };
        set("account", args.account.clone());
        set("from", args.from.map(|date| date.to_string()));
        set("to", args.to.map(|date| date.to_string()));
        set("cursor", cursor.map(str::to_owned));
        // The first file is whole, however little there is.
        let wait = args.follow && cursor.is_some_and(|cursor| !cursor.is_empty());
        object.insert("wait".to_owned(), wait.into());
    }
    ctx.client.download("/v1/export", &request).await
}

fn tell_left_out(download: &Download, ctx: &mut Ctx<'_>) {
    match download.left_out() {
        0 => {}
        1 => ctx.output.note("1 row was left out: the format has no way to say it (CSV and JSON Lines have)"),
        count => ctx.output.note(&format!(
            "{count} rows were left out: the format has no way to say them (CSV and JSON Lines have)"
        )),
    }
}

/// A file that cannot be written. A full disk and the like are I/O errors; everything else says that the file cannot be made.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> CliError {
    use io::ErrorKind;
    let (exit, hint) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WriteZero => {
            (Code::IoErr, "free some space, or name another place")
        }
        ErrorKind::PermissionDenied => (Code::NoPerm, "name a place where you may write"),
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (Code::CantCreate, "name a file in a folder that exists")
        }
        ErrorKind::IsADirectory => (Code::CantCreate, "name a file inside it"),
        _ => (Code::CantCreate, "name another place"),
    };
    CliError::Failed {
        exit,
        message: format!("cannot write `{}`: {error}", path.display()),
        hint: Some(hint.to_owned()),
    }
}
