//! Small conversions between database values and ours, in one place, so that a strange value is damage and not a panic.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, LinkId, RunId, TransactionId};
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::reconcile::tiers::Tier;

use super::schema::Identity;

/// Bytes of the random part of an id.
const RUN_RANDOM_LEN: usize = 10;

/// Sixteen bytes, one of our ids.
pub(super) struct Bits(pub(super) u128);

impl FromSql for Bits {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}

/// An id as its column holds it.
pub(super) fn bytes(bits: u128) -> [u8; 16] {
    bits.to_be_bytes()
}

/// An account id column.
pub(super) fn account_id(row: &Row<'_>, column: &str) -> rusqlite::Result<AccountId> {
    row.get::<_, Bits>(column).map(|bits| AccountId::from_bits(bits.0))
}

/// A nullable account id column.
pub(super) fn maybe_account_id(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<AccountId>> {
    row.get::<_, Option<Bits>>(column).map(|bits| bits.map(|bits| AccountId::from_bits(bits.0)))
}

/// A nullable link id column.
pub(super) fn maybe_link_id(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<LinkId>> {
    row.get::<_, Option<Bits>>(column).map(|bits| bits.map(|bits| LinkId::from_bits(bits.0)))
}

/// The random bits of a run id as their column holds them.
pub(super) fn run_random(id: RunId) -> [u8; RUN_RANDOM_LEN] {
    let mut random = [0; RUN_RANDOM_LEN];
    random.iter_mut().rev().zip(id.random().to_le_bytes()).for_each(|(to, from)| *to = from);
    random
}

/// The id of a run, from its columns `started_at` and `random`; `None` where there is no run.
pub(super) fn maybe_run_id(row: &Row<'_>) -> rusqlite::Result<Option<RunId>> {
    let started_at: Option<i64> = row.get("started_at")?;
    let Some(started_at) = started_at else { return Ok(None) };
    let random: [u8; RUN_RANDOM_LEN] = row.get("random")?;
    let random = random.into_iter().fold(0, |bits, byte| bits << 8 | u128::from(byte));
    Ok(Some(RunId::new(started_at, random)))
}

/// The id of a run, from its columns `started_at` and `random`.
pub(super) fn run_id(row: &Row<'_>) -> rusqlite::Result<RunId> {
    maybe_run_id(row)?.ok_or(rusqlite::Error::InvalidQuery)
}

/// A time column.
pub(super) fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<UtcInstant> {
    row.get(column).map(UtcInstant::from_ms)
}

/// A nullable time column.
pub(super) fn maybe_instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UtcInstant>> {
    row.get::<_, Option<i64>>(column).map(|ms| ms.map(UtcInstant::from_ms))
}

/// A scope column.
pub(super) fn maybe_scope(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Scope>> {
    row.get::<_, Option<String>>(column).map(|word| word.as_deref().and_then(Scope::from_word))
}

/// A date from its number of days.
pub(super) fn date(days: Option<i64>) -> Option<BankDate> {
    days.and_then(BankDate::from_epoch_days)
}

/// A date as its column holds it.
pub(super) fn days(date: Option<BankDate>) -> Option<i64> {
    date.map(BankDate::epoch_days)
}

/// Days from the earliest of all dates to the effective one, and whether filters look at any date, from `lead_days`.
pub(super) const fn lead(lead_days: i64) -> (i64, bool) {
    if lead_days < 0 { (!lead_days, false) } else { (lead_days, true) }
}

/// The opposite of [`lead`].
pub(super) fn lead_days(days: i64, filterable: bool) -> i64 {
    let days = days.max(0);
    if filterable { days } else { !days }
}

/// The number of a booking status in the database.
pub(super) const fn status_number(status: BookingStatus) -> i64 {
    match status {
        BookingStatus::Booked => 0,
        BookingStatus::Pending => 1,
    }
}

/// The number of a state in the database.
pub(super) const fn state_number(state: RowState) -> i64 {
    match state {
        RowState::Current => 0,
        RowState::Missing => 1,
        RowState::Vanished => 2,
        RowState::Closed => 3,
    }
}

/// The number of a tier in the database; 0 is for a first text, which continues none.
pub(super) const fn tier_number(tier: Tier) -> i64 {
    match tier {
        Tier::Identical => 1,
        Tier::InternalId => 2,
        Tier::BankId => 3,
        Tier::Fingerprint => 4,
        Tier::StableId => 5,
        Tier::Similar => 6,
    }
}

/// The tier of a number in the database; `None` for a first text.
pub(super) fn tier(number: i64) -> Option<Tier> {
    Tier::ALL.into_iter().find(|tier| tier_number(*tier) == number)
}

/// A booking status column.
pub(super) struct Status(pub(super) BookingStatus);

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self(BookingStatus::Booked)),
            1 => Ok(Self(BookingStatus::Pending)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// A state column.
pub(super) struct State(pub(super) RowState);

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self(RowState::Current)),
            1 => Ok(Self(RowState::Missing)),
            2 => Ok(Self(RowState::Vanished)),
            3 => Ok(Self(RowState::Closed)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

const NUMBER_BITS: u32 = 40;
const SALT_BITS: u32 = 40;

/// The public id of a transaction: time of its first run (48 bits), the database's salt (40), its number (40).
pub(super) fn transaction_id(
    identity: Identity,
    first_seen: UtcInstant,
    number: i64,
) -> TransactionId {
    let random = (u128::from(identity.salt) << NUMBER_BITS) | u128::from(number.unsigned_abs());
    TransactionId::new(first_seen.ms(), random)
}

/// The number in a public id, if its salt is this database's. The time still has to be compared.
pub(super) fn transaction_number(identity: Identity, id: TransactionId) -> Option<i64> {
    let mask = |bits: u32| (1_u128 << bits) - 1;
    let salt = (id.bits() >> NUMBER_BITS) & mask(SALT_BITS);
    let number = id.bits() & mask(NUMBER_BITS);
    (salt == u128::from(identity.salt)).then(|| i64::try_from(number).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_id_holds_its_number() {
        let identity = Identity { id: [0; 16], salt: (1 << 40) - 3 };
        let id = transaction_id(identity, UtcInstant::from_ms(1_761_897_503_836), 1_234_567);
        assert_eq!(transaction_number(identity, id), Some(1_234_567));
        assert_eq!(transaction_number(Identity { salt: 4, ..identity }, id), None);
    }
}
