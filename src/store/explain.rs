//! All that is stored about one transaction and its neighbours, to explain why it is one row.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::model::id::TransactionId;
use crate::planner::reconcile::tiers::DATES_APART_DAYS_MAX;
use crate::planner::reconcile::{Memory, StoredRow};

use super::answers;
use super::coverage::{EVERYTHING_DAYS, Seen};
use super::documents;
use super::error::Error;
use super::rows;
use super::transactions::{self, Owner, TransactionRow, VersionRow};
use super::worker::Reader;

/// More rows than this on neighbouring days are not looked at.
const NEIGHBOURS_MAX: usize = 2_000;

/// What there is to say about a transaction.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Itself.
    pub row: TransactionRow,
    /// Its texts, oldest first.
    pub versions: Vec<VersionRow>,
    /// Distinct stored answers that had it.
    pub answers: u64,
    /// Other rows of the account that are near enough to be taken for it.
    pub neighbours: Vec<Neighbour>,
    /// What is remembered of the account.
    pub memory: Memory,
}

/// Another row on neighbouring days.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Itself.
    pub row: TransactionRow,
    /// An answer had both: no matching could ever make them one.
    pub in_one_answer: bool,
}

/// Collects it; `None` if there is no such transaction.
pub(super) fn explain(
    reader: &mut Reader,
    id: TransactionId,
) -> Result<Option<Explanation>, Error> {
    let versions = transactions::versions(reader, id)?;
    let identity = reader.identity;
    let (connection, unpacker) = reader.parts()?;
    let Some((number, account, account_id)) = transactions::find(connection, identity, id)? else {
        return Ok(None);
    };
    let seen = Seen::load(connection, account)?;
    let owner = Owner { identity, account_id, seen: &seen };
    let mut load = |number| transactions::load(connection, unpacker, &owner, number);
    let Some(row) = load(number)? else { return Ok(None) };
    let near = near(connection, account, number)?;
    let (count, together) = answers_with(connection, account, number)?;
    let mut neighbours = Vec::new();
    for other in near {
        let in_one_answer = together.contains(&other);
        neighbours.extend(load(other)?.map(|row| Neighbour { row, in_one_answer }));
    }
    let memory = documents::memory(connection, account)?;
    Ok(Some(Explanation { row, versions, answers: count, neighbours, memory }))
}

/// Numbers of the other rows that are at most as far away as matching looks; of undated rows for an undated one.
fn near(connection: &Connection, account: i64, number: i64) -> Result<Vec<i64>, Error> {
    let this = rows::one(connection, number)?;
    let from = this
        .effective_date
        .map_or(EVERYTHING_DAYS, |date| date.epoch_days().saturating_sub(DATES_APART_DAYS_MAX));
    let (all, _) = rows::load_window(connection, account, Some(from))?;
    let apart = |other: &StoredRow| match (this.effective_date, other.effective_date) {
        (Some(one), Some(other)) => one.epoch_days().abs_diff(other.epoch_days()),
        (None, None) => 0,
        _ => u64::MAX,
    };
    let mut near: Vec<_> = all
        .iter()
        .filter(|other| other.number != number)
        .map(|other| (apart(other), other.number))
        .filter(|(apart, _)| *apart <= DATES_APART_DAYS_MAX.unsigned_abs())
        .collect();
    near.sort_unstable();
    near.truncate(NEIGHBOURS_MAX);
    Ok(near.into_iter().map(|(_, number)| number).collect())
}

/// How many distinct answers had a row, and which other rows were in one of them.
fn answers_with(
    connection: &Connection,
    account: i64,
    number: i64,
) -> Result<(u64, BTreeSet<i64>), Error> {
    let failed = || Error::sql("read stored answers");
    let mut statement = connection
        .prepare_cached(
            "SELECT items FROM answer JOIN run ON run.number = run WHERE typeof(items) = 'blob' AND account IN
                  (SELECT number FROM account WHERE number = ?1 OR whole = ?1)",
        )
        .map_err(failed())?;
    let mut found = statement.query(params![account]).map_err(failed())?;
    let (mut count, mut together) = (0_u64, BTreeSet::new());
    while let Some(row) = found.next().map_err(failed())? {
        let bytes: Vec<u8> = row.get(0).map_err(failed())?;
        let items =
            answers::decode(&bytes).ok_or_else(|| Error::damaged("the rows of an answer"))?;
        let numbers: BTreeSet<i64> = items
            .booked
            .iter()
            .chain(items.pending.iter().flatten())
            .map(|item| item.number)
            .collect();
        if numbers.contains(&number) {
            count = count.saturating_add(1);
            together.extend(numbers);
        }
    }
    Ok((count, together))
}
