//! `backup`: a copy of the whole database in a file, checked, with the same key; made by the daemon, or without one directly.
//!
//! The file appears whole or not at all, readable by its owner only. Beside it stands `FILE.keycheck`, by which `restore` tells
//! a wrong key from a damaged file.

use std::fs::File;
use std::io::{self, Write as _};

use serde_json::json;

use super::args::Backup;
use super::error::CliError;
use super::export::{cannot_write, is_special};
use super::progress::Progress;
use super::{Code, Ctx};
use crate::files::{Draft, PRIVATE};
use crate::store;

/// What goes on before the first byte comes.
const COPYING: &str = "copying and checking the database";

/// Makes a backup.
pub async fn run(args: &Backup, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    if args.file.is_dir() {
        return Err(cannot_write(&args.file, &io::ErrorKind::IsADirectory.into()));
    }
    if is_special(&args.file) {
        let error = io::Error::new(io::ErrorKind::AlreadyExists, "it is no regular file");
        return Err(cannot_write(&args.file, &error));
    }
    let failed = |error: io::Error| cannot_write(&args.file, &error);
    let mut draft = Draft::begin(&args.file, PRIVATE).map_err(failed)?;
    let keycheck = write(args, draft.file(), ctx).await?;
    let check = Draft::begin(&store::keycheck_of(&args.file), PRIVATE).and_then(|mut check| {
        check.file().write_all(keycheck.as_bytes())?;
        check.place()
    });
    check.and_then(|()| draft.place()).map_err(failed)?;
    let bytes = std::fs::metadata(&args.file).map_or(0, |facts| facts.len());
    if ctx.json {
        ctx.output.object(&json!({ "file": args.file.to_string_lossy(), "bytes": bytes }))?;
    } else {
        ctx.output.line(&format!("{bytes} bytes in `{}`", args.file.display()))?;
        ctx.output.note("it opens with the database's key only: keep that in another place");
    }
    Ok(Code::Ok)
}

/// Writes the copy; gives the text of its key check.
async fn write(args: &Backup, target: &mut File, ctx: &mut Ctx<'_>) -> Result<String, CliError> {
    let failed = |error: io::Error| cannot_write(&args.file, &error);
    let request = json!({});
    let asked = ctx.client.download("/v1/backup", &request);
    let keycheck = match Progress::during(COPYING, ctx.output.is_watched(), asked).await {
        Ok(mut download) => {
            let save = async {
                while let Some(piece) = download.next().await? {
                    target.write_all(&piece).map_err(failed)?;
                }
                Ok::<_, CliError>(())
            };
            Progress::during("writing the copy", ctx.output.is_watched(), save).await?;
            download.keycheck.take().unwrap_or_default()
        }
        Err(CliError::Unreachable { .. }) => {
            let making = &mut ctx.backup_directly;
            let made = Progress::during(COPYING, ctx.output.is_watched(), making).await?;
            let store::Backup { mut file, keycheck, .. } = made;
            io::copy(&mut file, target).map_err(failed)?;
            keycheck
        }
        Err(other) => return Err(other),
    };
    Ok(keycheck)
}
