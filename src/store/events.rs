//! The event log: one row per notice, written with the change it tells of, marked when it has reached the log.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use crate::model::id::{AccountId, InstitutionId, RunId};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;

use super::error::Error;
use super::listing::Cursor;
use super::row;
use super::runs;
use super::worker::Reader;

/// Events of one chunk of a listing.
const CHUNK_LEN: u32 = 256;

/// When an event happened.
pub(super) const AT: &str = "coalesce(started_at, 0) + coalesce(after_ms, took_ms)";

/// A notice that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Increasing.
    pub id: i64,
    /// When.
    pub at: UtcInstant,
    /// What.
    pub notice: Notice,
}

/// Which events to list. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Not before this instant.
    pub since: Option<UtcInstant>,
    /// Of this kind only.
    pub code: Option<EventCode>,
    /// About this account and its parts only.
    pub account_id: Option<AccountId>,
    /// Newer than this one.
    pub after_id: i64,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Stores notices; gives them back with their numbers.
pub(super) fn insert(
    connection: &Connection,
    at: UtcInstant,
    notices: impl Iterator<Item = Notice>,
) -> Result<Vec<StoredEvent>, Error> {
    let failed = || Error::sql("store an event");
    let sql = "INSERT INTO event (after_ms, text, run) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let sql = "INSERT INTO event_unlogged (id) VALUES (?1)";
    let mut unlogged = connection.prepare_cached(sql).map_err(failed())?;
    notices
        .map(|notice| {
            let run = notice.run_id.map(|id| runs::find(connection, id)).transpose()?.flatten();
            let text = text_number(connection, &notice)?;
            let run_id = notice.run_id.filter(|_| run.is_some());
            let after_ms = at.since(run_id.map_or(UtcInstant::EPOCH, RunId::created_at));
            let id = statement.insert(params![after_ms, text, run]).map_err(failed())?;
            unlogged.execute([id]).map_err(failed())?;
            Ok(StoredEvent { id, at, notice })
        })
        .collect()
}

/// The number of what a notice says; written if nothing has said it yet.
fn text_number(connection: &Connection, notice: &Notice) -> Result<i64, Error> {
    let failed = || Error::sql("store what an event says");
    let details =
        serde_json::to_string(&notice.details).map_err(Error::document("store an event"))?;
    let values: [SqlValue; 7] = [
        notice.code.as_str().to_owned().into(),
        notice.message.clone().into(),
        notice.account_id.map(|id| row::bytes(id.bits()).to_vec()).into(),
        notice.link_id.map(|id| row::bytes(id.bits()).to_vec()).into(),
        notice.institution_id.as_ref().map(|id| id.0.clone()).into(),
        notice.scope.map(|scope| scope.as_str().to_owned()).into(),
        details.into(),
    ];
    let mark = mark_of(&values);
    let with_mark = || values.iter().cloned().chain([mark.into()]);
    let sql = "SELECT number FROM event_text WHERE mark = ?8 AND code = ?1 AND message = ?2 AND account_id IS ?3
               AND link_id IS ?4 AND institution_id IS ?5 AND scope IS ?6 AND details = ?7";
    let mut known = connection.prepare_cached(sql).map_err(failed())?;
    let known = known.query_row(params_from_iter(with_mark()), |row| row.get(0));
    if let Some(number) = known.optional().map_err(failed())? {
        return Ok(number);
    }
    let sql = "INSERT INTO event_text (code, message, account_id, link_id, institution_id, scope, details, mark)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.insert(params_from_iter(with_mark())).map_err(failed())
}

fn mark_of(values: &[SqlValue; 7]) -> i64 {
    let hash = blake3::hash(format!("{values:?}").as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |mark| i64::from_be_bytes(*mark))
}

/// Takes the details away from everything that was ever said of an account; codes, messages and ids stay.
pub(super) fn blank(connection: &Connection, account: AccountId) -> Result<(), Error> {
    let failed = || Error::sql("take details away from events");
    let sql = "SELECT number, code, message, account_id, link_id, institution_id, scope, '{}'
               FROM event_text WHERE account_id = ?1 AND details <> '{}'";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let mut texts = statement.query([row::bytes(account.bits())]).map_err(failed())?;
    let mut update = connection
        .prepare("UPDATE event_text SET details = '{}', mark = ?2 WHERE number = ?1")
        .map_err(failed())?;
    while let Some(text) = texts.next().map_err(failed())? {
        let mut values: [SqlValue; 7] = std::array::from_fn(|_| SqlValue::Null);
        for (place, value) in values.iter_mut().enumerate() {
            *value = text.get(place.saturating_add(1)).map_err(failed())?;
        }
        let number: i64 = text.get(0).map_err(failed())?;
        update.execute([number, mark_of(&values)]).map_err(failed())?;
    }
    Ok(())
}

/// Notes that events have reached the log.
pub(super) fn mark_logged(connection: &mut Connection, ids: &[i64]) -> Result<(), Error> {
    let failed = || Error::sql("mark events as logged");
    let step = connection.transaction().map_err(failed())?;
    {
        let mut statement =
            step.prepare_cached("DELETE FROM event_unlogged WHERE id = ?1").map_err(failed())?;
        for id in ids {
            statement.execute([*id]).map_err(failed())?;
        }
    }
    step.commit().map_err(failed())
}

/// Events that may not have reached the log, oldest first.
pub(super) fn unlogged(connection: &Connection) -> Result<Vec<StoredEvent>, Error> {
    select(connection, "WHERE id IN (SELECT id FROM event_unlogged) ORDER BY id", Vec::new())
}

/// One event.
pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<StoredEvent>, Error> {
    Ok(select(connection, "WHERE event.id = ?1", vec![id.into()])?.pop())
}

/// Number of the newest event.
pub(super) fn newest(connection: &Connection) -> Result<i64, Error> {
    connection
        .query_row("SELECT coalesce(max(id), 0) FROM event", [], |row| row.get(0))
        .map_err(Error::sql("read events"))
}

/// When the newest event of a kind happened.
pub(super) fn last(connection: &Connection, code: EventCode) -> Result<Option<UtcInstant>, Error> {
    // Without the first condition, which is looked at once, a kind that never happened would cost a walk through all events.
    let sql = format!(
        "SELECT {AT} FROM event LEFT JOIN run ON run.number = event.run
         WHERE EXISTS (SELECT 1 FROM event_text WHERE code = ?1)
         AND text IN (SELECT number FROM event_text WHERE code = ?1) ORDER BY id DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(Error::sql("read events"))?;
    statement
        .query_row([code.as_str()], |row| row.get(0).map(UtcInstant::from_ms))
        .optional()
        .map_err(Error::sql("read events"))
}

fn select(
    connection: &Connection,
    rest: &str,
    values: Vec<SqlValue>,
) -> Result<Vec<StoredEvent>, Error> {
    let failed = || Error::sql("read events");
    let mut statement =
        connection.prepare_cached(&format!(
            "SELECT event.id, {AT} AS at, code, message, account_id, link_id, institution_id, scope, details,
             started_at, random,
             coalesce((SELECT account.id FROM account AS part JOIN account ON account.number = part.whole
             WHERE part.id = account_id), account_id) AS whole_id
             FROM event JOIN event_text ON event_text.number = event.text
             LEFT JOIN run ON run.number = event.run {rest}"
        )).map_err(failed())?;
    let rows = statement.query_map(params_from_iter(values), from_row).map_err(failed())?;
    // A code that this version does not know can only come from a newer one: left out, not lost.
    rows.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(failed())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<StoredEvent>> {
    let code: String = row.get("code")?;
    let Some(code) = EventCode::from_word(&code) else { return Ok(None) };
    let details: String = row.get("details")?;
    let notice = Notice {
        code,
        message: row.get("message")?,
        account_id: row::maybe_account_id(row, "whole_id")?,
        link_id: row::maybe_link_id(row, "link_id")?,
        institution_id: row.get::<_, Option<String>>("institution_id")?.map(InstitutionId),
        scope: row::maybe_scope(row, "scope")?,
        run_id: row::maybe_run_id(row)?,
        details: serde_json::from_str(&details).unwrap_or_default(),
    };
    Ok(Some(StoredEvent { id: row.get("id")?, at: row::instant(row, "at")?, notice }))
}

/// Lists events in the order of their numbers.
impl Cursor<StoredEvent> for EventFilter {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<StoredEvent>>, Error> {
        let chunk = self.limit.map_or(CHUNK_LEN, |limit| limit.min(CHUNK_LEN));
        if chunk == 0 {
            return Ok(None);
        }
        let mut values = vec![SqlValue::from(self.after_id), SqlValue::from(i64::from(chunk))];
        let mut conditions = vec!["id > ?1".to_owned()];
        let mut condition = |sql: &str, value: SqlValue| {
            values.push(value);
            conditions.push(sql.replace("{}", &format!("?{}", values.len())));
        };
        if let Some(since) = self.since {
            condition(&format!("{AT} >= {{}}"), since.ms().into());
        }
        if let Some(code) = self.code {
            condition("code = {}", code.as_str().to_owned().into());
        }
        if let Some(account) = self.account_id {
            condition(
                "account_id IN (SELECT {} UNION SELECT part.id FROM account JOIN account AS part
                 ON account.number IN (part.number, part.whole) WHERE account.id = {})",
                row::bytes(account.bits()).to_vec().into(),
            );
        }
        let rest = format!("WHERE {} ORDER BY id LIMIT ?2", conditions.join(" AND "));
        let events = select(reader.parts()?.0, &rest, values)?;
        let Some(last) = events.last() else { return Ok(None) };
        self.after_id = last.id;
        if let Some(limit) = &mut self.limit {
            *limit = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(u32::MAX));
        }
        Ok(Some(events))
    }

    fn is_over(&self) -> bool {
        self.limit == Some(0)
    }
}
