//! Keeps the balance proof's memory beside the rows it sums up, and brings it what it compares.
//!
//! What a difference means is decided in [`crate::planner::proof`]. The sums run along with the answers; where the rows were
//! changed otherwise (their version tells), they are counted anew from the rows.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::id::AccountId;
use crate::model::money::CurrencyCode;
use crate::model::port::RowReader;
use crate::model::time::UtcInstant;
use crate::planner::proof::{Finding, Kind, Look, Proof, Row, Stated, Sums};
use crate::planner::reconcile::AnswerFacts;

use super::balance_listing::{self, BalanceRow};
use super::codec::{Packed, Unpacker};
use super::error::Error;
use super::reconcile::{AccountRows, Reconciled, Work};
use super::row::{self, Status};

/// What the proof says after an answer.
pub(super) struct Said {
    pub(super) findings: Vec<Finding>,
    /// The next answer is to be asked for without a date.
    pub(super) wants_everything: bool,
}

/// What is remembered, before an answer changes the rows.
pub(super) fn load(work: &mut Work<'_>, account: &AccountRows) -> Result<Proof, Error> {
    match stored(work.connection, account.number)? {
        Some(proof) if proof.rows_version == account.rows_version => Ok(proof),
        _ => count(work.connection, work.unpacker, work.reader, account.number).map(Proof::new),
    }
}

fn stored(connection: &Connection, account: i64) -> Result<Option<Proof>, Error> {
    let failed = Error::sql("read the sums of an account");
    let sql = "SELECT doc FROM proof WHERE account = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let doc: Option<String> =
        statement.query_row([account], |row| row.get(0)).optional().map_err(failed)?;
    doc.map(|doc| {
        serde_json::from_str(&doc).map_err(Error::document("read the sums of an account"))
    })
    .transpose()
}

/// The sums of the listed rows of an account, from the rows themselves.
fn count(
    connection: &Connection,
    unpacker: &mut Unpacker,
    reader: &dyn RowReader,
    account: i64,
) -> Result<Sums, Error> {
    let failed = || Error::sql("count the sums of an account");
    let sql =
        "SELECT status, dictionary, raw FROM bank_transaction WHERE account = ?1 AND state = 0";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query([account]).map_err(failed())?;
    let mut sums = Sums::default();
    while let Some(row) = rows.next().map_err(failed())? {
        let status = row.get::<_, Status>(0).map_err(failed())?.0;
        let dictionary: i64 = row.get(1).map_err(failed())?;
        let bytes: Vec<u8> = row.get(2).map_err(failed())?;
        let text = unpacker.unpack(connection, Packed { dictionary, bytes: &bytes })?;
        sums.add(&Row::new(&reader.key(&text), status));
    }
    Ok(sums)
}

/// Compares after an answer was reconciled, and remembers.
pub(super) fn after(
    work: &mut Work<'_>,
    (account, account_id): (&AccountRows, AccountId),
    (run_began, facts): (UtcInstant, &AnswerFacts),
    outcome: &Reconciled,
    mut proof: Proof,
) -> Result<Said, Error> {
    let failed = Error::sql("store the sums of an account");
    proof.answered(&outcome.moves, facts.date_from.is_none());
    let mut balances = balance_listing::newest_answer(
        (work.connection, work.unpacker),
        account.number,
        account_id,
    )?;
    // Those of another pull belong to other rows.
    balances.retain(|balance| balance.fetched_at >= run_began);
    let stated: Vec<Stated> =
        balances.iter().filter_map(|balance| stated_by(balance, work.reader)).collect();
    let look = Look { at: facts.at, floor: outcome.coverage.floor, balances: &stated };
    let findings = proof.look(&look);
    proof.rows_version = account.rows_version;
    let doc =
        serde_json::to_string(&proof).map_err(Error::document("store the sums of an account"))?;
    let sql = "INSERT INTO proof (account, doc) VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET doc = excluded.doc";
    let mut statement = work.connection.prepare_cached(sql).map_err(&failed)?;
    statement.execute(params![account.number, doc]).map_err(failed)?;
    Ok(Said { findings, wants_everything: proof.wants_everything() })
}

/// A balance that rows can prove.
fn stated_by(row: &BalanceRow, reader: &dyn RowReader) -> Option<Stated> {
    let balance = &row.balance;
    let money = balance.money.as_ref()?;
    Some(Stated {
        kind: Kind::from_type(&balance.balance_type)?,
        currency: CurrencyCode::parse(&money.currency.0)?,
        amount: money.amount,
        reference_date: balance.reference_date,
        limit_included: reader.includes_credit_limit(&balance.raw),
    })
}

/// The accounts whose sums are not those of their rows, and how many were counted.
pub(super) fn verify(
    connection: &Connection,
    unpacker: &mut Unpacker,
    reader: &dyn RowReader,
) -> Result<(Vec<AccountId>, usize), Error> {
    let failed = || Error::sql("read the sums of accounts");
    let sql = "SELECT number, id, rows_version FROM account JOIN proof ON proof.account = number";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let accounts = statement
        .query_map([], |row| Ok((row.get(0)?, row::account_id(row, "id")?, row.get(2)?)))
        .map_err(failed())?;
    let accounts: Vec<(i64, AccountId, i64)> =
        accounts.collect::<Result<_, _>>().map_err(failed())?;
    let mut wrong = Vec::new();
    for (number, id, rows_version) in &accounts {
        let Some(proof) = stored(connection, *number)? else { continue };
        let of_these_rows = proof.rows_version == *rows_version;
        if of_these_rows && !proof.sums.agree_with(&count(connection, unpacker, reader, *number)?) {
            wrong.push(*id);
        }
    }
    Ok((wrong, accounts.len()))
}
