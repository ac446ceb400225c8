//! One life of the daemon: the real store, client, planner and engine, put together as the daemon puts them together, over a
//! virtual clock and an in-process wire. Nothing of it knows.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::daemon::run::remembered;
use crate::gocardless::{Client, Rows, Settings};
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Clock, Entropy, RowReader, Transport, Vault};
use crate::model::secret::{DatabaseKey, Secret};
use crate::planner::Planner;
use crate::planner::policy::Policy;
use crate::sandbox::{Rng, SECRET_ID, SECRET_KEY, World};
use crate::store::{self, EventFilter, Snapshot, Store};
use crate::sync::{Engine, EngineError, Handle, Parts, Turn};

use super::Faults;
use super::clock::VirtualClock;
use super::fact::Fact;
use super::fate::Fate;
use super::journal::Journal;
use super::line::{Ends, Line, Requests};

/// The machine that a daemon runs on, and what its owner has decided.
pub(super) struct Host {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) entropy: Seeded,
    pub(super) config: Config,
    pub(super) policy: Policy,
    /// Where the database is.
    pub(super) path: PathBuf,
    pub(super) key: DatabaseKey,
}

impl Host {
    /// Opens the database. Time stands still meanwhile, and from now on whenever somebody waits for it.
    pub(super) async fn open(&self) -> Result<(Store, Snapshot), store::Error> {
        self.clock.hold();
        let at = self.clock.now().wall;
        let opened = Store::open(self.path.clone(), self.key.clone(), at, &self.entropy).await;
        self.clock.release();
        let (store, snapshot) = opened?;
        self.clock.watch(Some(store.clone()));
        Ok((store, snapshot))
    }

    /// Puts the engine together as the daemon's process does, at the end of some wire.
    pub(super) fn engine(
        &self,
        wire: Arc<dyn Transport>,
        store: &Store,
        mut snapshot: Snapshot,
    ) -> (Engine<Client>, Handle, Arc<Client>) {
        let clock: Arc<dyn Clock> = Arc::<VirtualClock>::clone(&self.clock);
        let settings = Settings {
            api_base: self.config.gocardless.api_base.clone(),
            secret_id: Secret::new(SECRET_ID.to_owned()),
            secret_key: Secret::new(SECRET_KEY.to_owned()),
            accounts_per_minute: self.config.limits.accounts_per_minute,
        };
        let vault: Arc<dyn Vault> = Arc::new(store.clone());
        let client = Arc::new(Client::new(wire, Arc::clone(&clock), vault, settings));
        let reader: Arc<dyn RowReader> = Arc::new(Rows);
        let untold = std::mem::take(&mut snapshot.unlogged);
        let planner =
            Planner::restore(remembered(snapshot), self.policy.clone(), self.entropy.seed());
        let (engine, handle, _life) = Engine::new(Parts {
            planner,
            provider: Arc::clone(&client),
            reader,
            store: store.clone(),
            clock,
            beat_ms: crate::model::time::MINUTE_MS,
            tell: Box::new(|_event| true),
            untold,
        });
        (engine, handle, client)
    }
}

/// Everything that outlives a life.
pub(super) struct Stage {
    pub(super) host: Host,
    pub(super) world: Arc<Mutex<World>>,
    pub(super) journal: Arc<Journal>,
    /// Accounts that people have.
    pub(super) accounts: u32,
    pub(super) seed: u64,
    pub(super) faults: Faults,
    pub(super) requests: Arc<Requests>,
}

/// Random bits that a seed decides.
#[derive(Debug)]
pub(super) struct Seeded(Mutex<Rng>);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(Rng::keyed(seed, &[30])))
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        let bits = self.bits().to_be_bytes().into_iter().chain(self.bits().to_be_bytes());
        seed.iter_mut().zip(bits).for_each(|(to, from)| *to = from);
        seed
    }
}

impl Entropy for Seeded {
    fn bits(&self) -> u128 {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        u128::from(rng.bits()) << 64 | u128::from(rng.bits())
    }
}

/// How a life ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing could be finished.
    Killed,
    /// It was told to stop.
    Stopped,
    /// It gave up.
    Failed(EngineError),
}

/// A daemon that runs.
pub(super) struct Life {
    /// Holds the one task, which ends with the life.
    pub(super) task: JoinSet<End>,
    /// The way to it.
    pub(super) handle: Handle,
    /// Its database.
    pub(super) store: Store,
    pub(super) fate: Arc<Fate>,
    /// Cancelled, it goes down in good order.
    pub(super) stop: CancellationToken,
    client: Arc<Client>,
}

impl Life {
    /// Opens the database and starts the engine.
    pub(super) async fn begin(stage: &Stage) -> Result<Self, store::Error> {
        let host = &stage.host;
        let (store, snapshot) = host.open().await?;
        let fate = Arc::new(Fate::default());
        let ends = Ends {
            world: Arc::clone(&stage.world),
            clock: Arc::clone(&host.clock),
            journal: Arc::clone(&stage.journal),
            fate: Arc::clone(&fate),
            requests: Arc::clone(&stage.requests),
        };
        let line = Line::new(ends, &host.config.http, stage.seed, stage.faults);
        let (engine, handle, client) = host.engine(Arc::new(line), &store, snapshot);
        stage.journal.note(stage.host.clock.truth(), Fact::Began);
        let started = Notice::new(EventCode::DaemonStarted, "the daemon is up")
            .detail("version", env!("CARGO_PKG_VERSION"));
        // The inbox is empty and has room: this does not wait for the engine.
        let _gone = handle.note(vec![started]).await;
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(live(
            engine,
            Arc::clone(&fate),
            stop.clone(),
            Told {
                journal: Arc::clone(&stage.journal),
                clock: Arc::clone(&stage.host.clock),
                store: store.clone(),
            },
        ));
        Ok(Self { task, handle, store, fate, stop, client })
    }

    /// Waits until nothing of this life is left; its task has ended.
    pub(super) async fn bury(self, stage: &Stage) {
        let Self { store, client, .. } = self;
        let client = {
            let weak = Arc::downgrade(&client);
            drop(client);
            weak
        };
        // Calls that were under way are dropped by the runtime in its own time.
        stage.host.clock.hold();
        while client.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        stage.host.clock.release();
        // The last handles: the writer carries out what was given to it, then lets go of the file.
        stage.host.clock.watch(None);
        drop(store);
    }
}

/// What it takes to tell of committed events.
struct Told {
    journal: Arc<Journal>,
    clock: Arc<VirtualClock>,
    store: Store,
}

impl Told {
    /// Notes the events that were committed since, in their order, up to that one.
    async fn tell(&self, newest: &mut i64, committed: i64) -> Result<(), store::Error> {
        let filter = EventFilter { after_id: *newest, ..EventFilter::default() };
        let mut events = self.store.events(filter);
        while *newest < committed
            && let Some(chunk) = events.next().await?
        {
            for event in chunk {
                *newest = event.id;
                self.journal.note(self.clock.truth(), Fact::Event(Box::new(event)));
            }
        }
        Ok(())
    }
}

/// Drives the engine turn by turn, so that it can die between any two effects.
async fn live(
    mut engine: Engine<Client>,
    fate: Arc<Fate>,
    stop: CancellationToken,
    told: Told,
) -> End {
    engine.begin();
    let mut newest_event = told.journal.newest_event();
    let events = told.store.event_watch();
    while !stop.is_cancelled() {
        let turn = tokio::select! {
            biased;
            () = fate.death() => return End::Killed,
            turn = engine.turn(&stop) => turn,
        };
        // Told before the next thing happens, so that all who judge see one order.
        let committed = *events.borrow();
        if committed > newest_event
            && let Err(error) = told.tell(&mut newest_event, committed).await
        {
            return End::Failed(EngineError::Store(error));
        }
        match turn {
            Ok(Turn::Worked) if fate.effect_done() => return End::Killed,
            Ok(_) => {}
            Err(error) => return End::Failed(error),
        }
    }
    match engine.wind_down().await {
        Ok(()) => End::Stopped,
        Err(error) => End::Failed(error),
    }
}
