//! Forgetting an account: its rows go out of every table, and then out of the file.
//!
//! What is deleted is overwritten (`secure_delete`), but copies of rows that SQLite moved from page to page before they were
//! deleted may stay in the gaps of pages. So afterwards the whole file is written anew from what is left (`VACUUM`), and the
//! write-ahead log is emptied. That this is still to be done is noted with the deletion: a daemon that was killed in between
//! does it when it starts.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::id::AccountId;

use super::codec::{BUILT_IN_ID, Packed};
use super::error::Error;
use super::open::{self, Place};
use super::reconcile::Work;
use super::{events, row};

/// In the vault while deleted rows may still be in the file.
const UNCLEAN: &str = "file-unclean";

/// The account and all that became part of it.
const DOOMED: &str = "(SELECT part.number FROM account AS part JOIN account AS whole
                       ON whole.number IN (part.number, part.whole) WHERE whole.id = ?1)";

/// What goes. Foreign keys are looked at when all of it is gone.
const DELETIONS: [&str; 18] = [
    "DELETE FROM bank_transaction_before WHERE account_union IN
     (SELECT number FROM account_union WHERE account IN DOOMED)",
    "DELETE FROM bank_transaction_twin WHERE account_union IN
     (SELECT number FROM account_union WHERE account IN DOOMED)",
    "DELETE FROM bank_transaction_absence WHERE bank_transaction IN
     (SELECT number FROM bank_transaction WHERE account IN DOOMED)",
    "DELETE FROM bank_transaction_version WHERE bank_transaction IN
     (SELECT number FROM bank_transaction WHERE account IN DOOMED)",
    "DELETE FROM bank_transaction WHERE account IN DOOMED",
    "DELETE FROM answer_window WHERE account IN DOOMED",
    "DELETE FROM answer WHERE run IN (SELECT number FROM run WHERE account IN DOOMED)",
    "DELETE FROM coverage WHERE account IN DOOMED",
    "DELETE FROM not_understood WHERE account IN DOOMED",
    "DELETE FROM proof WHERE account IN DOOMED",
    "DELETE FROM balance_series WHERE account IN DOOMED",
    "DELETE FROM balance_answer WHERE account IN DOOMED",
    "DELETE FROM call WHERE account IN DOOMED",
    // Rows of accounts that were taken apart from this one go by its runs: their times stay with those.
    "UPDATE run SET changes = NULL, balances = NULL, account = (
       SELECT account FROM bank_transaction WHERE run.number IN (first_run, revision_run)
       UNION ALL SELECT account FROM bank_transaction_version JOIN bank_transaction
       ON bank_transaction.number = bank_transaction WHERE bank_transaction_version.run = run.number
     ) WHERE account IN DOOMED AND number IN (
       SELECT first_run FROM bank_transaction UNION SELECT revision_run FROM bank_transaction
       UNION SELECT run FROM bank_transaction_version)",
    // The time of an event counts from its run.
    "UPDATE event SET run = NULL, after_ms = (SELECT started_at + coalesce(event.after_ms, took_ms)
     FROM run WHERE number = event.run)
     WHERE run IN (SELECT number FROM run WHERE account IN DOOMED)",
    "DELETE FROM run WHERE account IN DOOMED",
    "DELETE FROM account_alias WHERE account IN DOOMED",
    "DELETE FROM account_union WHERE account IN DOOMED",
];

/// Deletes everything of an account. What events say of it beyond code, time and message goes, too.
pub(super) fn forget(work: &mut Work<'_>, account: AccountId) -> Result<(), Error> {
    let failed = || Error::sql("forget an account");
    let step = work.connection;
    step.execute_batch("PRAGMA defer_foreign_keys = ON").map_err(failed())?;
    for table in ["bank_transaction", "answer"] {
        never_again(step, table)?;
    }
    let id = row::bytes(account.bits());
    let run = |sql: &str| {
        step.execute(&sql.replace("DOOMED", DOOMED), [id]).map(|_rows| ()).map_err(failed())
    };
    DELETIONS.iter().try_for_each(|sql| run(sql))?;
    let sql = "SELECT number, id, dictionary FROM account WHERE number IN DOOMED";
    let mut statement = step.prepare(&sql.replace("DOOMED", DOOMED)).map_err(failed())?;
    let parts: Vec<(i64, AccountId, Option<i64>)> = statement
        .query_map([id], |row| Ok((row.get(0)?, row::account_id(row, "id")?, row.get(2)?)))
        .and_then(Iterator::collect)
        .map_err(failed())?;
    drop(statement);
    for (number, id, dictionary) in parts {
        events::blank(step, id)?;
        step.execute("DELETE FROM account WHERE number = ?1", [number]).map_err(failed())?;
        if let Some(dictionary) = dictionary {
            forget_words(work, dictionary)?;
        }
    }
    let sql = "INSERT INTO vault (name, value) VALUES (?1, '') ON CONFLICT (name) DO NOTHING";
    step.execute(sql, [UNCLEAN]).map(|_row| ()).map_err(failed())
}

/// Empties a dictionary, which is made of rows of the account. Rows of other accounts that need it (one that was taken apart
/// from this) are packed with the one that all have. Its number stays taken: whoever has it ready must not take another
/// for it.
fn forget_words(work: &mut Work<'_>, dictionary: i64) -> Result<(), Error> {
    let failed = || Error::sql("forget an account's dictionary");
    let step = work.connection;
    for (table, key) in
        [("bank_transaction", "number"), ("bank_transaction_version", "bank_transaction")]
    {
        let sql = format!("SELECT {key}, revision, raw FROM {table} WHERE dictionary = ?1");
        let mut statement = step.prepare(&sql).map_err(failed())?;
        let rows: Vec<(i64, i64, Vec<u8>)> = statement
            .query_map([dictionary], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .and_then(Iterator::collect)
            .map_err(failed())?;
        let sql = format!(
            "UPDATE {table} SET dictionary = ?3, raw = ?4 WHERE {key} = ?1 AND revision = ?2"
        );
        let mut update = step.prepare(&sql).map_err(failed())?;
        for (number, revision, bytes) in rows {
            let text = work.unpacker.unpack(step, Packed { dictionary, bytes: &bytes })?;
            let packed = work.packer.pack(step, BUILT_IN_ID, &text)?;
            let values = params![number, revision, packed.dictionary, packed.bytes];
            update.execute(values).map_err(failed())?;
        }
    }
    step.execute("UPDATE account SET dictionary = NULL WHERE dictionary = ?1", [dictionary])
        .and_then(|_rows| {
            step.execute("UPDATE dictionary SET content = x'' WHERE id = ?1", [dictionary])
        })
        .map(|_row| ())
        .map_err(failed())
}

fn last_number(table: &str) -> String {
    format!("last-number-of-{table}")
}

/// Notes the greatest number of a table, so that it is not given again when its row is gone: cursors and unions go by
/// numbers.
fn never_again(step: &Connection, table: &str) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO vault (name, value) SELECT ?1, coalesce(max(number), 0) FROM {table} WHERE true
         ON CONFLICT (name) DO UPDATE
         SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))"
    );
    step.execute(&sql, [last_number(table)])
        .map(|_row| ())
        .map_err(Error::sql("note the last number of a table"))
}

/// The number for the next row of a table where it must not be the one that SQLite would take: a greater one was in use.
pub(super) fn next_number(connection: &Connection, table: &str) -> Result<Option<i64>, Error> {
    let failed = || Error::sql("find the next number of a table");
    let sql = format!(
        "SELECT CAST(value AS INTEGER) + 1 FROM vault WHERE name = ?1
         AND CAST(value AS INTEGER) > (SELECT coalesce(max(number), 0) FROM {table})"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    statement.query_row([last_number(table)], |row| row.get(0)).optional().map_err(failed())
}

/// Whether rows that were deleted may still be in the file.
fn is_unclean(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM vault WHERE name = ?1)";
    connection.query_row(sql, [UNCLEAN], |row| row.get(0)).map_err(Error::sql("read the vault"))
}

/// Writes the file anew, if deleted rows may still be in it; needs as much space again as it has.
///
/// # Errors
/// Then it is still to be done.
pub(super) fn clean(connection: &Connection, place: &Place) -> Result<(), Error> {
    if !is_unclean(connection)? {
        return Ok(());
    }
    open::rewrite(place)?;
    open::empty_log(connection)?;
    connection
        .execute("DELETE FROM vault WHERE name = ?1", [UNCLEAN])
        .map(|_row| ())
        .map_err(Error::sql("note that the file is clean"))
}
