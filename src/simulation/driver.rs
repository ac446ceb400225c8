//! The driver: lets people and machines do what they do, keeps the daemon alive or kills it, and looks into the database.
//!
//! Everything that is to happen stands in one agenda by the true time. The driver sleeps until the first of it, so that
//! nothing here ever runs at the same time as the daemon.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use crate::model::time::{BankDate, SECOND_MS, UtcInstant};
use crate::sandbox::{Wish, World};
use crate::store;
use crate::systemd::process;

use super::audit::{self, Ledger};
use super::fact::{Fact, Machine};
use super::fate::Boundary;
use super::life::{End, Life, Stage};
use super::machine::{self, Mishap};
use super::promise::{Identities, Scene, VIEW};
use super::{Options, Outcome, SimulationError, conclude, folder, wishes};

/// After an answer has arrived, the database has it so much later.
const APPLIED_MS: i64 = 1;
/// A service manager starts a daemon again so much later.
const RESTART_MS: i64 = 5 * SECOND_MS;
/// Between two tries to start with a full disk, in seconds.
const RETRY_S: i64 = 60;
/// After a disk had been full, the database has everything so much later, in seconds.
const SETTLED_S: i64 = 300;

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
    /// When the memory of the process was last looked at.
    measured_on: Option<BankDate>,
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
            measured_on: None,
        }
    }

    pub(super) fn now(&self) -> UtcInstant {
        self.stage.host.clock.truth()
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
        for (at, mishap) in machine::mishaps(self.options.seed, self.options.faults, begin, end) {
            self.plan(at, Action::Mishap(mishap));
        }
        self.plan(begin.plus_hours(1), Action::LookAround);
        let lived = self.live_until(end).await;
        // What has become of it is read and told of, whatever was on the disk.
        process::limit_file_size(None).map_err(SimulationError::Process)?;
        lived?;
        if !self.stage.journal.is_broken() {
            self.look_around(true).await;
        }
        conclude::conclude(self).await
    }

    async fn live_until(&mut self, end: UtcInstant) -> Result<(), SimulationError> {
        while self.now() < end && !self.stage.journal.is_broken() {
            self.step(end).await?;
        }
        Ok(())
    }

    /// Waits for the next thing, and does it.
    async fn step(&mut self, end: UtcInstant) -> Result<(), SimulationError> {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let deed = self.with_world(|world, _| world.next_deed_at());
        let next = [planned, deed, Some(end)].into_iter().flatten().min().unwrap_or(end);
        let clock = Arc::clone(&self.stage.host.clock);
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
                self.stage.host.clock.correct_wall();
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
                self.stage.host.clock.step_wall(by_ms);
                self.note(Fact::Machine(Machine::Stepped(by_ms)));
                self.plan(self.now().plus_ms(for_ms), Action::CorrectWall);
            }
            Mishap::Sleep(ms) => {
                self.stage.host.clock.suspend(ms);
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
        for wish in wishes {
            // Who asks again before anybody was there to hear it wants it once.
            if !self.wishes.contains(&wish) {
                self.wishes.push(wish);
            }
        }
        if let Some(life) = &self.life {
            for wish in std::mem::take(&mut self.wishes) {
                if let Some(requisition) = wishes::ask(&life.handle, wish).await {
                    self.identities.unlinked(requisition);
                }
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
        let settled = |free: UtcInstant| free.plus_s(SETTLED_S) <= self.stage.host.clock.truth();
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
        let database_bytes = folder::bytes(&self.stage.host.path);
        let mut world = self.stage.world.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = Scene::new(&mut world, &self.ledger, &self.identities);
        // It never sinks, so that once a day is as good as always, and the kernel is slow to tell.
        let newly = self.measured_on != Some(now.utc_date()) || last;
        self.measured_on = Some(now.utc_date());
        let memory_bytes = newly.then(process::resident_bytes_max).flatten();
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
