//! The threads: one that owns the writing connection, a few that own read-only ones.
//!
//! Work goes to a thread as a closure over a bounded channel, and the reply comes back over a oneshot. A caller that goes
//! away does not stop its closure: a write is carried out whole or not at all. Reads are short by construction (see
//! [`super::listing`]), so that no reader ever holds up a checkpoint. `tokio::sync` is used for the channels only; the
//! threads know no runtime.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::error::Error;
use super::worker::{Reader, Start, Writer};

/// Closures that wait for the writer; more callers wait for a place.
const WRITER_QUEUE_LEN: usize = 16;
/// Closures that wait for a reader.
const READER_QUEUE_LEN: usize = 16;
/// Read-only connections.
const READERS: usize = 2;

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
    writer: mpsc::Sender<ToWriter>,
    /// `None` once closed.
    readers: Mutex<Option<mpsc::Sender<ReadJob>>>,
    /// The writing thread, which awaits the readers; `None` once awaited.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Threads {
    /// Starts the writing thread, opens the database on it, then starts the readers.
    pub(super) async fn start(
        open: impl FnOnce() -> Result<(Writer, Start), Error> + Send + 'static,
    ) -> Result<(Self, Start), Error> {
        let (writer, jobs) = mpsc::channel(WRITER_QUEUE_LEN);
        let (readers, read_jobs) = mpsc::channel(READER_QUEUE_LEN);
        let (opened, result) = oneshot::channel();
        let body = move || {
            let start = || -> Result<_, Error> {
                let (writer, start) = open()?;
                let readers = start_readers(&writer, read_jobs)?;
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
        let threads = Self { writer, readers: Mutex::new(Some(readers)), thread };
        let start = result.await.unwrap_or(Err(Error::Closed))?;
        Ok((threads, start))
    }

    /// Runs a closure on the writing thread.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, result) = oneshot::channel();
        let job: WriteJob = Box::new(move |writer| drop(reply.send(writer.carry_out(job))));
        self.writer.send(ToWriter::Do(job)).await.map_err(|_closed| Error::Closed)?;
        result.await.unwrap_or(Err(Error::Closed))
    }

    /// Runs a closure on a reading thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, result) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            let result = reader.carry_out(job);
            Box::new(move || drop(reply.send(result)))
        });
        let readers = readers.ok_or(Error::Closed)?;
        readers.send(job).await.map_err(|_closed| Error::Closed)?;
        drop(readers);
        result.await.unwrap_or(Err(Error::Closed))
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

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let failed = Error::file("start a thread for", Path::new("the database"));
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
    writer: &Writer,
    jobs: mpsc::Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let jobs = Arc::new(Mutex::new(jobs));
    let reader = || Reader::new(writer.place().clone(), writer.identity());
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
