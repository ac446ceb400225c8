//! `export --all`: everything that is stored, as a folder of files that any program reads, and a manifest.
//!
//! The daemon's own objects, one per line, as they are; the bank's rows are in them to the letter. The same data give the same
//! bytes, so that what changes by itself is left out (the next pull), and so is what gives access (the address of a pending
//! consent). The folder appears whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::export::cannot_write;
use super::progress::Progress;
use super::{Code, Ctx, Method};
use crate::files::beside;

/// What the files hold; the order of the manifest.
const FILES: [(&str, &str); 7] = [
    ("accounts.jsonl", "the accounts"),
    ("balances.jsonl", "every change of a balance"),
    ("events.jsonl", "the event log"),
    ("links.jsonl", "the links"),
    ("transactions.csv", "current booked transactions as a table"),
    ("transactions.jsonl", "every transaction in every state, with the bank's own row"),
    ("versions.jsonl", "all versions of transactions that the bank changed, with its rows"),
];

const README: &str = "\
Everything that banksyncd had stored, as text in UTF-8. manifest.json lists the files with their lengths and
BLAKE3 hashes (b3sum).

*.jsonl has one JSON object per line; the members are those of `banksyncd --json`, and `raw` is the bank's own
row. Amounts are decimal strings, times are UTC. transactions.csv holds the booked rows once more, for spreadsheets.

No key, secret or token is in here, but all of it is personal data, and none of it is encrypted.
";

/// Writes the folder.
pub(super) async fn run(folder: &Path, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(cannot_write(folder, &io::ErrorKind::AlreadyExists.into()));
    }
    let draft = beside(folder, ".new");
    let failed = |error: io::Error| cannot_write(&draft, &error);
    DirBuilder::new().mode(0o700).create(&draft).map_err(failed)?;
    let written = write(&draft, ctx).await.and_then(|files| {
        fs::rename(&draft, folder).map_err(|error| cannot_write(folder, &error))?;
        Ok(files)
    });
    if written.is_err() {
        drop(fs::remove_dir_all(&draft));
    }
    for file in written? {
        if ctx.json {
            ctx.output.object(&file)?;
        } else {
            ctx.output.line(&format!("{:>10} {}", file.lines, file.name))?;
        }
    }
    ctx.output
        .note(&format!("in `{}`: readable by its owner, and not encrypted", folder.display()));
    Ok(Code::Ok)
}

/// One file, for the manifest.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    what: &'static str,
    lines: u64,
    bytes: u64,
    blake3: String,
}

/// A file that is being written.
struct Growing {
    path: PathBuf,
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    lines: u64,
    bytes: u64,
}

impl Growing {
    fn new(path: PathBuf) -> Result<Self, CliError> {
        let file = File::create_new(&path).map_err(|error| cannot_write(&path, &error))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file, hasher: blake3::Hasher::new(), lines: 0, bytes: 0 })
    }

    fn put(&mut self, piece: &[u8]) -> Result<(), CliError> {
        self.hasher.update(piece);
        let breaks = piece.split(|byte| *byte == b'\n').skip(1).count();
        self.lines = self.lines.saturating_add(u64::try_from(breaks).unwrap_or(u64::MAX));
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.file.write_all(piece).map_err(|error| cannot_write(&self.path, &error))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), CliError> {
        self.put(line)?;
        self.put(b"\n")
    }

    fn end(mut self, (name, what): (&'static str, &'static str)) -> Result<Entry, CliError> {
        let flushed = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        flushed.map_err(|error| cannot_write(&self.path, &error))?;
        let blake3 = self.hasher.finalize().to_hex().to_string();
        Ok(Entry { name, what, lines: self.lines, bytes: self.bytes, blake3 })
    }
}

async fn write(folder: &Path, ctx: &Ctx<'_>) -> Result<Vec<Entry>, CliError> {
    let mut entries = Vec::new();
    let mut changed = Vec::new();
    for (name, what) in FILES {
        let mut file = Growing::new(folder.join(name))?;
        let filled = fill(name, &mut file, &mut changed, ctx);
        Progress::during(&format!("writing {what}"), ctx.output.is_watched(), filled).await?;
        entries.push(file.end((name, what))?);
    }
    let mut manifest = Growing::new(folder.join("manifest.json"))?;
    let program = concat!("banksyncd ", env!("CARGO_PKG_VERSION"));
    let text = json!({ "archive": 1, "program": program, "files": entries });
    manifest.line(format!("{text:#}").as_bytes())?;
    manifest.end(("manifest.json", ""))?;
    let mut readme = Growing::new(folder.join("README.txt"))?;
    readme.put(README.as_bytes())?;
    readme.end(("README.txt", ""))?;
    Ok(entries)
}

/// Fills a file; `changed` gets the ids of rows with more than one version, for the last one.
async fn fill(
    name: &str,
    file: &mut Growing,
    changed: &mut Vec<String>,
    ctx: &Ctx<'_>,
) -> Result<(), CliError> {
    match name {
        "accounts.jsonl" => without(&path(&["accounts"]), &["next_pull_at"], file, ctx).await,
        "links.jsonl" => without(&path(&["links"]), &["url"], file, ctx).await,
        "balances.jsonl" => {
            let target = with_query(&path(&["balances"]), &[("history", Some("1"))]);
            lines(&target, file, ctx, |_line| Ok(())).await
        }
        "events.jsonl" => lines(&path(&["events"]), file, ctx, |_line| Ok(())).await,
        "transactions.csv" => table(file, ctx).await,
        "transactions.jsonl" => {
            let all = [("all", Some("1")), ("raw", Some("1"))];
            let target = with_query(&path(&["transactions"]), &all);
            lines(&target, file, ctx, |line| changed_row(line, changed)).await
        }
        _ => {
            for id in changed {
                let target = path(&["transactions", id, "history"]);
                let target = with_query(&target, &[("raw", Some("1"))]);
                lines(&target, file, ctx, |_line| Ok(())).await?;
            }
            Ok(())
        }
    }
}

/// A listing as it comes; `look` sees each line.
async fn lines(
    target: &str,
    file: &mut Growing,
    ctx: &Ctx<'_>,
    mut look: impl FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut lines = ctx.client.lines(Method::Get, target, None, Patience::Endless).await?;
    while let Some(line) = lines.next().await? {
        file.line(line)?;
        look(line)?;
    }
    Ok(())
}

/// A short listing without some members.
async fn without(
    target: &str,
    names: &[&str],
    file: &mut Growing,
    ctx: &Ctx<'_>,
) -> Result<(), CliError> {
    let mut lines = ctx.client.lines(Method::Get, target, None, Patience::Endless).await?;
    while let Some(line) = lines.next().await? {
        let mut members: serde_json::Map<String, Value> = parsed(line, "an object")?;
        members.retain(|name, _value| !names.contains(&name.as_str()));
        file.line(Value::Object(members).to_string().as_bytes())?;
    }
    Ok(())
}

async fn table(file: &mut Growing, ctx: &Ctx<'_>) -> Result<(), CliError> {
    let mut download = ctx.client.download("/v1/export", &json!({ "format": "csv" })).await?;
    while let Some(piece) = download.next().await? {
        file.put(&piece)?;
    }
    Ok(())
}

/// Notes the id of a row that has more than one version.
fn changed_row(line: &[u8], changed: &mut Vec<String>) -> Result<(), CliError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        revision: u64,
    }
    let row: Row = parsed(line, "a transaction")?;
    if row.revision > 1 {
        changed.push(row.id);
    }
    Ok(())
}

fn parsed<'a, T: Deserialize<'a>>(line: &'a [u8], what: &str) -> Result<T, CliError> {
    serde_json::from_slice(line)
        .map_err(|error| CliError::NotUnderstood { what: format!("{what}: {error}"), hint: None })
}
