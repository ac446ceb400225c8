//! The threads: one that owns the writing connection, a few that own read-only ones.
//!
//! No connection crosses an `.await`: work goes to a thread as a closure over a bounded channel, and the reply comes back
//! over a oneshot. A caller that goes away does not stop its closure: a write is carried out whole or not at all. Reads
//! are short by construction (see [`super::listing`]), so that no reader ever holds up a checkpoint. `tokio::sync`
//! is used for the channels only; the threads know no runtime.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::model::time::UtcInstant;

use super::codec::{Packer, Unpacker};
use super::error::{Error, Kind};
use super::events;
use super::lock::Lock;
use super::open::{self, Opened, Place};
use super::outbox::Post;
use super::schema::Identity;
use super::snapshot::{self, Snapshot};
use super::turnstile::{Inside, Turnstile};

/// Closures that wait for the writer; more callers wait for a place.
const WRITER_QUEUE_LEN: usize = 16;
/// Closures that wait for a reader.
const READER_QUEUE_LEN: usize = 16;
/// Read-only connections.
const READERS: usize = 2;

/// Empties a connection's cache of pages.
pub(super) fn give_back(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("PRAGMA shrink_memory").map_err(Error::sql("give memory back"))
}

/// What the writing thread has.
pub(super) struct Writer {
    place: Place,
    connection: Connection,
    /// After an error that leaves the connection in doubt (a failed fsync) the next job opens a new one.
    doubted: bool,
    pub(super) identity: Identity,
    pub(super) post: Post,
    pub(super) packer: Packer,
    pub(super) unpacker: Unpacker,
    _lock: Lock,
}

impl Writer {
    /// The connection and both halves of the codec.
    pub(super) fn parts(&mut self) -> Result<(&mut Connection, &mut Packer, &mut Unpacker), Error> {
        // A transaction that could not even be rolled back would be in the way of every later one.
        if self.doubted || !self.connection.is_autocommit() {
            // The old one goes when the new one is there. The last to close takes the index of the log along, and on a full
            // disk nobody could make another, not even to read.
            self.connection = open::reopen(&self.place)?;
            self.doubted = false;
        }
        Ok((&mut self.connection, &mut self.packer, &mut self.unpacker))
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        Ok(self.parts()?.0)
    }

    /// Where the database is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Gives memory back after a burst: prepared statements, which lie in between everything else, and contexts.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        let (connection, packer, unpacker) = self.parts()?;
        packer.rest();
        unpacker.rest();
        connection.flush_prepared_statement_cache();
        give_back(connection)
    }

    /// Last words before the connection goes.
    fn finish(self) -> Result<(), Error> {
        let failed = || Error::sql("close the database");
        let Self { connection, doubted: false, .. } = self else { return Ok(()) };
        connection
            .execute_batch("PRAGMA analysis_limit = 200; PRAGMA optimize")
            .map_err(failed())?;
        open::checkpoint(&connection)?;
        connection.close().map_err(|(_connection, error)| failed()(error))
    }
}

/// What a reading thread has.
pub(super) struct Reader {
    place: Place,
    connection: Option<Connection>,
    unpacker: Unpacker,
    pub(super) identity: Identity,
}

impl Reader {
    /// The connection, made at the first job, and the codec.
    pub(super) fn parts(&mut self) -> Result<(&mut Connection, &mut Unpacker), Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            slot => slot.insert(open::open_reader(&self.place)?),
        };
        Ok((connection, &mut self.unpacker))
    }

    /// Where the database is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Gives memory back after a long listing.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        let (connection, unpacker) = self.parts()?;
        unpacker.rest();
        connection.flush_prepared_statement_cache();
        give_back(connection)
    }
}

type WriteJob = Box<dyn FnOnce(&mut Writer) + Send>;
/// Gives what replies. A caller may come back at once, and then finds this reader idle instead of making another connection.
type ReadJob = Box<dyn FnOnce(&mut Reader) -> Reply + Send>;
type Reply = Box<dyn FnOnce() + Send>;

enum ToWriter {
    Do(WriteJob),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The handle to all threads.
pub(super) struct Threads {
    /// Damage was met, by whatever job.
    damaged: Arc<watch::Sender<bool>>,
    path: PathBuf,
    writer: mpsc::Sender<ToWriter>,
    /// `None` once closed.
    readers: Mutex<Option<mpsc::Sender<ReadJob>>>,
    /// The writing thread, which awaits the readers; `None` once awaited.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Before all jobs, once somebody wants to decide when each begins.
    turnstile: OnceLock<Turnstile>,
}

/// Starts the writing thread, opens the database on it, then starts the readers. Also gives the newest event's number.
pub(super) async fn start(
    place: Place,
    at: UtcInstant,
    random: u128,
) -> Result<(Threads, i64, Snapshot), Error> {
    let (writer, jobs) = mpsc::channel(WRITER_QUEUE_LEN);
    let (readers, read_jobs) = mpsc::channel(READER_QUEUE_LEN);
    let (opened, result) = oneshot::channel();
    let path = place.path.clone();
    let body = move || {
        let start = || -> Result<_, Error> {
            let Opened { connection, identity, lock } = open::open(&place, at, random)?;
            let start = (events::newest(&connection)?, snapshot::load(&connection, at)?);
            // What was read to begin with is not needed again.
            give_back(&connection)?;
            let readers = start_readers(&place, identity, read_jobs)?;
            let (packer, unpacker) = <(Packer, Unpacker)>::default();
            let writer = Writer {
                place,
                connection,
                doubted: false,
                identity,
                post: Post::new(identity),
                packer,
                unpacker,
                _lock: lock,
            };
            Ok((writer, start, readers))
        };
        match start() {
            Ok((writer, start, readers)) => {
                if opened.send(Ok(start)).is_ok() {
                    write_until_closed(writer, jobs, readers);
                }
            }
            // Nobody to tell means nobody to open for.
            Err(error) => drop(opened.send(Err(error))),
        }
    };
    let thread = Mutex::new(Some(spawn("store-write", body)?));
    // Made first, so that a database that cannot be opened is awaited, too.
    let damaged = Arc::new(watch::Sender::new(false));
    let readers = Mutex::new(Some(readers));
    let turnstile = OnceLock::new();
    let threads = Threads { damaged, path, writer, readers, thread, turnstile };
    let opened = result.await.unwrap_or(Err(Error::Closed));
    let (newest_event, snapshot) = opened.map_err(|error| error.about(&threads.path))?;
    Ok((threads, newest_event, snapshot))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let failed = Error::file("start a thread for", std::path::Path::new("the database"));
    Builder::new().name(name.to_owned()).spawn(body).map_err(failed)
}

fn write_until_closed(
    mut writer: Writer,
    mut jobs: mpsc::Receiver<ToWriter>,
    readers: Vec<JoinHandle<()>>,
) {
    let mut asked = None;
    while let Some(job) = jobs.blocking_recv() {
        match job {
            ToWriter::Do(job) => job(&mut writer),
            ToWriter::Close(reply) => {
                asked = Some(reply);
                break;
            }
        }
    }
    // The readers' channel is closed by now; the last connection to close removes the log files.
    for reader in readers {
        reader.join().ok();
    }
    let result = writer.finish();
    if let Some(reply) = asked {
        reply.send(result).ok();
    }
}

fn start_readers(
    place: &Place,
    identity: Identity,
    jobs: mpsc::Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let jobs = Arc::new(Mutex::new(jobs));
    let reader = || Reader {
        place: place.clone(),
        connection: None,
        unpacker: Unpacker::default(),
        identity,
    };
    // The one used last is taken first: a second connection is made only where two are wanted at the same time.
    let idle = Arc::new(Mutex::new((0..READERS).map(|_| reader()).collect::<Vec<_>>()));
    (0..READERS)
        .map(|_| {
            let (jobs, idle) = (Arc::clone(&jobs), Arc::clone(&idle));
            spawn("store-read", move || {
                loop {
                    // The lock is held while waiting: one thread waits for the next job, the others for their turn.
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                    let Some(job) = job else { break };
                    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
                    // There are as many as threads.
                    let Some(mut reader) = idle().pop() else { break };
                    let reply = job(&mut reader);
                    idle().push(reader);
                    reply();
                }
            })
        })
        .collect()
}

impl Threads {
    /// From now on each job waits until it is let in.
    pub(super) fn turnstile(&self) -> &Turnstile {
        self.turnstile.get_or_init(Turnstile::default)
    }

    async fn enter(&self) -> Option<Inside<'_>> {
        match self.turnstile.get() {
            Some(turnstile) => Some(turnstile.enter().await),
            None => None,
        }
    }

    /// Runs a closure on the writing thread.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _inside = self.enter().await;
        let (reply, result) = oneshot::channel();
        let job: WriteJob = Box::new(move |writer| {
            let result = job(writer);
            // After a failed write or sync the page cache cannot be trusted (https://lwn.net/Articles/752063/).
            writer.doubted |= result.as_ref().is_err_and(|error| error.kind() == Kind::Io);
            reply.send(result).ok();
        });
        self.writer.send(ToWriter::Do(job)).await.map_err(|_closed| Error::Closed)?;
        result.await.unwrap_or(Err(Error::Closed)).map_err(|error| self.noted(error))
    }

    /// Runs a closure on a reading thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _inside = self.enter().await;
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, result) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            let result = job(reader);
            if result.as_ref().is_err_and(|error| error.kind() == Kind::Io) {
                reader.connection = None;
            }
            Box::new(move || drop(reply.send(result)))
        });
        let readers = readers.ok_or(Error::Closed)?;
        readers.send(job).await.map_err(|_closed| Error::Closed)?;
        drop(readers);
        result.await.unwrap_or(Err(Error::Closed)).map_err(|error| self.noted(error))
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

    /// Ends all threads, the writer last.
    pub(super) async fn close(&self) -> Result<(), Error> {
        drop(self.readers.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (reply, result) = oneshot::channel();
        self.writer.send(ToWriter::Close(reply)).await.map_err(|_closed| Error::Closed)?;
        let result = result.await.unwrap_or(Err(Error::Closed));
        self.join();
        result
    }

    /// Waits until the threads have ended; they have been told to.
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().ok();
        }
    }
}

impl Drop for Threads {
    /// A thread that still works in the cipher while the process ends crashes it: the cipher's library cleans up at exit.
    fn drop(&mut self) {
        drop(self.readers.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (closed, _jobs) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.writer, closed));
        self.join();
    }
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
            let (threads, ..) = start(place, UtcInstant::EPOCH, 1).await.unwrap();
            let lost = threads.write(|writer| {
                writer.connection()?.execute_batch("CREATE TEMP TABLE mark (a)").unwrap();
                let refused = std::io::Error::other("the disk does not take it");
                Err::<(), _>(Error::file("sync", &writer.place.path)(refused))
            });
            lost.await.unwrap_err();
            let index = folder.path().join("x.db-shm");
            assert!(index.exists(), "readers need it, and on a full disk it cannot be made");
            threads.read(|reader| reader.parts().map(|_connection| ())).await.unwrap();
            let marked = |writer: &mut Writer| {
                writer.connection().map(|own| own.execute_batch("SELECT a FROM mark").is_ok())
            };
            assert!(!threads.write(marked).await.unwrap(), "there is another one");
            threads.close().await.unwrap();
        });
    }
}
