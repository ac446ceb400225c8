//! The outbox: a row for each target that wants an event, written with the event and deleted when the target has taken it.
//!
//! So nothing that was committed goes untold, however the process ends; what was sent shortly before a kill may be sent
//! once more, under the same key. Who wants what is decided by [`crate::outbox`].

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::watch;

use crate::model::id::{AccountId, MessageId};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;
use crate::outbox::{Audience, Interest, Waiting, interest, is_about};
use crate::planner::state::Account;

use super::Store;
use super::error::Error;
use super::events::{self, StoredEvent};
use super::row::{self, Bits};
use super::schema::Identity;
use super::worker::Writer;

/// A message for a target.
#[derive(Clone, Debug)]
pub struct Message {
    /// By which a receiver knows it again.
    pub key: MessageId,
    /// What it tells.
    pub event: StoredEvent,
    /// The account that it is about.
    pub account: Option<Box<Account>>,
}

impl Store {
    /// From now on these are told of events; what waits for others is forgotten.
    pub async fn set_audience(&self, audience: Arc<Audience>) -> Result<(), Error> {
        let job = move |writer: &mut Writer| {
            keep_only(writer.connection()?, &audience)?;
            writer.post.audience = audience;
            Ok(())
        };
        self.workers().write(job).await
    }

    /// Changes whenever messages were written.
    pub fn message_watch(&self) -> watch::Receiver<()> {
        self.bell.messages.subscribe()
    }

    /// The messages with greater numbers than this, oldest first, with the names of their targets.
    pub async fn waiting(&self, after: i64) -> Result<Vec<(String, Waiting)>, Error> {
        self.workers().read(move |reader| waiting(reader.parts()?.0, after)).await
    }

    /// A message by its number; `None` if it waits no longer.
    pub async fn message(&self, number: i64) -> Result<Option<Message>, Error> {
        self.workers().read(move |reader| message(reader.parts()?.0, number)).await
    }

    /// Deletes messages: their targets have them, or will not get them. `notice` becomes an event in the same transaction,
    /// of which the other targets may be told; it is given back to be logged.
    pub async fn remove_messages(
        &self,
        numbers: Vec<i64>,
        at: UtcInstant,
        notice: Option<Notice>,
    ) -> Result<Option<StoredEvent>, Error> {
        let bell = self.bell.clone();
        let job = move |writer: &mut Writer| {
            let post = writer.post.clone();
            let (event, written) = remove(writer.connection()?, &post, &numbers, (at, notice))?;
            bell.ring(event.as_ref(), written);
            Ok(event)
        };
        self.workers().write(job).await
    }
}

/// Who is told of what is written, and by which database.
#[derive(Clone, Debug)]
pub(super) struct Post {
    audience: Arc<Audience>,
    identity: Identity,
}

impl Post {
    /// Nobody is told yet.
    pub(super) fn new(identity: Identity) -> Self {
        Self { audience: Arc::new(Audience::NOBODY), identity }
    }

    /// Writes a row for each target that wants one of these events; says whether there is one.
    pub(super) fn put(
        &self,
        connection: &Connection,
        events: &[StoredEvent],
    ) -> Result<bool, Error> {
        let mut any = false;
        for event in events {
            any |= self.put_one(connection, event)?;
        }
        Ok(any)
    }

    fn put_one(&self, connection: &Connection, event: &StoredEvent) -> Result<bool, Error> {
        let failed = || Error::sql("store a message");
        let sql = "INSERT INTO outbox (target, event, key) VALUES (?1, ?2, ?3)";
        let mut any = false;
        for target in &self.audience.targets {
            let wanted = match interest(target, &event.notice) {
                Interest::None => false,
                Interest::Any => true,
                Interest::OfAccounts(names) => concerns(connection, names, &event.notice)?,
            };
            if wanted {
                let key = row::bytes(self.key(&target.name, event).bits());
                let mut statement = connection.prepare_cached(sql).map_err(failed())?;
                statement.execute(params![target.name, event.id, key]).map_err(failed())?;
                any = true;
            }
        }
        Ok(any)
    }

    /// The same for the same event of the same database and the same target, and for no other: the database may be restored
    /// from a backup and use an event's number a second time, but not at the same instant.
    fn key(&self, target: &str, event: &StoredEvent) -> MessageId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.identity.id).update(&event.id.to_be_bytes()).update(target.as_bytes());
        let mut random = [0; 16];
        hasher.finalize_xof().fill(&mut random);
        MessageId::new(event.at.ms(), u128::from_be_bytes(random))
    }
}

/// Whether an event is about one of these accounts, or about a link that opens one of them.
fn concerns(connection: &Connection, names: &[String], notice: &Notice) -> Result<bool, Error> {
    if let Some(id) = notice.account_id {
        return Ok(account(connection, id)?.is_some_and(|account| is_about(names, &account)));
    }
    let Some(link) = notice.link_id else { return Ok(false) };
    let failed = || Error::sql("read accounts");
    let mut statement = connection
        .prepare_cached("SELECT doc FROM account WHERE whole IS NULL")
        .map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let doc: String = row.get(0).map_err(failed())?;
        let account: Account =
            serde_json::from_str(&doc).map_err(Error::document("read an account"))?;
        if account.link_id == link && is_about(names, &account) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The document of an account, or of the one that it has become a part of.
fn account(connection: &Connection, id: AccountId) -> Result<Option<Account>, Error> {
    let failed = Error::sql("read an account");
    let sql = "SELECT coalesce(whole.doc, own.doc) FROM account AS own
               LEFT JOIN account AS whole ON whole.number = own.whole WHERE own.id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let id = row::bytes(id.bits());
    let doc: Option<String> =
        statement.query_row([id], |row| row.get(0)).optional().map_err(failed)?;
    doc.map(|doc| serde_json::from_str(&doc).map_err(Error::document("read an account")))
        .transpose()
}

/// Forgets what waits for targets that are not there any more.
fn keep_only(connection: &Connection, audience: &Audience) -> Result<(), Error> {
    let failed = || Error::sql("forget messages");
    let mut statement =
        connection.prepare("SELECT DISTINCT target FROM outbox").map_err(failed())?;
    let found = statement.query_map([], |row| row.get(0)).map_err(failed())?;
    let found: Vec<String> = found.collect::<Result<_, _>>().map_err(failed())?;
    for gone in found.iter().filter(|name| audience.targets.iter().all(|it| it.name != **name)) {
        connection.execute("DELETE FROM outbox WHERE target = ?1", [gone]).map_err(failed())?;
    }
    Ok(())
}

/// What waits beyond this number, oldest first, with its targets.
fn waiting(connection: &Connection, after: i64) -> Result<Vec<(String, Waiting)>, Error> {
    let failed = || Error::sql("read what waits to be told");
    let sql = format!(
        "SELECT outbox.number, target, {} AS at, code FROM outbox JOIN event ON event.id = outbox.event
         JOIN event_text ON event_text.number = event.text LEFT JOIN run ON run.number = event.run
         WHERE outbox.number > ?1 ORDER BY outbox.number",
        events::AT
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let rows = statement
        .query_map([after], |row| {
            let code: String = row.get("code")?;
            let number = row.get(0)?;
            let at = row::instant(row, "at")?;
            let waiting = EventCode::from_word(&code).map(|code| Waiting { number, at, code });
            Ok((row.get::<_, String>("target")?, waiting))
        })
        .map_err(failed())?;
    let rows: Vec<(String, Option<Waiting>)> = rows.collect::<Result<_, _>>().map_err(failed())?;
    // A code of a newer version waits for that version.
    Ok(rows.into_iter().filter_map(|(target, waiting)| Some((target, waiting?))).collect())
}

fn message(connection: &Connection, number: i64) -> Result<Option<Message>, Error> {
    let failed = Error::sql("read a message");
    let mut statement = connection
        .prepare_cached("SELECT event, key FROM outbox WHERE number = ?1")
        .map_err(&failed)?;
    let found = statement
        .query_row([number], |row| Ok((row.get(0)?, row.get::<_, Bits>("key")?)))
        .optional()
        .map_err(failed)?;
    let Some((event, key)) = found else { return Ok(None) };
    let Some(event) = events::one(connection, event)? else { return Ok(None) };
    let about = event.notice.account_id.map(|id| account(connection, id)).transpose()?.flatten();
    let key = MessageId::from_bits(key.0);
    Ok(Some(Message { key, event, account: about.map(Box::new) }))
}

fn remove(
    connection: &mut Connection,
    post: &Post,
    numbers: &[i64],
    (at, notice): (UtcInstant, Option<Notice>),
) -> Result<(Option<StoredEvent>, bool), Error> {
    let failed = || Error::sql("delete messages");
    let step =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    {
        let mut statement =
            step.prepare_cached("DELETE FROM outbox WHERE number = ?1").map_err(failed())?;
        for number in numbers {
            statement.execute([*number]).map_err(failed())?;
        }
    }
    let mut stored = events::insert(&step, at, notice.into_iter())?;
    let written = post.put(&step, &stored)?;
    step.commit().map_err(failed())?;
    Ok((stored.pop(), written))
}
