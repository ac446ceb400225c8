//! The driver: lets people and machines do what they do, keeps the daemon alive or kills it, and looks into the database.
//!
//! Everything that is to happen stands in one agenda by the true time. The driver sleeps until the first of it, so that
//! nothing here ever runs at the same time as the daemon.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Defaults};
use crate::model::id::InstitutionId;
use crate::model::secret::DatabaseKey;
use crate::model::time::{BankDate, SECOND_MS, UtcInstant};
use crate::planner::policy::Policy;
use crate::planner::state::Link;
use crate::sandbox::{Rng, Weather, Wish, World, WorldConfig};
use crate::store;
use crate::systemd::process;

use super::audit::{self, Ledger};
use super::clock::VirtualClock;
use super::fact::{Fact, Machine};
use super::fate::Boundary;
use super::journal::Journal;
use super::life::{End, Life, Seeded, Stage};
use super::line::Requests;
use super::machine::{self, Mishap};
use super::promise::{Agreed, Bench, Identities, Scene, VIEW};
use super::{Faults, Options, Outcome, SimulationError, conclude, folder};

/// Zones in which the daemon may live: both directions of daylight saving, half-hour steps, none.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
];
/// After an answer has arrived, the database has it so much later.
const APPLIED_MS: i64 = 1;
/// A service manager starts a daemon again so much later.
const RESTART_MS: i64 = 5 * SECOND_MS;
/// Between two tries to start with a full disk, in seconds.
const RETRY_S: i64 = 60;
/// After a disk had been full, the database has everything so much later, in seconds.
const SETTLED_S: i64 = 300;
/// The weather is fair for so many days at the end: what can be caught up with is caught up with then.
const FAIR_DAYS: u32 = 4;
/// With more accounts, banks have more of them than usual.
const ACCOUNTS_USUAL: u32 = 60;
/// Accounts at each bank for each so many asked for.
const BANKS: u32 = 40;

/// One thing that is to happen.
#[derive(Clone, Debug)]
enum Action {
    /// A daemon starts.
    Start,
    /// What has been shown should be in the database.
    Audit,
    /// Something goes wrong with the machine.
    Mishap(Mishap),
    /// Somebody sets the clock right.
    CorrectWall,
    /// Somebody makes room on the disk.
    FreeDisk,
    /// Those who judge look around.
    LookAround,
}

/// Puts everything up that outlives a life of the daemon.
pub(super) fn stage(options: &Options, folder: &Path) -> Result<Stage, SimulationError> {
    let mut chance = Rng::keyed(options.seed, &[32]);
    let first = BankDate::from_ymd(2027, 2, 1).map_or(0, BankDate::epoch_days);
    // Two years from any of these days hold a leap day and four changes of the clock.
    let start = UtcInstant::EPOCH
        .plus_days(first.saturating_add(chance.between(0, 365)))
        .plus_s(chance.between(0, 86_399));
    let zone = chance.pick(&ZONES).copied().unwrap_or("UTC");
    let text = format!("[schedule]\ntimezone = \"{zone}\"\n");
    let parsed = config::parse(&text, "simulation", &Defaults::default());
    let config = parsed
        .map_err(|problems| {
            let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
            SimulationError::Config(sentences.join("; "))
        })?
        .config;
    let policy =
        Policy::from_config(&config).map_err(|error| SimulationError::Config(error.to_string()))?;
    let world_config = WorldConfig {
        seed: options.seed,
        accounts_per_institution: (options.accounts > ACCOUNTS_USUAL)
            .then(|| options.accounts.div_ceil(BANKS)),
        ..WorldConfig::default()
    };
    let weather = match options.faults {
        Faults::None => Weather::Calm,
        Faults::Default => Weather::Usual,
        Faults::Storm => Weather::Storm,
    };
    let agreed = Agreed {
        daily_limit: world_config.limits.daily,
        refresh_life_ms: world_config.refresh_token_s.saturating_mul(SECOND_MS),
        freshness_ms: i64::from(config.schedule.freshness_s).saturating_mul(SECOND_MS),
        warn_days: config.history.warn_days.clone(),
        accounts: options.accounts,
    };
    let mut key = [0; 32];
    for byte in &mut key {
        *byte = u8::try_from(chance.below(256)).unwrap_or_default();
    }
    let mut world = World::new(world_config, start);
    let accounts =
        world.inhabit(options.accounts, options.days.saturating_sub(FAIR_DAYS).max(1), weather);
    Ok(Stage {
        world: Arc::new(Mutex::new(world)),
        accounts,
        clock: Arc::new(VirtualClock::new(start)),
        journal: Arc::new(Journal::new(Bench::new(&agreed))),
        entropy: Seeded::new(options.seed),
        config,
        policy,
        path: folder.join("simulation.db"),
        key: DatabaseKey::from_bytes(key),
        seed: options.seed,
        faults: options.faults,
        requests: Arc::new(Requests::default()),
    })
}

/// The one who acts.
pub(super) struct Driver {
    pub(super) options: Options,
    pub(super) stage: Stage,
    agenda: BTreeMap<(UtcInstant, u64), Action>,
    entries: u64,
    pub(super) life: Option<Life>,
    pub(super) ledger: Ledger,
    /// How long the daemon stays down when it has ended, in milliseconds.
    downtime_ms: i64,
    disk_full: bool,
    /// When the disk last had room again.
    disk_free_at: Option<UtcInstant>,
    /// What people wait to ask of the daemon.
    wishes: Vec<Wish>,
    identities: Identities,
}

impl Driver {
    pub(super) fn new(options: Options, stage: Stage) -> Self {
        Self {
            options,
            stage,
            agenda: BTreeMap::new(),
            entries: 0,
            life: None,
            ledger: Ledger::default(),
            downtime_ms: RESTART_MS,
            disk_full: false,
            disk_free_at: None,
            wishes: Vec::new(),
            identities: Identities::default(),
        }
    }

    pub(super) fn now(&self) -> UtcInstant {
        self.stage.clock.truth()
    }

    fn plan(&mut self, at: UtcInstant, action: Action) {
        self.entries += 1;
        self.agenda.insert((at, self.entries), action);
    }

    /// Lives through all days, then sums up.
    pub(super) async fn run(mut self) -> Result<Outcome, SimulationError> {
        let begin = self.now();
        let end = begin.plus_days(i64::from(self.options.days));
        self.plan(begin, Action::Start);
        process::survive_file_size_limit().map_err(SimulationError::Process)?;
        for (at, mishap) in machine::mishaps(self.options.seed, self.options.faults, begin, end) {
            self.plan(at, Action::Mishap(mishap));
        }
        self.plan(begin.plus_hours(1), Action::LookAround);
        while self.now() < end && !self.stage.journal.is_broken() {
            self.step(end).await?;
        }
        if !self.stage.journal.is_broken() {
            self.look_around(true).await;
        }
        conclude::conclude(self).await
    }

    /// Waits for the next thing, and does it.
    async fn step(&mut self, end: UtcInstant) -> Result<(), SimulationError> {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let deed = self.with_world(|world, _| world.next_deed_at());
        let next = [planned, deed, Some(end)].into_iter().flatten().min().unwrap_or(end);
        let clock = Arc::clone(&self.stage.clock);
        let journal = Arc::clone(&self.stage.journal);
        let life = async {
            match &mut self.life {
                Some(life) => life.task.join_next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            ended = life => return self.life_ended(ended).await,
            () = journal.arrival() => {
                self.plan(clock.truth().plus_ms(APPLIED_MS), Action::Audit);
            }
            () = clock.sleep_until_true(next) => {}
        }
        self.let_people_live().await;
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > clock.truth() {
                break;
            }
            let action = entry.remove();
            self.act(action).await?;
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<(), SimulationError> {
        match action {
            Action::Start => self.start().await?,
            Action::Audit => self.audit().await.map_err(SimulationError::Store)?,
            Action::Mishap(mishap) => self.go_wrong(mishap)?,
            Action::CorrectWall => {
                self.stage.clock.correct_wall();
                self.note(Fact::Machine(Machine::Corrected));
            }
            Action::FreeDisk => {
                process::limit_file_size(None).map_err(SimulationError::Process)?;
                (self.disk_full, self.disk_free_at) = (false, Some(self.now()));
                self.note(Fact::Machine(Machine::DiskFree));
                self.plan(self.now().plus_s(SETTLED_S), Action::Audit);
            }
            Action::LookAround => {
                self.look_around(false).await;
                self.plan(self.now().plus_hours(1), Action::LookAround);
            }
        }
        Ok(())
    }

    fn note(&self, fact: Fact) {
        self.stage.journal.note(self.now(), fact);
    }

    async fn start(&mut self) -> Result<(), SimulationError> {
        match Life::begin(&self.stage).await {
            Ok(life) => self.life = Some(life),
            // The service manager tries again.
            Err(_full) if self.disk_full => self.plan(self.now().plus_s(RETRY_S), Action::Start),
            Err(error) => return Err(SimulationError::Store(error)),
        }
        self.downtime_ms = RESTART_MS;
        Ok(())
    }

    fn go_wrong(&mut self, mishap: Mishap) -> Result<(), SimulationError> {
        match mishap {
            Mishap::Kill(boundary, down_ms) => {
                if let Some(life) = &self.life {
                    life.fate.lay(boundary);
                    self.downtime_ms = down_ms;
                }
            }
            Mishap::Restart(down_ms) => {
                if let Some(life) = &self.life {
                    life.stop.cancel();
                    self.downtime_ms = down_ms;
                }
            }
            Mishap::Step { by_ms, for_ms } => {
                self.stage.clock.step_wall(by_ms);
                self.note(Fact::Machine(Machine::Stepped(by_ms)));
                self.plan(self.now().plus_ms(for_ms), Action::CorrectWall);
            }
            Mishap::Sleep(ms) => {
                self.stage.clock.suspend(ms);
                self.note(Fact::Machine(Machine::Slept(ms)));
            }
            Mishap::DiskFull(for_ms) => {
                process::limit_file_size(Some(1)).map_err(SimulationError::Process)?;
                self.disk_full = true;
                self.note(Fact::Machine(Machine::DiskFull));
                self.plan(self.now().plus_ms(for_ms), Action::FreeDisk);
            }
        }
        Ok(())
    }

    /// People do what they do at their banks, and ask of the daemon what they want as soon as it is there.
    async fn let_people_live(&mut self) {
        let wishes = self.with_world(|world, now| {
            world.live_until(now);
            world.take_wishes(now)
        });
        self.wishes.extend(wishes);
        if self.life.is_some() {
            for wish in std::mem::take(&mut self.wishes) {
                self.ask(wish).await;
            }
        }
    }

    /// One wish. A daemon that goes down at this moment does nothing; the person asks again some day.
    async fn ask(&mut self, wish: Wish) {
        let Some(life) = &self.life else { return };
        let Ok(report) = life.handle.report().await else { return };
        let known = |requisition: &str| {
            let own =
                |link: &&Link| link.requisition_id.as_ref().is_some_and(|id| id.0 == requisition);
            report.links.iter().find(own)
        };
        match wish {
            Wish::Link { institution, access_days } => {
                let institution = InstitutionId(institution);
                let _gone = life.handle.link(institution, None, access_days, None).await;
            }
            Wish::Reconfirm { requisition } => {
                if let Some(link) = known(&requisition) {
                    let _gone = life.handle.reconfirm(link.id).await;
                }
            }
            Wish::Renew { requisition } => {
                if let Some(link) = known(&requisition) {
                    let (institution, id) = (link.institution_id.clone(), Some(link.id));
                    let _gone = life.handle.link(institution, None, None, id).await;
                }
            }
            Wish::Unlink { requisition } => {
                if let Some(link) = known(&requisition) {
                    let _gone = life.handle.unlink(link.id).await;
                    self.identities.unlinked(requisition);
                }
            }
            Wish::Sync { force } => {
                let accounts = report.accounts.iter().map(|account| account.id).collect();
                // Nobody waits for the results.
                drop(life.handle.sync(accounts, force).await);
            }
        }
    }

    async fn life_ended(
        &mut self,
        ended: Option<Result<End, tokio::task::JoinError>>,
    ) -> Result<(), SimulationError> {
        let Some(life) = self.life.take() else { return Ok(()) };
        let how = match ended {
            Some(Ok(End::Killed)) => "is killed",
            Some(Ok(End::Stopped)) => "stops",
            Some(Ok(End::Failed(_full))) if self.disk_full => "gives up",
            Some(Ok(End::Failed(error))) => return Err(SimulationError::Engine(error)),
            // A panic aborts the process, or the runtime ends.
            Some(Err(_)) | None => "breaks down",
        };
        life.bury(&self.stage).await;
        self.stage.journal.note(self.now(), Fact::Ended(how));
        // What arrived in its last moment may or may not have been stored.
        for shown in self.stage.journal.take_shown(UtcInstant::NEVER) {
            self.ledger.doubt(&shown);
        }
        self.plan(self.now().plus_ms(self.downtime_ms), Action::Start);
        Ok(())
    }

    /// Looks up the answers that arrived.
    async fn audit(&mut self) -> Result<(), store::Error> {
        let Some(life) = &self.life else { return Ok(()) };
        let settled = |free: UtcInstant| free.plus_s(SETTLED_S) <= self.stage.clock.truth();
        if self.disk_full || !self.disk_free_at.is_none_or(settled) {
            // What has been shown waits to be written.
            return Ok(());
        }
        let mut newest = BTreeMap::new();
        for shown in self.stage.journal.take_shown(self.now()) {
            self.ledger.enter(&shown);
            newest.insert(shown.account.clone(), shown);
        }
        for shown in newest.into_values() {
            if let Some(verdict) = audit::view(&life.store, &shown).await? {
                self.stage.journal.judge(self.now(), VIEW, verdict);
            }
        }
        Ok(())
    }

    /// Lets everybody look around, after asking the daemon who is who.
    async fn look_around(&mut self, last: bool) {
        let Some(life) = &self.life else { return };
        let Ok(report) = life.handle.report().await else { return };
        for link in &report.links {
            if let Some(requisition) = &link.requisition_id {
                self.identities.link(link.id, &requisition.0);
            }
        }
        for account in &report.accounts {
            self.identities.account(account.id, &account.provider_account_id.0);
        }
        let (journal, now) = (Arc::clone(&self.stage.journal), self.now());
        let database_bytes = folder::bytes(&self.stage.path);
        let mut world = self.stage.world.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = Scene::new(&mut world, &self.ledger, &self.identities);
        let memory_bytes = process::resident_bytes_max();
        journal.look(now, &mut Scene { last, database_bytes, memory_bytes, ..scene });
    }

    /// Ends the life that is left, if any.
    pub(super) async fn end(&mut self) {
        if let Some(mut life) = self.life.take() {
            life.fate.lay(Boundary::Now);
            // How it ends is of no interest any more.
            drop(life.task.join_next().await);
            life.bury(&self.stage).await;
        }
    }

    /// The world, at its present.
    pub(super) fn with_world<T>(&self, act: impl FnOnce(&mut World, UtcInstant) -> T) -> T {
        let now = self.now();
        act(&mut self.stage.world.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}
