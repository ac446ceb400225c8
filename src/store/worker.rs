//! Who works on the database: threads of the store's own, or, where one thing happens at a time, whoever asks.
//!
//! No connection crosses an `.await`: all work comes as closures over what a [`Writer`] or a [`Reader`] has.

use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::model::time::UtcInstant;

use super::codec::{Packer, Unpacker};
use super::error::{Error, Kind};
use super::events;
use super::lock::Lock;
use super::open::{self, Opened, Place};
use super::outbox::Post;
use super::schema::Identity;
use super::snapshot::{self, Snapshot};
use super::threads::Threads;

/// Empties a connection's cache of pages.
pub(super) fn give_back(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("PRAGMA shrink_memory").map_err(Error::sql("give memory back"))
}

/// What a job that only reads is given.
pub(super) struct Reader {
    place: Place,
    open: fn(&Place) -> Result<Connection, Error>,
    /// `None` before the first job.
    connection: Option<Connection>,
    /// After an error that leaves the connection in doubt (a failed fsync) the next job opens a new one.
    doubted: bool,
    unpacker: Unpacker,
    pub(super) identity: Identity,
}

impl Reader {
    /// One with a read-only connection of its own.
    pub(super) fn new(place: Place, identity: Identity) -> Self {
        let unpacker = Unpacker::default();
        Self {
            place,
            open: open::open_reader,
            connection: None,
            doubted: false,
            unpacker,
            identity,
        }
    }

    /// The connection and the codec.
    pub(super) fn parts(&mut self) -> Result<(&mut Connection, &mut Unpacker), Error> {
        // A transaction that could not even be rolled back would be in the way of every later one.
        let is_usable = |connection: &Connection| !self.doubted && connection.is_autocommit();
        let is_usable = self.connection.as_ref().is_some_and(is_usable);
        let connection = match (&mut self.connection, is_usable) {
            (Some(connection), true) => connection,
            // The old one goes when the new one is there. The last to close takes the index of the log along, and on a full
            // disk nobody could make another, not even to read.
            (slot, _) => {
                let another = (self.open)(&self.place)?;
                self.doubted = false;
                slot.insert(another)
            }
        };
        Ok((connection, &mut self.unpacker))
    }

    /// Where the database is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Gives memory back after a burst or a long listing: prepared statements, which lie in between everything else, too.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        let (connection, unpacker) = self.parts()?;
        unpacker.rest();
        connection.flush_prepared_statement_cache();
        give_back(connection)
    }

    /// Does a job.
    pub(super) fn carry_out<T>(
        &mut self,
        job: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = job(self);
        self.doubt_after(&result);
        result
    }

    /// After a failed write or sync the page cache cannot be trusted (<https://lwn.net/Articles/752063/>).
    fn doubt_after<T>(&mut self, result: &Result<T, Error>) {
        self.doubted |= result.as_ref().is_err_and(|error| error.kind() == Kind::Io);
    }
}

/// What a job that writes is given.
pub(super) struct Writer {
    /// The writing connection reads, too.
    reader: Reader,
    pub(super) post: Post,
    pub(super) packer: Packer,
    _lock: Lock,
}

/// What a store begins with.
pub(super) struct Start {
    /// The number of the newest event.
    pub(super) newest_event: i64,
    pub(super) snapshot: Snapshot,
}

impl Writer {
    /// Opens the database, made if it is not there, and reads what the planner remembers.
    pub(super) fn open(place: Place, at: UtcInstant, random: u128) -> Result<(Self, Start), Error> {
        let Opened { connection, identity, lock } = open::open(&place, at, random)?;
        let newest_event = events::newest(&connection)?;
        let snapshot = snapshot::load(&connection, at)?;
        // What was read to begin with is not needed again.
        give_back(&connection)?;
        let reader = Reader {
            open: open::reopen,
            connection: Some(connection),
            ..Reader::new(place, identity)
        };
        let (post, packer) = (Post::new(identity), Packer::default());
        Ok((Self { reader, post, packer, _lock: lock }, Start { newest_event, snapshot }))
    }

    /// The connection and both halves of the codec.
    pub(super) fn parts(&mut self) -> Result<(&mut Connection, &mut Packer, &mut Unpacker), Error> {
        let (connection, unpacker) = self.reader.parts()?;
        Ok((connection, &mut self.packer, unpacker))
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        Ok(self.parts()?.0)
    }

    /// Where the database is.
    pub(super) fn place(&self) -> &Place {
        self.reader.place()
    }

    /// Which database it is.
    pub(super) fn identity(&self) -> Identity {
        self.reader.identity
    }

    /// Gives memory back after a burst.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        self.packer.rest();
        self.reader.rest()
    }

    /// Does a job.
    pub(super) fn carry_out<T>(
        &mut self,
        job: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = job(self);
        self.reader.doubt_after(&result);
        result
    }

    /// Last words before the connection goes.
    pub(super) fn finish(self) -> Result<(), Error> {
        let failed = || Error::sql("close the database");
        let Reader { connection: Some(connection), doubted: false, .. } = self.reader else {
            return Ok(());
        };
        connection
            .execute_batch("PRAGMA analysis_limit = 200; PRAGMA optimize")
            .map_err(failed())?;
        open::checkpoint(&connection)?;
        connection.close().map_err(|(_connection, error)| failed()(error))
    }
}

/// The handle to whoever works.
pub(super) struct Workers {
    /// Damage was met, by whatever job.
    damaged: watch::Sender<bool>,
    path: PathBuf,
    hands: Hands,
}

enum Hands {
    Threads(Threads),
    /// Whoever asks works; `None` once closed.
    Callers(Mutex<Option<Box<Writer>>>),
}

impl Workers {
    /// Opens the database on a thread of its own.
    pub(super) async fn threads(
        place: Place,
        at: UtcInstant,
        random: u128,
    ) -> Result<(Self, Start), Error> {
        let path = place.path.clone();
        let started = Threads::start(move || Writer::open(place, at, random)).await;
        let (threads, start) = started.map_err(|error| error.about(&path))?;
        Ok((Self::new(path, Hands::Threads(threads)), start))
    }

    /// Opens the database for callers who work themselves.
    pub(super) fn callers(
        place: Place,
        at: UtcInstant,
        random: u128,
    ) -> Result<(Self, Start), Error> {
        let path = place.path.clone();
        let opened = Writer::open(place, at, random);
        let (writer, start) = opened.map_err(|error| error.about(&path))?;
        Ok((Self::new(path, Hands::Callers(Mutex::new(Some(Box::new(writer))))), start))
    }

    fn new(path: PathBuf, hands: Hands) -> Self {
        Self { damaged: watch::Sender::new(false), path, hands }
    }

    /// Does a job that writes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let result = match &self.hands {
            Hands::Threads(threads) => threads.write(job).await,
            Hands::Callers(writer) => by_caller(writer, |writer| writer.carry_out(job)).await,
        };
        result.map_err(|error| self.noted(error))
    }

    /// Does a job that only reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let result = match &self.hands {
            Hands::Threads(threads) => threads.read(job).await,
            Hands::Callers(writer) => {
                by_caller(writer, |writer| writer.reader.carry_out(job)).await
            }
        };
        result.map_err(|error| self.noted(error))
    }

    /// Damage is told to whoever watches, and names the file.
    fn noted(&self, error: Error) -> Error {
        if error.kind() == Kind::Damaged {
            self.damaged.send_replace(true);
        }
        error.about(&self.path)
    }

    /// Whether damage was met, now and as soon as it is.
    pub(super) fn damage_watch(&self) -> watch::Receiver<bool> {
        self.damaged.subscribe()
    }

    /// Nobody works any more; what was begun is done.
    pub(super) async fn close(&self) -> Result<(), Error> {
        match &self.hands {
            Hands::Threads(threads) => threads.close().await,
            Hands::Callers(writer) => {
                let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
                writer.map_or(Err(Error::Closed), |writer| writer.finish())
            }
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        if let Self::Callers(writer) = self
            && let Some(writer) = writer.get_mut().unwrap_or_else(PoisonError::into_inner).take()
        {
            // As with threads: nobody is left to be told.
            writer.finish().ok();
        }
    }
}

/// The caller does a job itself. Others go on before it hears of the result, and it may never do so: a caller who goes away
/// does not undo what was committed.
async fn by_caller<T>(
    writer: &Mutex<Option<Box<Writer>>>,
    job: impl FnOnce(&mut Writer) -> Result<T, Error>,
) -> Result<T, Error> {
    let result = match &mut *writer.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(writer) => job(writer),
        None => Err(Error::Closed),
    };
    let mut stood_back = false;
    poll_fn(|context| {
        if std::mem::replace(&mut stood_back, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::DatabaseKey;

    #[test]
    fn a_doubted_connection_stays_until_there_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let place =
            Place { path: folder.path().join("x.db"), key: DatabaseKey::from_bytes([7; 32]) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (workers, _) = Workers::threads(place, UtcInstant::EPOCH, 1).await.unwrap();
            let lost = workers.write(|writer| {
                writer.connection()?.execute_batch("CREATE TEMP TABLE mark (a)").unwrap();
                let refused = std::io::Error::other("the disk does not take it");
                Err::<(), _>(Error::file("sync", &writer.place().path)(refused))
            });
            lost.await.unwrap_err();
            let index = folder.path().join("x.db-shm");
            assert!(index.exists(), "readers need it, and on a full disk it cannot be made");
            workers.read(|reader| reader.parts().map(|_connection| ())).await.unwrap();
            let marked = |writer: &mut Writer| {
                writer.connection().map(|own| own.execute_batch("SELECT a FROM mark").is_ok())
            };
            assert!(!workers.write(marked).await.unwrap(), "there is another one");
            workers.close().await.unwrap();
        });
    }
}
