//! Makes the stored rows what the replay made, in one transaction: a kill leaves all of it or nothing.
//!
//! Rows that agree are not touched. A row that differs gets the replay's columns and texts; its number, and so its id, stays.
//! The log and what is remembered of the accounts are the replay's afterwards, so that replaying again finds nothing.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};

use crate::store::codec::{BUILT_IN_ID, Packed, Packer, Unpacker};
use crate::store::error::Error;

use super::compare::{Facts, walk};

const OPERATION: &str = "apply the replay";

/// What is remembered of rows for taking accounts apart.
const UNION_TABLES: [&str; 2] = ["bank_transaction_before", "bank_transaction_twin"];

/// Makes it so.
pub(super) fn apply(
    connection: &mut Connection,
    scratch: &Connection,
    (packer, unpacker): (&mut Packer, &mut Unpacker),
) -> Result<(), Error> {
    let failed = || Error::sql(OPERATION);
    let numbers = differing(connection, scratch, unpacker)?;
    let step: Transaction<'_> =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    let mut other = Unpacker::default();
    for table in UNION_TABLES {
        step.execute(&format!("DELETE FROM {table}"), []).map_err(failed())?;
    }
    for number in numbers {
        for table in ["bank_transaction_absence", "bank_transaction_version"] {
            let sql = format!("DELETE FROM {table} WHERE bank_transaction = ?1");
            step.execute(&sql, [number]).map_err(failed())?;
        }
        step.execute("DELETE FROM bank_transaction WHERE number = ?1", [number])
            .map_err(failed())?;
        let mut texts = Texts { scratch, stored: &step, packer, other: &mut other };
        texts.take("bank_transaction", "number", number)?;
        texts.take("bank_transaction_version", "bank_transaction", number)?;
        copy(
            scratch,
            &step,
            "bank_transaction_absence",
            &format!("WHERE bank_transaction = {number}"),
        )?;
    }
    for table in ["answer_window", "answer", "coverage"] {
        step.execute(&format!("DELETE FROM {table}"), []).map_err(failed())?;
    }
    for table in ["answer", "answer_window", "coverage"].into_iter().chain(UNION_TABLES) {
        copy(scratch, &step, table, "")?;
    }
    let mut accounts =
        scratch.prepare("SELECT number, memory, rows_version FROM account").map_err(failed())?;
    let mut found = accounts.query([]).map_err(failed())?;
    while let Some(row) = found.next().map_err(failed())? {
        let values: [Value; 3] = [
            row.get(0).map_err(failed())?,
            row.get(1).map_err(failed())?,
            row.get(2).map_err(failed())?,
        ];
        let sql = "UPDATE account SET memory = ?2, rows_version = ?3 WHERE number = ?1";
        step.execute(sql, params_from_iter(values)).map_err(failed())?;
    }
    // The sums are those of other rows now: they are counted anew with the next answer.
    step.execute("DELETE FROM proof", []).map_err(failed())?;
    step.commit().map_err(failed())
}

/// Numbers of rows that are not the same on both sides.
fn differing(
    stored: &Connection,
    scratch: &Connection,
    unpacker: &mut Unpacker,
) -> Result<Vec<i64>, Error> {
    let (mut numbers, mut other) = (Vec::new(), Unpacker::default());
    walk((stored, scratch), (unpacker, &mut other), |one: Option<&Facts>, two| {
        if one != two {
            numbers.extend(one.or(two).map(|facts| facts.number));
        }
        Ok(())
    })?;
    Ok(numbers)
}

/// Takes rows over column by column, with these names in both databases.
fn copy(from: &Connection, to: &Connection, table: &str, condition: &str) -> Result<(), Error> {
    each(from, table, condition, |names, values| insert(to, table, names, values))
}

fn each(
    from: &Connection,
    table: &str,
    condition: &str,
    mut hear: impl FnMut(&[String], Vec<Value>) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = || Error::sql(OPERATION);
    let mut select =
        from.prepare(&format!("SELECT * FROM {table} {condition}")).map_err(failed())?;
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut rows = select.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let values =
            (0..names.len()).map(|at| row.get(at)).collect::<Result<_, _>>().map_err(failed())?;
        hear(&names, values)?;
    }
    Ok(())
}

fn insert(to: &Connection, table: &str, names: &[String], values: Vec<Value>) -> Result<(), Error> {
    let failed = || Error::sql(OPERATION);
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
    let mut statement = to.prepare_cached(&sql).map_err(failed())?;
    statement.execute(params_from_iter(values)).map(|_one| ()).map_err(failed())
}

/// Takes rows over whose text is packed: each database has dictionaries of its own.
struct Texts<'a> {
    scratch: &'a Connection,
    stored: &'a Connection,
    packer: &'a mut Packer,
    other: &'a mut Unpacker,
}

impl Texts<'_> {
    fn take(&mut self, table: &str, column: &str, number: i64) -> Result<(), Error> {
        let (scratch, stored) = (self.scratch, self.stored);
        each(scratch, table, &format!("WHERE {column} = {number}"), |names, mut values| {
            let at = |name: &str| names.iter().position(|other| other == name);
            let (Some(dictionary), Some(raw)) = (at("dictionary"), at("raw")) else {
                return Err(Error::Internal("a table of texts has no text"));
            };
            let (Some(Value::Integer(packed_with)), Some(Value::Blob(bytes))) =
                (values.get(dictionary), values.get(raw))
            else {
                return Err(Error::damaged("the text of a replayed transaction"));
            };
            let packed = Packed { dictionary: *packed_with, bytes };
            let text = self.other.unpack(scratch, packed)?;
            let packed =
                self.packer.pack(stored, own_dictionary(stored, number, scratch)?, &text)?;
            let (number, bytes) = (packed.dictionary, packed.bytes.to_vec());
            for (place, value) in [(dictionary, Value::Integer(number)), (raw, Value::Blob(bytes))]
            {
                if let Some(slot) = values.get_mut(place) {
                    *slot = value;
                }
            }
            insert(stored, table, names, values)
        })
    }
}

/// The dictionary of the account whose row this is.
fn own_dictionary(stored: &Connection, number: i64, scratch: &Connection) -> Result<i64, Error> {
    let failed = || Error::sql(OPERATION);
    let account: i64 = scratch
        .query_row("SELECT account FROM bank_transaction WHERE number = ?1", [number], |row| {
            row.get(0)
        })
        .map_err(failed())?;
    let dictionary: Option<i64> = stored
        .query_row("SELECT dictionary FROM account WHERE number = ?1", params![account], |row| {
            row.get(0)
        })
        .map_err(failed())?;
    Ok(dictionary.unwrap_or(BUILT_IN_ID))
}
