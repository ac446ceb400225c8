//! Each warning, expiry, revocation, suspension and recovery exactly once, in order, and only what happened; on waking only the
//! smallest threshold that has passed. Ends are compared with the bank's books, by the true time.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AccountId, LinkId};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcInstant};
use crate::sandbox::{RequisitionView, World};

use super::{Fact, Promise, Scene, Verdict};

/// A clock of the provider is read with the resolution of a second, and looked at every minute.
pub(super) const SLACK_MS: i64 = 5 * MINUTE_MS;
/// An end that is so long ago must have been announced.
pub(super) const TOLD_MS: i64 = 3 * DAY_MS;
/// So many days after the day on which it was due access can still be confirmed, and as many before.
pub(super) const CONFIRM_DAYS: i64 = 14;

/// What was said about a link.
#[derive(Debug, Default)]
struct LinkStory {
    warned_days: Option<i64>,
    /// That its access is over (`None`), or that of one of its accounts.
    ended: BTreeSet<Option<AccountId>>,
    replaced: bool,
    completed: bool,
    /// Only a new link helps, and that was said.
    suspended: bool,
}

/// What was said about a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pause {
    /// That there is none, or nothing.
    #[default]
    Over,
    /// That there is one, of an account that goes through this link.
    Told(LinkId),
    /// The link has ended, and with it the pause, unless the account has gone on through another link by then.
    Doubtful,
}

/// What was said about an account.
#[derive(Debug, Default)]
struct AccountStory {
    paused: Pause,
    stale: bool,
    suspended: BTreeSet<LinkId>,
    inactive: BTreeSet<LinkId>,
}

/// The judge.
#[derive(Debug)]
pub(super) struct Announcements {
    warn_days: Vec<i64>,
    /// Events that were not yet compared with the books.
    fresh: Vec<(UtcInstant, Notice)>,
    links: BTreeMap<LinkId, LinkStory>,
    accounts: BTreeMap<AccountId, AccountStory>,
    outage: bool,
    /// Accounts whose data the provider refused.
    refused: BTreeSet<String>,
    /// The daemon has been up without a break since.
    up_since: Option<UtcInstant>,
}

impl Announcements {
    /// For these thresholds in days.
    pub(super) fn new(warn_days: &[u32]) -> Self {
        Self {
            warn_days: warn_days.iter().copied().map(i64::from).collect(),
            fresh: Vec::new(),
            links: BTreeMap::new(),
            accounts: BTreeMap::new(),
            outage: false,
            refused: BTreeSet::new(),
            up_since: None,
        }
    }

    /// What can be judged by the events alone.
    fn order(&mut self, notice: &Notice) -> Verdict {
        let said = |fine: bool, what: &str| Some(if fine { Ok(()) } else { Err(what.to_owned()) });
        // A pause goes on through the link through which its account does.
        if let (Some(id), Some(link)) = (notice.account_id, notice.link_id)
            && let Some(story) = self.accounts.get_mut(&id)
            && matches!(story.paused, Pause::Told(_))
        {
            story.paused = Pause::Told(link);
        }
        match (notice.code, notice.account_id, notice.link_id) {
            (EventCode::ProviderUnavailable, ..) => {
                said(!std::mem::replace(&mut self.outage, true), "an outage is announced twice")
            }
            (EventCode::ProviderRecovered, ..) => said(
                std::mem::replace(&mut self.outage, false),
                "the end of an outage is announced that was not",
            ),
            (EventCode::AccountPaused, Some(id), Some(link)) => {
                let story = self.accounts.entry(id).or_default();
                let former = std::mem::replace(&mut story.paused, Pause::Told(link));
                said(!matches!(former, Pause::Told(_)), "a pause is announced twice")
            }
            (EventCode::AccountRecovered, Some(id), _) => {
                let story = self.accounts.entry(id).or_default();
                said(
                    std::mem::take(&mut story.paused) != Pause::Over,
                    "a recovery is announced of an account that was not paused",
                )
            }
            (EventCode::AccountStale, Some(id), _) => {
                let story = self.accounts.entry(id).or_default();
                said(
                    !std::mem::replace(&mut story.stale, true),
                    "an account is announced as stale twice without data in between",
                )
            }
            (EventCode::SyncCompleted, Some(id), _) => {
                self.accounts.entry(id).or_default().stale = false;
                None
            }
            (EventCode::AccountSuspended, id, Some(link)) => {
                self.links.entry(link).or_default().suspended = true;
                let story = self.accounts.entry(id?).or_default();
                story.paused = Pause::Over;
                said(story.suspended.insert(link), "a suspension is announced twice")
            }
            (EventCode::AccountInactive, Some(id), Some(link)) => {
                let story = self.accounts.entry(id).or_default();
                story.paused = Pause::Over;
                said(story.inactive.insert(link), "an account is announced as closed twice")
            }
            (EventCode::AccessExpired | EventCode::AccessRevoked, about, Some(link)) => {
                self.doubt_pauses(link, about);
                let story = self.links.entry(link).or_default();
                said(story.ended.insert(about), "the end of a consent is announced twice")
            }
            (EventCode::LinkAbandoned, _, Some(link)) => {
                self.doubt_pauses(link, None);
                None
            }
            (EventCode::LinkReplaced, _, Some(link)) => {
                let story = self.links.entry(link).or_default();
                said(
                    !std::mem::replace(&mut story.replaced, true),
                    "a link is announced as replaced twice",
                )
            }
            (EventCode::LinkCompleted, _, Some(link)) => {
                let story = self.links.entry(link).or_default();
                said(
                    !std::mem::replace(&mut story.completed, true),
                    "a link is announced as complete twice",
                )
            }
            (EventCode::AccessExpiring, _, Some(link)) => {
                let days = threshold(notice);
                let former = self.links.entry(link).or_default().warned_days.replace(days);
                let known = self.warn_days.contains(&days);
                said(
                    known && former.is_none_or(|former| days < former),
                    "a warning is announced twice or out of order",
                )
            }
            _ => None,
        }
    }

    /// A link ends for one account or for all.
    fn doubt_pauses(&mut self, link: LinkId, about: Option<AccountId>) {
        for (id, story) in &mut self.accounts {
            if story.paused == Pause::Told(link) && about.is_none_or(|about| about == *id) {
                story.paused = Pause::Doubtful;
            }
        }
    }

    /// What the bank's books say about an event.
    fn truth(
        &self,
        at: UtcInstant,
        notice: &Notice,
        scene: &Scene<'_>,
        views: &Views,
    ) -> Option<Result<(), String>> {
        let view = notice
            .link_id
            .and_then(|link| scene.identities.requisition(link))
            .and_then(|id| views.get(id));
        match notice.code {
            EventCode::AccessExpiring => {
                let left_ms = view?.consent_ends_at?.since(at);
                let days = threshold(notice);
                let passed = |threshold: &&i64| left_ms <= **threshold * DAY_MS - SLACK_MS;
                let smallest = self.warn_days.iter().filter(passed).min().copied();
                let fits = left_ms <= days * DAY_MS + SLACK_MS
                    && smallest.is_none_or(|smallest| days <= smallest);
                let hours = left_ms.div_euclid(HOUR_MS);
                Some(if fits {
                    Ok(())
                } else {
                    Err(format!("a warning of {days} days, {hours} hours before the end"))
                })
            }
            EventCode::AccessExpired => {
                let view = view?;
                let end = ends_at(view)?;
                let early = at.plus_ms(SLACK_MS) < end && view.revoked_at.is_none();
                Some(if early {
                    Err(format!("an expiry of {} is announced that is due at {end}", view.id))
                } else {
                    Ok(())
                })
            }
            EventCode::AccessRevoked => {
                let view = view?;
                let gone = view.revoked_at.is_some_and(|revoked| revoked <= at)
                    || view.consent_ends_at.is_none_or(|end| end <= at)
                    || views.deleted(&view.id);
                // Of one account the bank may say so although its owner did nothing.
                let told = view.accounts.iter().any(|account| self.refused.contains(account));
                Some(if gone || told {
                    Ok(())
                } else {
                    Err("a revocation is announced that did not happen".to_owned())
                })
            }
            EventCode::AccountSuspended => {
                let handles = scene.identities.handles(notice.account_id?);
                let suspended = |handle: &String| {
                    scene.world.witness(handle, at).is_none_or(|truth| truth.suspended)
                        || scene.world.log().suspensions().iter().any(|own| own.account == *handle)
                };
                Some(if handles.iter().any(suspended) {
                    Ok(())
                } else {
                    Err("a suspension is announced that did not happen".to_owned())
                })
            }
            _ => None,
        }
    }

    /// Consents that ended long ago must have been announced.
    fn silence(&self, at: UtcInstant, scene: &Scene<'_>, views: &Views) -> Vec<Result<(), String>> {
        if self.up_since.is_none_or(|since| at.since(since) < TOLD_MS) {
            return Vec::new();
        }
        let judge = |(link, story): (&LinkId, &LinkStory)| {
            let view = views.get(scene.identities.requisition(*link)?)?;
            let end = ends_at(view)?;
            let due = story.completed
                && !story.replaced
                && !views.deleted(&view.id)
                && at.since(end) >= TOLD_MS;
            // The end of what was suspended is no news.
            let told = story.ended.contains(&None) || story.suspended;
            (due && view.linked_at.is_some()).then(|| {
                if told {
                    Ok(())
                } else {
                    Err(format!("the consent of {link} ended at {end}, and nobody was told"))
                }
            })
        };
        self.links.iter().filter_map(judge).collect()
    }
}

impl Promise for Announcements {
    fn name(&self) -> &'static str {
        "announcements"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        match fact {
            Fact::Began | Fact::Ended(_) | Fact::Machine(_) => self.up_since = Some(at),
            Fact::Heard(request)
                if matches!(request.status, 401 | 403) && !request.token_refused =>
            {
                if let Some((account, _)) = request.data() {
                    self.refused.insert(account.to_owned());
                }
            }
            Fact::Event(event) => {
                let verdict = self.order(&event.notice);
                self.fresh.push((at, event.notice.clone()));
                return verdict;
            }
            _ => {}
        }
        None
    }

    fn look(&mut self, at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        let views = Views::of(scene.world, at);
        let fresh = std::mem::take(&mut self.fresh);
        let told = fresh.iter().filter_map(|(at, notice)| self.truth(*at, notice, scene, &views));
        let mut verdicts: Vec<_> = told.collect();
        verdicts.extend(self.silence(at, scene, &views));
        verdicts
    }
}

/// When a consent ends: by its days, or because nobody confirmed it in time.
fn ends_at(view: &RequisitionView) -> Option<UtcInstant> {
    let open = view.reconfirmed.iter().find(|day| day.answered_at.is_none());
    let lapses_at = open.map(|day| day.due_at.plus_days(CONFIRM_DAYS));
    view.consent_ends_at.into_iter().chain(lapses_at).min()
}

fn threshold(notice: &Notice) -> i64 {
    notice.details.get("days").and_then(serde_json::Value::as_i64).unwrap_or(i64::MAX)
}

/// All requisitions that there are or were, by id.
pub(super) struct Views {
    all: BTreeMap<String, RequisitionView>,
    deleted: BTreeSet<String>,
}

impl Views {
    pub(super) fn of(world: &mut World, at: UtcInstant) -> Self {
        let gone: Vec<_> = world.log().deletions().iter().map(|(_, view)| view.clone()).collect();
        let deleted = gone.iter().map(|view| view.id.clone()).collect();
        let all = gone.into_iter().chain(world.requisitions(at));
        Self { all: all.map(|view| (view.id.clone(), view)).collect(), deleted }
    }

    pub(super) fn get(&self, id: &str) -> Option<&RequisitionView> {
        self.all.get(id)
    }

    pub(super) fn deleted(&self, id: &str) -> bool {
        self.deleted.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::audit::Ledger;
    use super::super::Identities;
    use super::super::testing::{Linked, linked};
    use super::*;
    use crate::store::StoredEvent;

    fn event(at: UtcInstant, notice: Notice) -> Fact {
        Fact::Event(Box::new(StoredEvent { id: 1, at, notice }))
    }

    /// About a link where it can be about one, else about an account of it.
    fn about(code: EventCode) -> Notice {
        let notice = Notice::new(code, "x").link(LinkId::from_bits(1));
        match code {
            EventCode::AccessExpired | EventCode::AccessRevoked => notice,
            _ => notice.account(AccountId::from_bits(2)),
        }
    }

    /// How the judgments of some events come out, each with hours after the link, by order and by the books.
    fn judge(told: &[(EventCode, Option<i64>, i64)]) -> (Vec<Option<bool>>, Vec<bool>) {
        let Linked { mut world, begin, .. } = linked();
        let requisition = world.requisitions(begin).remove(0);
        let mut identities = Identities::default();
        identities.link(LinkId::from_bits(1), &requisition.id);
        identities.account(AccountId::from_bits(2), &requisition.accounts[0]);
        let mut judge = Announcements::new(&[14, 7, 3, 1]);
        let mut order = Vec::new();
        for (code, days, hours) in told {
            let mut notice = about(*code);
            if let Some(days) = days {
                notice.details.insert("days".to_owned(), json!(days));
            }
            let at = begin.plus_hours(*hours);
            let verdict = judge.see(at, &event(at, notice));
            order.push(verdict.map(|verdict| verdict.is_ok()));
        }
        let ledger = Ledger::default();
        let at = begin.plus_hours(told.last().unwrap().2);
        let books = judge.look(at, &mut Scene::new(&mut world, &ledger, &identities));
        (order, books.iter().map(Result::is_ok).collect())
    }

    /// Access lasts for 90 days.
    const HOURS: i64 = 90 * 24;

    #[test]
    fn warnings_come_once_in_order_and_the_smallest_only() {
        use EventCode::AccessExpiring as Warn;
        let warn = |days: i64, before_h: i64| (Warn, Some(days), HOURS - before_h);
        let good = [warn(14, 14 * 24), warn(7, 7 * 24), warn(1, 20)];
        assert_eq!(judge(&good), (vec![Some(true); 3], vec![true; 3]));
        let (order, _) = judge(&[warn(7, 7 * 24), warn(7, 7 * 24)]);
        assert_eq!(order, [Some(true), Some(false)], "twice");
        let (order, _) = judge(&[warn(7, 7 * 24), warn(14, 6 * 24)]);
        assert_eq!(order, [Some(true), Some(false)], "backwards");
        assert_eq!(judge(&[warn(5, 5 * 24)]).0, [Some(false)], "not a threshold");
        assert_eq!(judge(&[warn(7, 9 * 24)]).1, [false], "early");
        assert_eq!(judge(&[warn(14, 5 * 24)]).1, [false], "a smaller one has passed");
    }

    #[test]
    fn what_did_not_happen_is_seen() {
        use EventCode::{AccessExpired, AccessRevoked, AccountSuspended};
        assert_eq!(judge(&[(AccessExpired, None, HOURS)]).1, [true]);
        assert_eq!(judge(&[(AccessExpired, None, HOURS - 2)]).1, [false]);
        assert_eq!(judge(&[(AccessRevoked, None, 5)]).1, [false]);
        assert_eq!(judge(&[(AccountSuspended, None, 5)]).1, [false]);
        let (order, _) = judge(&[(AccessExpired, None, HOURS), (AccessRevoked, None, HOURS)]);
        assert_eq!(order, [Some(true), Some(false)], "ends twice");
    }

    #[test]
    fn the_end_of_one_account_is_not_that_of_its_link() {
        use EventCode::{AccessExpired, AccessRevoked};
        let mut judge = Announcements::new(&[]);
        let mut see = |code, account: Option<u128>| {
            let notice = Notice::new(code, "x").link(LinkId::from_bits(1));
            let notice = account
                .into_iter()
                .fold(notice, |notice, bits| notice.account(AccountId::from_bits(bits)));
            judge.see(UtcInstant::EPOCH, &event(UtcInstant::EPOCH, notice)).unwrap().is_ok()
        };
        assert!(see(AccessRevoked, Some(2)) && see(AccessRevoked, Some(3)));
        assert!(!see(AccessRevoked, Some(3)), "twice of one account");
        assert!(see(AccessExpired, None), "the others go on until then");
        assert!(!see(AccessExpired, None));
    }

    #[test]
    fn spells_begin_and_end_in_turn() {
        use EventCode::{AccountPaused, AccountRecovered, AccountStale, SyncCompleted};
        use EventCode::{ProviderRecovered, ProviderUnavailable};
        for (first, second) in
            [(AccountPaused, AccountRecovered), (ProviderUnavailable, ProviderRecovered)]
        {
            assert_eq!(judge(&[(first, None, 1), (second, None, 2)]).0, [Some(true), Some(true)]);
            assert_eq!(judge(&[(first, None, 1), (first, None, 2)]).0, [Some(true), Some(false)]);
            assert_eq!(judge(&[(second, None, 1)]).0, [Some(false)]);
        }
        let stale = |between| judge(&[(AccountStale, None, 1), between, (AccountStale, None, 3)]).0;
        assert_eq!(stale((SyncCompleted, None, 2)), [Some(true), None, Some(true)]);
        assert_eq!(stale((EventCode::QuotaSpent, None, 2)), [Some(true), None, Some(false)]);
    }

    #[test]
    fn a_pause_ends_with_the_link_through_which_its_account_goes() {
        use EventCode::{AccessExpired, AccountPaused, LinkAbandoned, SyncFailed};
        let told = |end, ended: u128| {
            let mut judge = Announcements::new(&[]);
            let mut see = |code, link| {
                let notice = Notice::new(code, "x").link(LinkId::from_bits(link));
                let notice = match code {
                    AccessExpired | LinkAbandoned => notice,
                    _ => notice.account(AccountId::from_bits(2)),
                };
                judge.see(UtcInstant::EPOCH, &event(UtcInstant::EPOCH, notice))
            };
            see(AccountPaused, 1);
            see(SyncFailed, 5);
            see(end, ended);
            see(AccountPaused, 6).unwrap().is_ok()
        };
        for end in [AccessExpired, LinkAbandoned] {
            assert!(told(end, 5));
            assert!(!told(end, 1), "it has gone on through another one");
        }
    }

    #[test]
    fn silence_about_an_end_is_seen() {
        use EventCode::{AccessExpired, DaemonStarted, LinkCompleted};
        let late = HOURS + 4 * 24;
        let told =
            [(LinkCompleted, None, 0), (AccessExpired, None, HOURS), (DaemonStarted, None, late)];
        let (mut silent, mut suspended) = (told, told);
        silent[1].0 = DaemonStarted;
        suspended[1].0 = EventCode::AccountSuspended;
        let up = |told: &[(EventCode, Option<i64>, i64)]| {
            let Linked { mut world, begin, .. } = linked();
            let requisition = world.requisitions(begin).remove(0);
            let mut identities = Identities::default();
            identities.link(LinkId::from_bits(1), &requisition.id);
            let mut judge = Announcements::new(&[]);
            judge.see(begin, &Fact::Began);
            for (code, _, hours) in told {
                let at = begin.plus_hours(*hours);
                judge.see(at, &event(at, about(*code)));
            }
            let ledger = Ledger::default();
            let scene = &mut Scene::new(&mut world, &ledger, &identities);
            let verdicts = judge.look(begin.plus_hours(late), scene);
            let silence = |verdict: &Result<(), String>| {
                verdict.as_ref().is_err_and(|sentence| sentence.contains("nobody was told"))
            };
            !verdicts.iter().any(silence)
        };
        assert!(up(&told));
        assert!(up(&suspended), "its end is no news");
        assert!(!up(&silent));
    }
}
