//! Backups that are made by themselves, and how many of them are kept.
//!
//! What is due follows from the schedule and from what was done last, which is in the database: a run that was missed while
//! the daemon was down is caught up with, once. The list of what was made is there, too: only files that are in it, and have
//! the length that they were made with, are ever removed, and only after a newer one is whole and checked.

mod retention;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use super::control::Shared;
use super::reload::Reloader;
use crate::config::Backup;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Clock, Vault, VaultError};
use crate::model::secret::Secret;
use crate::model::shell::quoted_path;
use crate::model::time::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcInstant, Zone};
use crate::observe::Chain;
use crate::planner::schedule::Schedule;
use crate::store::{Store, keycheck_of};
use crate::sync::Handle;

/// After a start everything else comes first.
const REST_MS: i64 = 2 * SECOND_MS;
/// Longest time between two looks: the clock may be set, and the configuration changed.
const LOOK_EVERY_MS: i64 = MINUTE_MS;
/// After a failure it is tried again so often.
const RETRY_MS: i64 = HOUR_MS;
/// What was made and what became of the last try, in the vault.
const RECORD: &str = "backups";

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// The slot of the schedule that the last try was for.
    slot: Option<UtcInstant>,
    tried_at: Option<UtcInstant>,
    /// Why the last try failed.
    failure: Option<String>,
    made: Vec<Made>,
}

/// A file that was made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    path: PathBuf,
    at: UtcInstant,
    bytes: u64,
}

impl Made {
    /// Whether the file is still the one that was made.
    fn is_there(&self) -> bool {
        let facts = fs::symlink_metadata(&self.path);
        facts.is_ok_and(|facts| facts.is_file() && facts.len() == self.bytes)
    }
}

impl Record {
    /// The last one that succeeded.
    fn newest(&self) -> Option<UtcInstant> {
        self.made.iter().map(|made| made.at).max()
    }

    /// What is wrong, if the last try failed.
    fn trouble(&self, folder: PathBuf) -> Option<BackupTrouble> {
        let reason = self.failure.clone()?;
        Some(BackupTrouble { folder, newest: self.newest(), reason })
    }
}

/// Backups that fail, for whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupTrouble {
    /// Where they should go.
    pub folder: PathBuf,
    /// The last one that succeeded.
    pub newest: Option<UtcInstant>,
    /// Why the last try failed.
    pub reason: String,
}

impl BackupTrouble {
    /// One sentence.
    pub fn message(&self) -> String {
        let newest = match self.newest {
            Some(at) => format!("no backup since {at}"),
            None => "no backup yet".to_owned(),
        };
        format!("{newest}: {}", self.reason)
    }

    /// What shows why nothing can be written there.
    pub fn command(&self) -> String {
        let folder = quoted_path(&self.folder);
        format!("ls -ld {folder}; df -h {folder}")
    }
}

/// How backups into a folder went, by what is remembered of them: the last one that succeeded, or what is wrong.
///
/// # Errors
/// The database cannot be read.
pub async fn outcome(
    store: &Store,
    folder: PathBuf,
) -> Result<Result<Option<UtcInstant>, BackupTrouble>, VaultError> {
    let record = recall(store).await?;
    Ok(record.trouble(folder).map_or_else(|| Ok(record.newest()), Err))
}

/// What is remembered.
async fn recall(store: &Store) -> Result<Record, VaultError> {
    let text = store.load(RECORD).await?;
    Ok(text.and_then(|text| serde_json::from_str(text.expose()).ok()).unwrap_or_default())
}

/// What others may know of it.
#[derive(Clone, Debug, Default)]
pub struct Backups(Arc<Mutex<Option<BackupTrouble>>>);

impl Backups {
    /// What is wrong, if something is.
    pub fn trouble(&self) -> Option<BackupTrouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, trouble: Option<BackupTrouble>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Makes backups.
pub(super) struct Keeper {
    store: Store,
    engine: Handle,
    reloader: Reloader,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    backups: Backups,
}

impl Keeper {
    /// With what the control socket has; it asks there how things stand.
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            store: shared.store.clone(),
            engine: shared.engine.clone(),
            reloader: shared.reloader.clone(),
            clock: Arc::clone(&shared.clock),
            stop: shared.stop.clone(),
            backups: shared.backups.clone(),
        }
    }

    /// Works until the daemon is told to stop.
    pub(super) async fn run(self) -> Result<(), DaemonError> {
        let mut record: Option<Record> = None;
        let mut wait_ms = REST_MS;
        loop {
            let until = self.clock.now().mono_ms.saturating_add(wait_ms);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                () = self.clock.sleep_until(until) => {}
            }
            wait_ms = LOOK_EVERY_MS;
            let config = self.reloader.config();
            let (rules, zone) = (&config.backup, &config.schedule.timezone);
            let Some(folder) = rules.folder.clone() else {
                self.backups.set(None);
                continue;
            };
            if record.is_none() {
                record = self.load().await;
            }
            let Some(known) = &mut record else { continue };
            let schedule = Schedule::new(&rules.schedule, zone.clone(), 0);
            let schedule = schedule.map_err(DaemonError::Schedule)?;
            let now = self.clock.now().wall;
            if let Some(slot) = due(known, &schedule, now) {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Ok(()),
                    () = self.back_up(known, slot, (rules, folder.clone(), zone)) => {}
                }
            }
            self.backups.set(known.trouble(folder));
            if let Some(next) = schedule.slot_after(now) {
                wait_ms = next.since(now).clamp(SECOND_MS, LOOK_EVERY_MS);
            }
        }
    }

    /// What is remembered. A start may be the cure of what failed, so that is tried again at once.
    async fn load(&self) -> Option<Record> {
        let known = recall(&self.store).await.ok()?;
        Some(Record { tried_at: known.tried_at.filter(|_| known.failure.is_none()), ..known })
    }

    async fn save(&self, record: &Record) {
        let Ok(text) = serde_json::to_string(record) else { return };
        if self.store.save(RECORD, Some(Secret::new(text))).await.is_err() {
            tracing::warn!(
                "what backups there are could not be noted; none of them will be removed"
            );
        }
    }

    /// Makes one, tells of it, and removes what is not kept any more.
    async fn back_up(
        &self,
        record: &mut Record,
        slot: UtcInstant,
        (rules, folder, zone): (&Backup, PathBuf, &Zone),
    ) {
        let now = self.clock.now().wall;
        let at = now.plus_ms(now.ms().rem_euclid(SECOND_MS).saturating_neg());
        let path = folder.join(format!("banksyncd-{}.db", at.stamp()));
        let again = record.slot == Some(slot) && record.failure.is_some();
        record.slot = Some(slot);
        record.tried_at = Some(now);
        let notice = match self.store.backup_to(path.clone()).await {
            Ok(bytes) => {
                record.failure = None;
                record.made.push(Made { path: path.clone(), at, bytes });
                let notice = Notice::new(EventCode::BackupCompleted, "a backup was written");
                Some(
                    notice
                        .detail("bytes", bytes.to_string())
                        .detail("file", path.to_string_lossy()),
                )
            }
            Err(error) => {
                let reason = Chain(&error).to_string();
                record.failure = Some(reason.clone());
                let notice = Notice::new(EventCode::BackupFailed, "a backup could not be written");
                (!again).then(|| notice.detail("reason", reason))
            }
        };
        if record.failure.is_none() {
            thin_out(record, rules, zone);
        }
        self.save(record).await;
        let _gone = self.engine.note(notice.into_iter().collect()).await;
    }
}

/// The slot for which a backup is due now.
fn due(record: &Record, schedule: &Schedule, now: UtcInstant) -> Option<UtcInstant> {
    let slot = schedule.slot_before(now)?;
    // A slot in our future means that the clock went back.
    let served = record.slot.is_some_and(|done| slot <= done && done <= now);
    let waited = record.tried_at.is_none_or(|at| now.since(at).abs() >= RETRY_MS);
    (!served || (record.failure.is_some() && waited)).then_some(slot)
}

/// Removes what is not kept any more. A file that is not as it was made is somebody else's by now.
fn thin_out(record: &mut Record, rules: &Backup, zone: &Zone) {
    record.made.retain(Made::is_there);
    let instants: Vec<UtcInstant> = record.made.iter().map(|made| made.at).collect();
    let superfluous = retention::superfluous(&instants, rules, zone);
    record.made.retain(|made| {
        let gone = superfluous.contains(&made.at) && fs::remove_file(&made.path).is_ok();
        if gone {
            // It may have been taken away before.
            drop(fs::remove_file(keycheck_of(&made.path)));
        }
        !gone
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_caught_up_with_once_and_failures_are_tried_again() {
        let at = |text: &str| UtcInstant::parse(text).unwrap();
        let schedule = Schedule::new(&["0 30 3 * * *".to_owned()], Zone::UTC, 0).unwrap();
        let mut record = Record::default();
        let now = at("2026-03-10T12:00:00Z");
        let slot = at("2026-03-10T03:30:00Z");
        assert_eq!(due(&record, &schedule, now), Some(slot), "there is none at all yet");
        record.slot = Some(slot);
        record.tried_at = Some(now);
        assert_eq!(due(&record, &schedule, now.plus_hours(2)), None);
        let later = now.plus_days(9);
        assert_eq!(due(&record, &schedule, later), Some(at("2026-03-19T03:30:00Z")));
        assert_eq!(due(&record, &schedule, now.plus_days(-2)), Some(slot.plus_days(-2)));
        record.failure = Some("x".into());
        assert_eq!(due(&record, &schedule, now.plus_ms(RETRY_MS - 1)), None);
        assert_eq!(due(&record, &schedule, now.plus_ms(RETRY_MS)), Some(slot));
    }

    #[test]
    fn only_what_was_made_here_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let made = |name: &str, day: i64| {
            drop(file(&format!("{name}.keycheck"), "check"));
            Made { path: file(name, "made"), at: UtcInstant::EPOCH.plus_days(day), bytes: 4 }
        };
        let rules = Backup {
            folder: None,
            schedule: Vec::new(),
            keep_last: 1,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
        };
        let mut record =
            Record { made: vec![made("1", 1), made("2", 2), made("3", 3)], ..Record::default() };
        file("1", "another one now");
        file("banksyncd-20260101T000000Z.db", "somebody's");
        fs::create_dir(folder.path().join("sub")).unwrap();
        thin_out(&mut record, &rules, &Zone::UTC);
        assert_eq!(record.made.len(), 1);
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let left = ["1", "1.keycheck", "3", "3.keycheck", "banksyncd-20260101T000000Z.db", "sub"];
        assert_eq!(names, left);
        // The last one stays, whatever became of it.
        file("3", "another one now");
        thin_out(&mut record, &rules, &Zone::UTC);
        assert!(folder.path().join("3").exists() && record.made.is_empty());
    }
}
