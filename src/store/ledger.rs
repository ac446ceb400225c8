//! The call ledger: spend before send. A reservation is on disk before its call leaves; how the call ended is written
//! with its answer.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, CallId, ProviderAccountId};
use crate::model::time::UtcInstant;
use crate::planner::effect::Settlement;

use super::documents;
use super::error::Error;
use super::snapshot::LedgerState;

/// Calls older than this are forgotten: the longest window of any limit is a day.
const KEPT_DAYS: i64 = 3;
/// So many of each account, about, are kept whatever their age: a clock that jumped ahead must not make us forget what was
/// spent today.
const KEPT_CALLS: i64 = 48;

/// A call that is about to leave.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// Whose quota.
    pub account_id: AccountId,
    /// Which quota.
    pub scope: Scope,
    /// Through which handle: the provider counts by it.
    pub provider_account_id: ProviderAccountId,
    /// Now.
    pub at: UtcInstant,
}

/// Writes a reservation; it is durable when this returns.
pub(super) fn reserve(
    connection: &mut Connection,
    reservation: &Reservation,
) -> Result<CallId, Error> {
    let failed = || Error::sql("reserve a call");
    let step =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    let call = insert(&step, reservation)?;
    step.commit().map_err(failed())?;
    Ok(call)
}

/// Writes a reservation in a transaction of others.
pub(super) fn insert(connection: &Connection, reservation: &Reservation) -> Result<CallId, Error> {
    let failed = Error::sql("reserve a call");
    let account = documents::account_number(connection, reservation.account_id)?;
    let sql = "INSERT INTO call (account, scope, provider_account_id, reserved_at, state)
               VALUES (?1, ?2, ?3, ?4, 'reserved')";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![
        account,
        reservation.scope.as_str(),
        reservation.provider_account_id.0,
        reservation.at.ms(),
    ];
    let call = statement.insert(values).map(CallId).map_err(&failed)?;
    // Found by their numbers, where those of old are gone already: the kept ones of thousands of accounts are hundreds of
    // thousands, and most of them are old.
    let mut forget = connection
        .prepare_cached(
            "DELETE FROM call WHERE id < ?1 - ?2 * (SELECT max(number) FROM account) AND reserved_at < ?3",
        )
        .map_err(&failed)?;
    let before = reservation.at.plus_days(-KEPT_DAYS).ms();
    forget.execute([call.0, KEPT_CALLS, before]).map_err(failed)?;
    Ok(call)
}

/// Writes how a call ended.
pub(super) fn settle(
    connection: &Connection,
    call: CallId,
    settlement: Settlement,
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = Error::sql("settle a call");
    let state = match settlement {
        Settlement::Succeeded => LedgerState::Succeeded,
        Settlement::Released => LedgerState::Released,
        Settlement::Unanswered => LedgerState::Unanswered,
    };
    let sql = "UPDATE call SET state = ?2, settled_at = ?3 WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    match statement.execute(params![call.0, state.as_str(), at.ms()]).map_err(failed)? {
        1 => Ok(()),
        _ => Err(Error::Refused("there is no such reservation")),
    }
}
