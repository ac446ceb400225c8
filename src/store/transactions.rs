//! Transactions as they are given out: one, its versions, and what a listing is made of (see [`super::merge`]).

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::model::id::{AccountId, RunId, TransactionId};
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::reconcile::tiers::Tier;

use super::codec::{Packed, Unpacker};
use super::coverage::Seen;
use super::error::Error;
use super::row::{self, State, Status};
use super::schema::Identity;
use super::worker::Reader;

/// Which transactions to list. The default is the current booked rows of all accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilter {
    /// Of this account only.
    pub account_id: Option<AccountId>,
    /// Effective date, inclusive; leaves undated rows out.
    pub from: Option<BankDate>,
    /// Effective date, inclusive; leaves undated rows out.
    pub to: Option<BankDate>,
    /// Current pending rows too.
    pub pending: bool,
    /// Every row in every state.
    pub all: bool,
}

/// A stored transaction: what the store knows of it, and the bank's row to read the rest from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// For ever.
    pub id: TransactionId,
    /// Whose.
    pub account_id: AccountId,
    /// Whether the bank has booked it.
    pub booking_status: BookingStatus,
    /// What it is to us.
    pub state: RowState,
    /// Booking date, else value date, else the date part of the date-times.
    pub effective_date: Option<BankDate>,
    /// When its first run began.
    pub first_seen_at: UtcInstant,
    /// When the latest answer came that surely covered it and had it.
    pub last_seen_at: UtcInstant,
    /// 1, and one more with every other text.
    pub revision: u32,
    /// As received, every byte.
    pub raw: String,
}

/// A text that a transaction has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// From 1.
    pub revision: u32,
    /// The run that brought it.
    pub run_id: RunId,
    /// When that run began.
    pub at: UtcInstant,
    /// The evidence by which it goes on from the one before; `None` for the first.
    pub tier: Option<Tier>,
    /// As received.
    pub raw: String,
}

/// The columns of a row, before its text is unpacked.
pub(super) struct Columns {
    pub(super) number: i64,
    status: BookingStatus,
    state: RowState,
    pub(super) effective: Option<i64>,
    lead_days: i64,
    first_seen: UtcInstant,
    absent_seen: Option<UtcInstant>,
    revision: u32,
    dictionary: i64,
}

/// What [`columns`] reads, from `bank_transaction AS t` and its first run.
macro_rules! select_columns {
    ($rest:literal) => {
        concat!(
            "SELECT t.number, status, state, effective, lead_days, started_at, revision, dictionary, raw,
             CASE WHEN t.state <> 0 THEN (SELECT last_seen_at FROM bank_transaction_absence
              WHERE bank_transaction = t.number) END AS last_seen_at
             FROM ", $rest
        )
    };
}
pub(super) use select_columns;

/// Reads a row of a query made with [`select_columns`].
pub(super) fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        number: row.get(0)?,
        status: row.get::<_, Status>(1)?.0,
        state: row.get::<_, State>(2)?.0,
        effective: row.get(3)?,
        lead_days: row.get(4)?,
        first_seen: UtcInstant::from_ms(row.get(5)?),
        revision: row.get(6)?,
        dictionary: row.get(7)?,
        absent_seen: row.get::<_, Option<i64>>(9)?.map(UtcInstant::from_ms),
    })
}

/// The packed text of the same row.
pub(super) fn packed_text<'r>(row: &'r Row<'_>) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(8)?.as_blob()?)
}

/// Whose row it is and what is needed to finish it.
pub(super) struct Owner<'a> {
    pub(super) identity: Identity,
    pub(super) account_id: AccountId,
    pub(super) seen: &'a Seen,
}

/// Unpacks a row.
pub(super) fn finish(
    connection: &Connection,
    unpacker: &mut Unpacker,
    owner: &Owner<'_>,
    (found, bytes): (&Columns, &[u8]),
) -> Result<TransactionRow, Error> {
    let packed = Packed { dictionary: found.dictionary, bytes };
    let raw = unpacker.unpack(connection, packed)?;
    let (lead, filterable) = row::lead(found.lead_days);
    let earliest = row::date(found.effective.map(|days| days.saturating_sub(lead)));
    let current = found.state == RowState::Current;
    let last_seen = if current { owner.seen.last(earliest, filterable) } else { found.absent_seen };
    Ok(TransactionRow {
        id: row::transaction_id(owner.identity, found.first_seen, found.number),
        account_id: owner.account_id,
        booking_status: found.status,
        state: found.state,
        effective_date: row::date(found.effective),
        first_seen_at: found.first_seen,
        last_seen_at: last_seen.map_or(found.first_seen, |at| at.max(found.first_seen)),
        revision: found.revision,
        raw,
    })
}

/// One row by its number; `None` if it is gone.
pub(super) fn load(
    connection: &Connection,
    unpacker: &mut Unpacker,
    owner: &Owner<'_>,
    number: i64,
) -> Result<Option<TransactionRow>, Error> {
    let failed = Error::sql("read a transaction");
    let sql = select_columns!(
        "bank_transaction AS t JOIN run ON run.number = t.first_run WHERE t.number = ?1"
    );
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query([number]).map_err(&failed)?;
    let Some(row) = rows.next().map_err(&failed)? else { return Ok(None) };
    let (found, bytes) = (columns(row).map_err(&failed)?, packed_text(row).map_err(failed)?);
    finish(connection, unpacker, owner, (&found, bytes)).map(Some)
}

/// First and last effective day of an account's current booked rows.
pub(super) fn days(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<(BankDate, BankDate)>, Error> {
    let failed = Error::sql("read the days of an account");
    let sql = "SELECT min(effective), max(effective) FROM bank_transaction AS t JOIN account ON account.number = t.account
               WHERE account.id = ?1 AND state = 0 AND status = 0";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let (first, last) = statement
        .query_row([row::bytes(account.bits())], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failed)?;
    Ok(row::date(first).zip(row::date(last)))
}

/// Decodes and checks a public id: the row's number and its account.
pub(super) fn find(
    connection: &Connection,
    identity: Identity,
    id: TransactionId,
) -> Result<Option<(i64, i64, AccountId)>, Error> {
    let failed = Error::sql("find a transaction");
    let Some(number) = row::transaction_number(identity, id) else { return Ok(None) };
    let sql = "SELECT run.started_at, account.number, account.id AS account_id FROM bank_transaction AS t
               JOIN run ON run.number = t.first_run JOIN account AS part ON part.number = t.account
               JOIN account ON account.number = coalesce(part.whole, part.number) WHERE t.number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let found = statement
        .query_row([number], |row| {
            Ok((row::instant(row, "started_at")?, row.get(1)?, row::account_id(row, "account_id")?))
        })
        .optional()
        .map_err(failed)?;
    Ok(found
        .filter(|(first_seen, ..)| row::transaction_id(identity, *first_seen, number) == id)
        .map(|(_, account, account_id)| (number, account, account_id)))
}

/// One transaction by its public id.
pub(super) fn one(reader: &mut Reader, id: TransactionId) -> Result<Option<TransactionRow>, Error> {
    let identity = reader.identity;
    let (connection, unpacker) = reader.parts()?;
    let Some((number, account, account_id)) = find(connection, identity, id)? else {
        return Ok(None);
    };
    let seen = Seen::load(connection, account)?;
    load(connection, unpacker, &Owner { identity, account_id, seen: &seen }, number)
}

/// The columns of a version, before its text is unpacked.
type VersionColumns = (u32, RunId, UtcInstant, Option<Tier>, i64, Vec<u8>);

/// Every text of a transaction, oldest first.
pub(super) fn versions(reader: &mut Reader, id: TransactionId) -> Result<Vec<VersionRow>, Error> {
    let failed = || Error::sql("read the versions of a transaction");
    let identity = reader.identity;
    let (connection, unpacker) = reader.parts()?;
    let Some((number, ..)) = find(connection, identity, id)? else { return Ok(Vec::new()) };
    let sql = "SELECT v.revision, started_at, random, tier, dictionary, raw FROM
               (SELECT revision, run, tier, dictionary, raw FROM bank_transaction_version WHERE bank_transaction = ?1
                UNION ALL
                SELECT revision, coalesce(revision_run, first_run), tier, dictionary, raw FROM bank_transaction
                WHERE number = ?1) AS v
               JOIN run ON run.number = v.run ORDER BY v.revision";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut found = statement.query([number]).map_err(failed())?;
    let mut versions = Vec::new();
    while let Some(row) = found.next().map_err(failed())? {
        let read = |row: &Row<'_>| -> rusqlite::Result<_> {
            Ok((
                row.get(0)?,
                row::run_id(row)?,
                row::instant(row, "started_at")?,
                row::tier(row.get(3)?),
                row.get(4)?,
                row.get(5)?,
            ))
        };
        let (revision, run_id, at, tier, dictionary, bytes): VersionColumns =
            read(row).map_err(failed())?;
        let raw = unpacker.unpack(connection, Packed { dictionary, bytes: &bytes })?;
        versions.push(VersionRow { revision, run_id, at, tier, raw });
    }
    Ok(versions)
}
