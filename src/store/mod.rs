//! The store: everything that lasts, in one SQLCipher file.
//!
//! One concrete type, [`Store`]: a handle to one thread that owns the writing connection and a few that own read-only ones
//! (a simulation, where one thing happens at a time, does without the threads). There is no trait and no second
//! implementation; tests use the real cipher in a temporary folder. What an answer changes is one [`Batch`], committed in
//! one transaction with `synchronous=FULL`: after a kill or a power cut all of it is there or nothing. Raw rows are kept as
//! received for ever; columns are what listing order and matching need, the rest is read from the raw row by the provider's
//! [`RowReader`] when it is asked for. It must never hold logic about quota, consent or schedule: documents of the planner go
//! in and out as they are.
//!
//! Layout on disk: `DB` (mode 0600, WAL), `DB-wal`, `DB-shm`, `DB.keycheck` (wrong key or damaged file?), `DB.lock` (one
//! process); while the key is changed also `DB.rekey`, the copy with the new one.

mod answer;
mod answers;
mod apply;
mod arrivals;
mod backup;
mod balance_items;
mod balance_listing;
mod balances;
mod codec;
mod coverage;
mod documents;
mod dump;
mod error;
mod events;
mod explain;
mod forget;
mod institutions;
mod keycheck;
mod ledger;
mod listing;
mod lock;
mod merge;
mod open;
mod outbox;
mod pairing;
mod parts;
mod proof;
mod reconcile;
mod rekey;
mod replay;
mod room;
mod row;
mod rows;
mod runs;
mod schema;
mod snapshot;
mod split;
mod stamp;
mod threads;
mod transactions;
mod trend;
mod union;
mod vault;
mod verify;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::model::id::{AccountId, CallId, InstitutionId, ProviderAccountId, TransactionId};
use crate::model::institution::Institution;
use crate::model::notice::EventCode;
use crate::model::port::{Entropy, RowReader};
use crate::model::secret::DatabaseKey;
use crate::model::time::{BankDate, UtcInstant};
use crate::planner::effect::Batch;

pub use apply::Applied;
pub use arrivals::{Arrivals, Cursor, NoCursor};
pub use backup::{Backup, Restored, restore};
pub use balance_listing::{BalanceFilter, BalanceRow};
pub use error::{Error, Kind};
pub use events::{EventFilter, StoredEvent};
pub use explain::{Explanation, Neighbour};
pub use institutions::InstitutionList;
pub use keycheck::path_of as keycheck_of;
pub use ledger::Reservation;
pub use listing::Listing;
pub use outbox::Message;
pub use rekey::{RekeyStep, is_key_of, rekey};
pub use replay::{Difference, Replayed, What};
pub use room::{Exposed, Room, exposed, room};
pub use runs::RunRow;
pub use snapshot::{LedgerRow, LedgerState, Snapshot};
pub use transactions::{TransactionFilter, TransactionRow, VersionRow};
pub use trend::BalanceChange;
pub use verify::Check;

use worker::{Start, Workers};

/// A handle to the open database; clones are handles to the same one.
#[derive(Clone)]
pub struct Store {
    workers: Arc<Workers>,
    bell: Bell,
}

/// Wakes those who watch for events, and for messages. Apart from the store, because writes take it along, and the last
/// handle to the threads must not go on one of them.
#[derive(Clone)]
struct Bell {
    newest_event: Arc<watch::Sender<i64>>,
    messages: Arc<watch::Sender<()>>,
}

impl Bell {
    fn ring(&self, newest: Option<&StoredEvent>, messages: bool) {
        if let Some(event) = newest {
            self.newest_event.send_replace(event.id);
        }
        if messages {
            self.messages.send_replace(());
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the database, made if it is not there, and reads what the planner remembers. `at` is now.
    ///
    /// # Errors
    /// Wrong key, plain file, damaged file and newer schema are told apart and leave every byte of the file as it is; so does
    /// another process that holds it. See [`Kind`].
    pub async fn open(
        path: PathBuf,
        key: DatabaseKey,
        at: UtcInstant,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Snapshot), Error> {
        let place = open::Place { path, key };
        Ok(Self::begin(Workers::threads(place, at, entropy.bits()).await?))
    }

    /// The same without threads: each operation is carried out by whoever awaits it, and holds up what else that thread does.
    /// For those who must know the order in which things happen: a simulation. How long a thread takes would decide whether its
    /// caller goes on before or after others that are ready at the same time.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn open_inline(
        path: PathBuf,
        key: DatabaseKey,
        at: UtcInstant,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Snapshot), Error> {
        let place = open::Place { path, key };
        Ok(Self::begin(Workers::callers(place, at, entropy.bits())?))
    }

    fn begin((workers, start): (Workers, Start)) -> (Self, Snapshot) {
        let bell = Bell {
            newest_event: Arc::new(watch::Sender::new(start.newest_event)),
            messages: Arc::new(watch::Sender::new(())),
        };
        (Self { workers: Arc::new(workers), bell }, start.snapshot)
    }

    /// Empties the write-ahead log into the file and ends all threads. Later calls give [`Error::Closed`].
    pub async fn close(&self) -> Result<(), Error> {
        self.workers.close().await
    }

    /// Writes that a call is about to leave; durable when this returns.
    pub async fn reserve(&self, reservation: Reservation) -> Result<CallId, Error> {
        self.workers.write(move |writer| ledger::reserve(writer.connection()?, &reservation)).await
    }

    /// Carries a batch out in one transaction. Once begun it goes on even if the caller goes away.
    ///
    /// # Errors
    /// Then nothing of it is stored. After [`Kind::Full`] and [`Kind::Io`] the same batch can be tried again.
    pub async fn apply(
        &self,
        batch: Arc<Batch>,
        reader: Arc<dyn RowReader>,
    ) -> Result<Applied, Error> {
        Ok(self.apply_and_reserve(batch, reader, None).await?.0)
    }

    /// Carries a batch out and writes in the same transaction that a call is about to leave, if there is one: of a small
    /// answer the commit is what costs. See [`Store::apply`] and [`Store::reserve`].
    pub async fn apply_and_reserve(
        &self,
        batch: Arc<Batch>,
        reader: Arc<dyn RowReader>,
        reservation: Option<Reservation>,
    ) -> Result<(Applied, Option<CallId>), Error> {
        let bell = self.bell.clone();
        let job = move |writer: &mut worker::Writer| {
            let (applied, reserved) =
                apply::apply(writer, &batch, reader.as_ref(), reservation.as_ref())?;
            bell.ring(applied.events.last(), applied.messages);
            Ok((applied, reserved))
        };
        self.workers.write(job).await
    }

    /// Gives back the memory that many new rows took; worth a few milliseconds of a later answer.
    pub async fn rest(&self) -> Result<(), Error> {
        self.workers.write(worker::Writer::rest).await?;
        self.workers.read(worker::Reader::rest).await
    }

    /// Notes that events have reached the log; unknown ids are ignored.
    pub async fn mark_logged(&self, ids: Vec<i64>) -> Result<(), Error> {
        self.workers.write(move |writer| events::mark_logged(writer.connection()?, &ids)).await
    }

    /// The id of the newest event, now and whenever it changes.
    pub fn event_watch(&self) -> watch::Receiver<i64> {
        self.bell.newest_event.subscribe()
    }

    /// Transactions: effective date, then first seen, then id; undated rows last, and only without `from` and `to`.
    pub fn transactions(&self, filter: TransactionFilter) -> Listing<TransactionRow> {
        Listing::new(&self.workers, merge::Transactions::new(filter))
    }

    /// What a file lacks that has what `after` says (`None`: nothing). Only current booked rows are written, whatever the
    /// filter says of states.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the cursor is of another database.
    pub async fn arrivals(
        &self,
        filter: TransactionFilter,
        after: Option<Cursor>,
    ) -> Result<Arrivals, Error> {
        let find =
            move |reader: &mut worker::Reader| arrivals::arrivals(reader, &filter, after.as_ref());
        let (cursor, lacking) = self.workers.read(find).await?;
        let any = !lacking.is_empty();
        Ok(Arrivals { cursor, any, rows: Listing::new(&self.workers, lacking) })
    }

    /// First and last effective day of an account's current booked rows; `None` without dated ones.
    pub async fn days(&self, account: AccountId) -> Result<Option<(BankDate, BankDate)>, Error> {
        self.workers.read(move |reader| transactions::days(reader.parts()?.0, account)).await
    }

    /// Balances: by account and in the bank's order, or the history in the order of its coming.
    pub fn balances(&self, filter: BalanceFilter) -> Listing<BalanceRow> {
        Listing::new(&self.workers, balance_listing::Balances::new(filter))
    }

    /// Changes of balances since an instant, newest first; the oldest are left out where they are very many.
    pub async fn balance_changes(&self, since: UtcInstant) -> Result<Vec<BalanceChange>, Error> {
        self.workers.read(move |reader| trend::changes(reader.parts()?.0, since)).await
    }

    /// Events by increasing id.
    pub fn events(&self, filter: EventFilter) -> Listing<StoredEvent> {
        Listing::new(&self.workers, filter)
    }

    /// When the newest event of a kind happened; `None` if it never did.
    pub async fn last_event(&self, code: EventCode) -> Result<Option<UtcInstant>, Error> {
        self.workers.read(move |reader| events::last(reader.parts()?.0, code)).await
    }

    /// One transaction.
    pub async fn transaction(&self, id: TransactionId) -> Result<Option<TransactionRow>, Error> {
        self.workers.read(move |reader| transactions::one(reader, id)).await
    }

    /// Every text that a transaction ever had, oldest first; empty if there is no such transaction.
    pub async fn versions(&self, id: TransactionId) -> Result<Vec<VersionRow>, Error> {
        self.workers.read(move |reader| transactions::versions(reader, id)).await
    }

    /// A transaction with its versions and neighbours; `None` if there is no such transaction.
    pub async fn explain(&self, id: TransactionId) -> Result<Option<Explanation>, Error> {
        self.workers.read(move |reader| explain::explain(reader, id)).await
    }

    /// The cached institutions of a country (ISO 3166 alpha-2, capitals) or of all.
    pub async fn institutions(&self, country: Option<String>) -> Result<InstitutionList, Error> {
        self.workers
            .read(move |reader| institutions::list(reader.parts()?.0, country.as_deref()))
            .await
    }

    /// One cached institution and when it was read.
    pub async fn institution(
        &self,
        id: InstitutionId,
    ) -> Result<Option<(Institution, UtcInstant)>, Error> {
        self.workers.read(move |reader| institutions::one(reader.parts()?.0, &id)).await
    }

    /// How many rows of all accounts came without a readable amount or date.
    pub async fn rows_not_understood(&self) -> Result<u64, Error> {
        self.workers.read(|reader| rows::not_understood(reader.parts()?.0)).await
    }

    /// The newest runs, newest first.
    pub async fn runs(&self, account: Option<AccountId>, limit: u32) -> Result<Vec<RunRow>, Error> {
        self.workers.read(move |reader| runs::list(reader.parts()?.0, account, limit)).await
    }

    /// The account that a provider's handle means or ever meant.
    pub async fn account_of(&self, handle: ProviderAccountId) -> Result<Option<AccountId>, Error> {
        self.workers.read(move |reader| documents::account_of(reader.parts()?.0, &handle)).await
    }

    /// Checks the whole file, the schema and the store's own invariants; `progress` hears each result as it comes. Takes
    /// seconds for millions of rows; writes wait only for the parts that need the file to stand still.
    ///
    /// # Errors
    /// Only if the checks cannot run at all; what they find is in the list.
    pub async fn verify(
        &self,
        reader: Arc<dyn RowReader>,
        progress: impl FnMut(&Check) + Send + 'static,
    ) -> Result<Vec<Check>, Error> {
        verify::verify(&self.workers, reader, progress).await
    }

    /// Reads every page that holds data, table by table, so that no reader is held up for long: cheaper than
    /// [`Store::verify`], and safe while others write.
    ///
    /// # Errors
    /// [`Kind::Damaged`] with what was found; others if the file cannot be read at all.
    pub async fn look_for_damage(&self) -> Result<(), Error> {
        verify::look_for_damage(&self.workers).await
    }

    /// Whether damage was met by any operation, now and as soon as it is.
    pub fn damage_watch(&self) -> watch::Receiver<bool> {
        self.workers.damage_watch()
    }

    /// Matches every stored answer anew, from nothing, and says where that makes something else than is stored. With `apply`
    /// the stored rows become that, in one transaction; ids stay with their payments. Takes seconds for a year of answers.
    ///
    /// # Errors
    /// Then nothing has changed.
    pub async fn replay(&self, reader: Arc<dyn RowReader>, apply: bool) -> Result<Replayed, Error> {
        self.workers.write(move |writer| replay::replay(writer, reader.as_ref(), apply)).await
    }

    /// The hash of everything in the database, table by table in the order of their keys: two databases have the same one
    /// if and only if the same things were stored in the same order, whatever their files look like.
    pub async fn digest(&self) -> Result<[u8; 32], Error> {
        self.workers.read(|reader| dump::digest(reader.parts()?.0)).await
    }

    /// A checked copy of the database with the same key. The daemon goes on meanwhile.
    ///
    /// # Errors
    /// [`Kind::Refused`] if another one is being made.
    pub async fn backup(&self) -> Result<Backup, Error> {
        self.workers.read(|reader| backup::copy(reader.place())).await
    }

    /// Gets everything of a forgotten account out of the file.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the account is still there, or somebody reads the file: then it is still to be done.
    pub async fn erased(&self, account: AccountId) -> Result<(), Error> {
        let gone = move |writer: &mut worker::Writer| {
            documents::find_account(writer.connection()?, account).map(|found| found.is_none())
        };
        if self.workers.write(gone).await? {
            self.clean().await
        } else {
            Err(Error::Refused("the account is not erased yet: the database cannot be written"))
        }
    }

    /// Writes the file anew, if something that was forgotten may still be in it.
    ///
    /// # Errors
    /// There is no room, or somebody reads the file: then it is still to be done.
    pub async fn clean(&self) -> Result<(), Error> {
        self.workers
            .write(|writer| {
                let place = writer.place().clone();
                forget::clean(writer.connection()?, &place)
            })
            .await
    }

    /// A checked copy of the database with the same key, in a file that is not there yet; gives its length in bytes. The folder
    /// is made if it is missing. The file appears whole or not at all, and beside it its key check.
    ///
    /// # Errors
    /// [`Kind::Refused`] if another one is being made, or something of that name is there.
    pub async fn backup_to(&self, path: PathBuf) -> Result<u64, Error> {
        self.workers.read(move |reader| backup::copy(reader.place())?.save(&path)).await
    }

    fn workers(&self) -> &Workers {
        &self.workers
    }
}
