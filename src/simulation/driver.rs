//! The driver: lets people and machines do what they do, keeps the daemon alive or kills it, and looks into the database.
//!
//! Everything that is to happen stands in one agenda by the true time. The driver sleeps until the first of it, so that
//! nothing here ever runs at the same time as the daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Defaults};
use crate::model::id::InstitutionId;
use crate::model::secret::DatabaseKey;
use crate::model::time::{BankDate, SECOND_MS, UtcInstant};
use crate::planner::policy::Policy;
use crate::planner::state::Link;
use crate::sandbox::{Rng, Status, World, WorldConfig};
use crate::store;
use crate::systemd::process;

use super::audit::{self, Ledger};
use super::clock::VirtualClock;
use super::fact::{Fact, Machine};
use super::journal::Journal;
use super::life::{End, Life, Seeded, Stage};
use super::machine::{self, Mishap};
use super::promise::{Bench, VIEW};
use super::{Options, Outcome, SimulationError, conclude};

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
/// People renew so many days before the end.
const RENEW_DAYS: i64 = 5;

/// One thing that is to happen.
#[derive(Clone, Debug)]
enum Action {
    /// A daemon starts.
    Start,
    /// What has been shown should be in the database.
    Audit,
    /// Somebody links a bank.
    Link(String),
    /// Something goes wrong with the machine.
    Mishap(Mishap),
    /// Somebody sets the clock right.
    CorrectWall,
    /// Somebody makes room on the disk.
    FreeDisk,
    /// People look whether a consent ends soon.
    LookAtConsents,
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
        auto_authorise_after_s: Some(600),
        accounts_per_institution: Some(1),
        ..WorldConfig::default()
    };
    let limit = world_config.limits.daily;
    let refresh_life_ms = world_config.refresh_token_s.saturating_mul(SECOND_MS);
    let mut key = [0; 32];
    for byte in &mut key {
        *byte = u8::try_from(chance.below(256)).unwrap_or_default();
    }
    Ok(Stage {
        world: Arc::new(Mutex::new(World::new(world_config, start))),
        clock: Arc::new(VirtualClock::new(start)),
        journal: Arc::new(Journal::new(Bench::new(limit, refresh_life_ms))),
        entropy: Seeded::new(options.seed),
        config,
        policy,
        path: folder.join("simulation.db"),
        key: DatabaseKey::from_bytes(key),
        seed: options.seed,
        faults: options.faults,
        requests: Arc::new(AtomicU64::new(0)),
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
    /// Requisitions that somebody renews.
    renewing: BTreeSet<String>,
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
            renewing: BTreeSet::new(),
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
        self.plan(begin.plus_days(1), Action::LookAtConsents);
        let institutions: Vec<&str> = World::profiles().map(|(id, _)| id).collect();
        let count = usize::try_from(self.options.accounts).unwrap_or(usize::MAX);
        let skip = usize::try_from(self.options.seed).unwrap_or(0);
        let chosen =
            institutions.iter().cycle().skip(skip.checked_rem(institutions.len()).unwrap_or(0));
        for (place, id) in (0_i64..).zip(chosen.take(count)) {
            self.plan(begin.plus_s(60 + 600 * place), Action::Link((*id).to_owned()));
        }
        while self.now() < end && !self.stage.journal.is_broken() {
            self.step(end).await?;
        }
        conclude::conclude(self).await
    }

    /// Waits for the next thing, and does it.
    async fn step(&mut self, end: UtcInstant) -> Result<(), SimulationError> {
        let next = self.agenda.first_key_value().map_or(end, |((at, _), _)| (*at).min(end));
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
            Action::Link(institution) => self.link(institution).await,
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
            Action::LookAtConsents => {
                self.renew_what_ends().await;
                self.plan(self.now().plus_days(1), Action::LookAtConsents);
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

    /// People in time: a successor for each consent that ends soon.
    async fn renew_what_ends(&mut self) {
        let soon = self.now().plus_days(RENEW_DAYS);
        let ending = self.with_world(|world, now| {
            let all = world.requisitions(now).into_iter();
            let ends = |end: Option<UtcInstant>| end.is_some_and(|end| now < end && end < soon);
            let linked = all.filter(|own| own.status == Status::LN && ends(own.consent_ends_at));
            linked.map(|own| (own.id, own.institution)).collect::<Vec<_>>()
        });
        let Some(life) = &self.life else { return };
        let Ok(report) = life.handle.report().await else { return };
        for (requisition, institution) in ending {
            let known =
                |link: &&Link| link.requisition_id.as_ref().is_some_and(|id| id.0 == requisition);
            if let Some(link) = report.links.iter().find(known)
                && self.renewing.insert(requisition.clone())
            {
                let institution = InstitutionId(institution.to_owned());
                let _gone = life.handle.link(institution, None, None, Some(link.id)).await;
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
        for shown in self.stage.journal.take_shown() {
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
        for shown in self.stage.journal.take_shown() {
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

    async fn link(&mut self, institution: String) {
        let Some(life) = &self.life else { return };
        // A daemon that goes down at this moment links nothing; the person would see that.
        let _gone = life.handle.link(InstitutionId(institution), None, None, None).await;
    }

    /// The world, at its present.
    pub(super) fn with_world<T>(&self, act: impl FnOnce(&mut World, UtcInstant) -> T) -> T {
        let now = self.now();
        act(&mut self.stage.world.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}
