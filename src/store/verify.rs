//! Verification: is the file whole, is the schema ours, do the store's own invariants hold?
//!
//! The cipher's check reads the main file and not the log: it must come right after a truncating checkpoint, with nobody
//! writing in between, or it reports damage where there is none. Everything else runs on a reader.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use serde::Serialize;

use crate::model::port::RowReader;

use super::answers;
use super::balances;
use super::codec::{Packed, Unpacker};
use super::error::Error;
use super::open;
use super::proof;
use super::rows;
use super::schema;
use super::worker::{Reader, Workers};

/// Findings quoted in a detail; the rest is counted.
const QUOTED_MAX: usize = 5;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub name: String,
    /// Whether it found nothing.
    pub ok: bool,
    /// What it found, or how much it looked at.
    pub detail: String,
}

impl Check {
    fn new(name: &str, result: Result<Found, Error>) -> Self {
        let (ok, detail) = match result {
            Ok(Found { problems, looked_at }) if problems.is_empty() => (true, looked_at),
            Ok(Found { problems, .. }) => {
                let mut detail =
                    problems.iter().take(QUOTED_MAX).cloned().collect::<Vec<_>>().join("; ");
                if problems.len() > QUOTED_MAX {
                    detail =
                        format!("{detail}; and {} more", problems.len().saturating_sub(QUOTED_MAX));
                }
                (false, detail)
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
                (false, format!("{error}{}", source.unwrap_or_default()))
            }
        };
        Self { name: name.to_owned(), ok, detail }
    }
}

/// What a check saw.
struct Found {
    problems: Vec<String>,
    looked_at: String,
}

impl Found {
    fn none(looked_at: impl Into<String>) -> Self {
        Self { problems: Vec::new(), looked_at: looked_at.into() }
    }
}

type Test = fn(&mut Connection, &mut Unpacker, &dyn RowReader) -> Result<Found, Error>;

/// On the writer, before and after the cipher's check.
const INTEGRITY: (&str, Test) =
    ("integrity", |connection, _, _| pragma(connection, "integrity_check", "ok"));

/// On a reader.
const TESTS: [(&str, Test); 9] = [
    ("foreign_keys", |connection, _, _| foreign_keys(connection)),
    ("schema", |connection, _, _| schema_version(connection)),
    ("index", |connection, _, _| index_counts(connection)),
    ("references", |connection, _, _| references(connection)),
    ("transactions", |connection, unpacker, _| transactions(connection, unpacker)),
    ("versions", |connection, unpacker, _| versions(connection, unpacker)),
    ("answers", |connection, _, _| stored_answers(connection)),
    ("balances", |connection, unpacker, _| stored_balances(connection, unpacker)),
    ("sums", |connection, unpacker, reader| sums(connection, unpacker, reader)),
];

/// Runs all checks in order.
pub(super) async fn verify(
    workers: &Workers,
    rows: Arc<dyn RowReader>,
    mut progress: impl FnMut(&Check) + Send + 'static,
) -> Result<Vec<Check>, Error> {
    let mut checks = Vec::new();
    let mut note = |check: Check| {
        progress(&check);
        checks.push(check);
    };
    let (name, test) = INTEGRITY;
    let read = Arc::clone(&rows);
    note(workers.read(move |reader| run(reader, name, test, read.as_ref())).await?);
    for check in workers
        .write(|writer| {
            let connection = writer.connection()?;
            Ok([
                Check::new("checkpoint", checkpoint(connection)),
                Check::new("cipher", cipher(connection)),
            ])
        })
        .await?
    {
        note(check);
    }
    for (name, test) in TESTS {
        let read = Arc::clone(&rows);
        note(workers.read(move |reader| run(reader, name, test, read.as_ref())).await?);
    }
    Ok(checks)
}

/// Every table with its indexes, each in a job of its own. Whatever the pager reads, the cipher has authenticated.
pub(super) async fn look_for_damage(workers: &Workers) -> Result<(), Error> {
    let failed = || Error::sql("check the file");
    let tables = workers
        .read(move |reader| {
            let (connection, _) = reader.parts()?;
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
            let mut statement = connection.prepare(sql).map_err(failed())?;
            let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed())?;
            names.collect::<Result<Vec<_>, _>>().map_err(failed())
        })
        .await?;
    for table in tables {
        workers
            .read(move |reader| {
                let (connection, _) = reader.parts()?;
                let found = pragma(connection, &format!("quick_check('{table}')"), "ok")?;
                reader.rest()?;
                match found.problems.first() {
                    None => Ok(()),
                    Some(problem) => Err(Error::damaged(format!("table {table} ({problem})"))),
                }
            })
            .await?;
    }
    Ok(())
}

/// Checks every page of a database that nobody else uses: the cipher's seals and SQLite's own rules.
pub(super) fn pages(connection: &Connection) -> Result<(), Error> {
    checkpoint(connection)?;
    let problems =
        [cipher(connection)?.problems, pragma(connection, "integrity_check", "ok")?.problems];
    match problems.into_iter().flatten().next() {
        Some(problem) => Err(Error::damaged(&problem)),
        None => Ok(()),
    }
}

fn run(reader: &mut Reader, name: &str, test: Test, rows: &dyn RowReader) -> Result<Check, Error> {
    let (connection, unpacker) = reader.parts()?;
    Ok(Check::new(name, test(connection, unpacker, rows)))
}

fn pragma(connection: &Connection, name: &str, fine: &str) -> Result<Found, Error> {
    let failed = || Error::sql("check the file");
    let mut statement = connection.prepare(&format!("PRAGMA {name}")).map_err(failed())?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed())?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(failed())?;
    let problems = lines.into_iter().filter(|line| line != fine).collect();
    Ok(Found { problems, looked_at: String::new() })
}

fn checkpoint(connection: &Connection) -> Result<Found, Error> {
    let empty = open::checkpoint(connection)?;
    let problems =
        if empty { Vec::new() } else { vec!["the write-ahead log is in use".to_owned()] };
    Ok(Found { problems, looked_at: String::new() })
}

fn cipher(connection: &Connection) -> Result<Found, Error> {
    pragma(connection, "cipher_integrity_check", "")
}

fn foreign_keys(connection: &Connection) -> Result<Found, Error> {
    let failed = || Error::sql("check the file");
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(failed())?;
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed())?;
    let tables: Vec<String> = tables.collect::<Result<_, _>>().map_err(failed())?;
    let problems =
        tables.into_iter().map(|table| format!("a row of {table} refers to nothing")).collect();
    Ok(Found { problems, looked_at: String::new() })
}

fn schema_version(connection: &Connection) -> Result<Found, Error> {
    let version = schema::check(connection)?;
    Ok(Found::none(format!("version {version}")))
}

fn index_counts(connection: &Connection) -> Result<Found, Error> {
    let count = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(Error::sql("count transactions"))
    };
    let table = count("SELECT count(*) FROM bank_transaction NOT INDEXED")?;
    let index = count("SELECT count(*) FROM bank_transaction INDEXED BY bank_transaction_window")?;
    let problems = if table == index {
        Vec::new()
    } else {
        vec![format!("{table} transactions, {index} in the index")]
    };
    Ok(Found { problems, looked_at: format!("{table} transactions") })
}

/// What would be foreign keys of transactions, and that absences stand beside rows that are absent.
fn references(connection: &Connection) -> Result<Found, Error> {
    let failed = Error::sql("check what transactions refer to");
    let mut problems = Vec::new();
    for (what, sql) in [
        (
            "transactions without their account",
            "SELECT count(*) FROM bank_transaction WHERE account NOT IN (SELECT number FROM account)",
        ),
        (
            "transactions without their first run",
            "SELECT count(*) FROM bank_transaction WHERE first_run NOT IN (SELECT number FROM run)",
        ),
        (
            "transactions without their dictionary",
            "SELECT count(*) FROM bank_transaction WHERE dictionary <> 0
             AND dictionary NOT IN (SELECT id FROM dictionary)",
        ),
        (
            "absences that do not fit their transaction",
            "SELECT (SELECT count(*) FROM bank_transaction_absence JOIN bank_transaction
             ON number = bank_transaction WHERE state = 0)
             + (SELECT count(*) FROM bank_transaction WHERE state IN (1, 2) AND number NOT IN
             (SELECT bank_transaction FROM bank_transaction_absence))",
        ),
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(&failed)?;
        if count > 0 {
            problems.push(format!("{count} {what}"));
        }
    }
    Ok(Found { problems, looked_at: String::new() })
}

/// A packed text, from its columns `dictionary` and `raw`.
fn packed<'row>(row: &'row Row<'_>) -> rusqlite::Result<Packed<'row>> {
    Ok(Packed { dictionary: row.get("dictionary")?, bytes: row.get_ref("raw")?.as_blob()? })
}

fn transactions(connection: &mut Connection, unpacker: &mut Unpacker) -> Result<Found, Error> {
    let failed = || Error::sql("read transactions");
    // One transaction after another in the order of the table, its text against its hash.
    let sql =
        "SELECT number, dictionary, raw, hash FROM bank_transaction NOT INDEXED ORDER BY number";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let (mut problems, mut count) = (Vec::new(), 0_u64);
    while let Some(row) = rows.next().map_err(failed())? {
        count += 1;
        let number: i64 = row.get(0).map_err(failed())?;
        let text = packed(row).map_err(failed())?;
        let hash: [u8; 16] = row.get(3).map_err(failed())?;
        match unpacker.unpack(connection, text) {
            Ok(text) if rows::hash(&text) == hash => {}
            Ok(_) => problems.push(format!("the text of row {number} does not have its hash")),
            Err(error) => problems.push(format!("row {number}: {error}")),
        }
    }
    Ok(Found { problems, looked_at: format!("{count} rows read") })
}

fn versions(connection: &mut Connection, unpacker: &mut Unpacker) -> Result<Found, Error> {
    let failed = || Error::sql("read versions of transactions");
    let sql = "SELECT v.bank_transaction, v.revision, t.revision, v.dictionary, v.raw FROM bank_transaction_version AS v
               LEFT JOIN bank_transaction AS t ON t.number = v.bank_transaction";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let (mut problems, mut count) = (Vec::new(), 0_u64);
    while let Some(row) = rows.next().map_err(failed())? {
        count += 1;
        let [number, revision]: [i64; 2] =
            [row.get(0).map_err(failed())?, row.get(1).map_err(failed())?];
        let newest: Option<i64> = row.get(2).map_err(failed())?;
        if newest.is_none_or(|newest| revision >= newest) {
            problems.push(format!("row {number} has a version {revision} too many"));
        }
        if let Err(error) = unpacker.unpack(connection, packed(row).map_err(failed())?) {
            problems.push(format!("version {revision} of row {number}: {error}"));
        }
    }
    Ok(Found { problems, looked_at: format!("{count} versions read") })
}

fn stored_answers(connection: &Connection) -> Result<Found, Error> {
    let failed = || Error::sql("read answers");
    let sql = "SELECT a.number, first.items FROM answer AS a
               LEFT JOIN answer AS first ON first.number = iif(typeof(a.items) = 'integer', a.items, a.number)";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let (mut problems, mut count) = (Vec::new(), 0_u64);
    while let Some(row) = rows.next().map_err(failed())? {
        count += 1;
        let number: i64 = row.get(0).map_err(failed())?;
        let items = row.get_ref(1).map_err(failed())?.as_blob_or_null();
        let readable = items.ok().flatten().and_then(answers::decode);
        if readable.is_none() {
            problems.push(format!("the rows of answer {number}"));
        }
    }
    Ok(Found { problems, looked_at: format!("{count} answers") })
}

fn stored_balances(connection: &Connection, unpacker: &mut Unpacker) -> Result<Found, Error> {
    let (problems, count) = balances::verify(connection, unpacker)?;
    Ok(Found { problems, looked_at: format!("{count} balances read") })
}

/// The sums that run along with the answers, against the rows.
fn sums(
    connection: &Connection,
    unpacker: &mut Unpacker,
    reader: &dyn RowReader,
) -> Result<Found, Error> {
    let (wrong, counted) = proof::verify(connection, unpacker, reader)?;
    let problems = wrong.iter().map(|id| format!("the sums of {id} are not those of its rows"));
    Ok(Found { problems: problems.collect(), looked_at: format!("{counted} accounts") })
}
