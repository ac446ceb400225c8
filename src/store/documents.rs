//! The planner's documents: accounts with their aliases, links, the provider's state.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::id::{AccountId, LinkId, ProviderAccountId};
use crate::model::time::UtcInstant;
use crate::planner::reconcile::Memory;
use crate::planner::state::{Account, Link, ProviderState};

use super::error::Error;
use super::row;
use super::snapshot::PROVIDER;

/// Writes an account document; its present handle becomes one of its aliases, unless it came with a part of it.
pub(super) fn put_account(
    connection: &Connection,
    account: &Account,
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store an account");
    let doc = serde_json::to_string(account).map_err(Error::document("store an account"))?;
    let sql = "INSERT INTO account (id, doc) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![row::bytes(account.id.bits()), doc]).map_err(failed())?;
    let sql = "INSERT INTO account_alias (provider_account_id, account, since)
               SELECT ?1, number, ?3 FROM account WHERE id = ?2
               ON CONFLICT (provider_account_id) DO NOTHING";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![account.provider_account_id.0, row::bytes(account.id.bits()), at.ms()];
    statement.execute(values).map_err(failed())?;
    Ok(())
}

/// Writes a link document.
pub(super) fn put_link(connection: &Connection, link: &Link) -> Result<(), Error> {
    let failed = || Error::sql("store a link");
    let doc = serde_json::to_string(link).map_err(Error::document("store a link"))?;
    let sql = "INSERT INTO link (id, doc) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![row::bytes(link.id.bits()), doc]).map_err(failed())?;
    Ok(())
}

/// Drops a link that is over.
pub(super) fn forget_link(connection: &Connection, link: LinkId) -> Result<(), Error> {
    let failed = || Error::sql("forget a link");
    let mut statement =
        connection.prepare_cached("DELETE FROM link WHERE id = ?1").map_err(failed())?;
    statement.execute(params![row::bytes(link.bits())]).map_err(failed())?;
    Ok(())
}

/// Writes the provider's state.
pub(super) fn put_provider(connection: &Connection, provider: &ProviderState) -> Result<(), Error> {
    let failed = || Error::sql("store the provider's state");
    let doc =
        serde_json::to_string(provider).map_err(Error::document("store the provider's state"))?;
    let sql = "INSERT INTO provider (name, doc) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![PROVIDER, doc]).map_err(failed())?;
    Ok(())
}

/// The number of an account, by which rows refer to it.
pub(super) fn account_number(connection: &Connection, id: AccountId) -> Result<i64, Error> {
    find_account(connection, id)?.ok_or(Error::Refused("there is no such account"))
}

/// The same, `None` for an account that is not stored.
pub(super) fn find_account(connection: &Connection, id: AccountId) -> Result<Option<i64>, Error> {
    let failed = Error::sql("find an account");
    let mut statement =
        connection.prepare_cached("SELECT number FROM account WHERE id = ?1").map_err(&failed)?;
    statement.query_row([row::bytes(id.bits())], |row| row.get(0)).optional().map_err(failed)
}

/// The id of an account; `None` if it is gone.
pub(super) fn account_id(connection: &Connection, number: i64) -> Result<Option<AccountId>, Error> {
    let failed = Error::sql("find an account");
    let mut statement =
        connection.prepare_cached("SELECT id FROM account WHERE number = ?1").map_err(&failed)?;
    statement.query_row([number], |row| row::account_id(row, "id")).optional().map_err(failed)
}

/// Numbers and ids of all whole accounts, or of one, the last to list first (for popping).
pub(super) fn accounts(
    connection: &Connection,
    only: Option<AccountId>,
) -> Result<Vec<(i64, AccountId)>, Error> {
    let failed = || Error::sql("read accounts");
    let sql = "SELECT number, id FROM account WHERE whole IS NULL AND (?1 IS NULL OR id = ?1) ORDER BY id DESC";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement
        .query_map([only.map(|id| row::bytes(id.bits()))], |row| {
            Ok((row.get(0)?, row::account_id(row, "id")?))
        })
        .map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}

/// The account that a provider's handle means or ever meant.
pub(super) fn account_of(
    connection: &Connection,
    handle: &ProviderAccountId,
) -> Result<Option<AccountId>, Error> {
    let failed = Error::sql("find an account");
    let sql = "SELECT account.id AS account_id FROM account_alias JOIN account AS part ON part.number = account_alias.account
               JOIN account ON account.number = coalesce(part.whole, part.number) WHERE provider_account_id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement
        .query_row([&handle.0], |row| row::account_id(row, "account_id"))
        .optional()
        .map_err(failed)
}

/// What reconciliation remembers of an account.
pub(super) fn memory(connection: &Connection, account: i64) -> Result<Memory, Error> {
    let failed = Error::sql("load what is remembered of an account");
    let mut statement = connection
        .prepare_cached("SELECT memory FROM account WHERE number = ?1")
        .map_err(&failed)?;
    let text: String = statement.query_row([account], |row| row.get(0)).map_err(failed)?;
    serde_json::from_str(&text).map_err(Error::document("read what is remembered of an account"))
}
