//! Where access has to be confirmed: each day on which that is due is announced once, as soon as it can be done; the person's
//! answer is told once; and after a day that nobody has confirmed there is no data call.

use std::collections::BTreeSet;

use crate::model::id::LinkId;
use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;
use crate::sandbox::Status;

use super::super::fact::Machine;
use super::announcements::{CONFIRM_DAYS, SLACK_MS, TOLD_MS, Views};
use super::{Fact, Promise, Scene, Verdict};

/// Days that were told of, each with its link.
type Days = BTreeSet<(LinkId, UtcInstant)>;

/// The judge.
#[derive(Debug, Default)]
pub(super) struct Reconfirmation {
    /// Links that give access, as far as was told.
    links: BTreeSet<LinkId>,
    /// Events that were not yet compared with the books.
    fresh: Vec<(UtcInstant, LinkId, EventCode)>,
    due: Days,
    done: Days,
    /// The daemon has been up without a break since.
    up_since: Option<UtcInstant>,
    /// The wall clock has jumped, and no answer with the provider's time has come since.
    lost_in_time: bool,
}

impl Reconfirmation {
    fn told(&mut self, at: UtcInstant, link: LinkId, code: EventCode) {
        match code {
            EventCode::LinkCompleted => {
                self.links.insert(link);
            }
            EventCode::AccessExpired
            | EventCode::AccessRevoked
            | EventCode::LinkReplaced
            | EventCode::LinkAbandoned => {
                self.links.remove(&link);
            }
            EventCode::ReconfirmationDue | EventCode::ReconfirmationDone => {
                self.fresh.push((at, link, code));
            }
            _ => {}
        }
    }

    /// What the bank's books say about an event.
    fn truth(
        &mut self,
        (at, link, code): (UtcInstant, LinkId, EventCode),
        scene: &Scene<'_>,
        views: &Views,
    ) -> Option<Result<(), String>> {
        let view = views.get(scene.identities.requisition(link)?)?;
        let mut days = view.reconfirmed.iter();
        let (day, told) = if code == EventCode::ReconfirmationDue {
            let open = |due: UtcInstant| {
                due.plus_days(-CONFIRM_DAYS) <= at.plus_ms(SLACK_MS)
                    && at <= due.plus_days(CONFIRM_DAYS)
            };
            (days.find(|day| open(day.due_at)), &mut self.due)
        } else {
            let answered = |day: UtcInstant| day <= at.plus_ms(SLACK_MS);
            (days.rfind(|day| day.answered_at.is_some_and(answered)), &mut self.done)
        };
        let word = code.as_str();
        Some(match day {
            None => Err(format!("{word} is told of {link}, and nothing of the kind is so")),
            Some(day) if told.insert((link, day.due_at)) => Ok(()),
            Some(day) => Err(format!("{word} of {link} is told twice for {}", day.due_at)),
        })
    }

    /// What should have been told by now.
    fn silence(&self, at: UtcInstant, scene: &Scene<'_>, views: &Views) -> Vec<Result<(), String>> {
        if self.up_since.is_none_or(|since| at.since(since) < TOLD_MS) {
            return Vec::new();
        }
        let mut verdicts = Vec::new();
        for link in &self.links {
            let view = scene.identities.requisition(*link).and_then(|id| views.get(id));
            let Some(view) = view.filter(|view| !views.deleted(&view.id)) else { continue };
            // What is suspended cannot be confirmed back to life.
            if view.status != Status::LN || view.revoked_at.is_some_and(|revoked| revoked <= at) {
                continue;
            }
            for day in &view.reconfirmed {
                let long_ago = |then: UtcInstant| at.since(then) >= TOLD_MS;
                let key = (*link, day.due_at);
                if long_ago(day.due_at.plus_days(-CONFIRM_DAYS)) {
                    verdicts.push(if self.due.contains(&key) {
                        Ok(())
                    } else {
                        Err(format!("{link} is to be confirmed by {}, and nobody was told", key.1))
                    });
                }
                if day.answered_at.is_some_and(long_ago) {
                    verdicts.push(if self.done.contains(&key) {
                        Ok(())
                    } else {
                        Err(format!("{link} was confirmed for {}, and nobody was told", key.1))
                    });
                }
            }
        }
        verdicts
    }
}

impl Promise for Reconfirmation {
    fn name(&self) -> &'static str {
        "reconfirmation"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        match fact {
            Fact::Began | Fact::Ended(_) => (self.up_since, self.lost_in_time) = (Some(at), true),
            Fact::Machine(what) => {
                self.up_since = Some(at);
                self.lost_in_time |= matches!(what, Machine::Stepped(_) | Machine::Slept(_));
            }
            Fact::Heard(_) => self.lost_in_time = false,
            Fact::Event(event) => {
                // What concerns one account is not the end of its link.
                let ends_one = event.notice.account_id.is_some();
                if let Some(link) = event.notice.link_id.filter(|_| !ends_one) {
                    self.told(at, link, event.notice.code);
                }
            }
            Fact::Request(request) => {
                let (account, _) = request.data()?;
                let by = request.before.as_ref()?.confirm_by?;
                // With a clock that is behind, nobody can know until the provider has said what time it is.
                let excused = self.lost_in_time && request.wall_error_ms < 0;
                return Some(if by <= request.sent_at && !excused {
                    Err(format!("a data call for {account}, which nobody has confirmed since {by}"))
                } else {
                    Ok(())
                });
            }
            _ => {}
        }
        None
    }

    fn look(&mut self, at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        let views = Views::of(scene.world, at);
        let fresh = std::mem::take(&mut self.fresh);
        let mut verdicts: Vec<_> =
            fresh.into_iter().filter_map(|told| self.truth(told, scene, &views)).collect();
        verdicts.extend(self.silence(at, scene, &views));
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::audit::Ledger;
    use super::super::super::fact::Request;
    use super::super::Identities;
    use super::super::testing::{at_hour, changed, confirmed, request};
    use super::*;
    use crate::model::notice::Notice;
    use crate::store::StoredEvent;
    use EventCode::{LinkCompleted, ReconfirmationDone, ReconfirmationDue};

    /// How the judgments come out: events with the day on which they are told, a confirmation on some day, and a look.
    fn judge(told: &[(EventCode, i64)], answered: Option<i64>, looked: i64) -> Vec<bool> {
        let (mut world, begin, requisition) = confirmed(answered);
        let link = LinkId::from_bits(1);
        let mut identities = Identities::default();
        identities.link(link, &requisition);
        let mut judge = Reconfirmation::default();
        judge.see(begin, &Fact::Began);
        for (code, day) in [(LinkCompleted, 0)].iter().chain(told) {
            let (at, notice) = (begin.plus_days(*day), Notice::new(*code, "x").link(link));
            judge.see(at, &Fact::Event(Box::new(StoredEvent { id: 1, at, notice })));
        }
        let ledger = Ledger::default();
        let scene = &mut Scene::new(&mut world, &ledger, &identities);
        judge.look(begin.plus_days(looked), scene).iter().map(Result::is_ok).collect()
    }

    #[test]
    fn a_day_is_announced_once_and_in_time() {
        assert_eq!(judge(&[(ReconfirmationDue, 76)], None, 78), [true]);
        assert_eq!(judge(&[(ReconfirmationDue, 76)], None, 80), [true, true]);
        assert!(judge(&[], None, 78).is_empty(), "it may still come");
        assert_eq!(judge(&[], None, 80), [false], "silence");
        assert_eq!(judge(&[(ReconfirmationDue, 75)], None, 78), [false], "early");
        let twice = [(ReconfirmationDue, 76), (ReconfirmationDue, 83)];
        assert_eq!(judge(&twice, None, 78), [true, false]);
    }

    #[test]
    fn an_answer_is_told_once_and_only_if_there_is_one() {
        let due = (ReconfirmationDue, 76);
        let told = |more: &[i64], answered, looked| {
            let done = more.iter().map(|day| (ReconfirmationDone, *day));
            let all: Vec<_> = [due].into_iter().chain(done).collect();
            judge(&all, answered, looked)[1..].to_vec()
        };
        assert_eq!(told(&[85], Some(85), 86), [true, true]);
        assert_eq!(told(&[85], None, 86), [false, true], "nobody has answered");
        assert_eq!(told(&[85, 86], Some(85), 86), [true, false, true], "twice");
        assert_eq!(told(&[], Some(85), 88), [true, false], "silence");
    }

    #[test]
    fn a_call_that_nobody_has_confirmed_is_seen() {
        let asked = |hour: i64, by: Option<i64>| -> Arc<Request> {
            Arc::new(changed(request(hour, 401), |before, _| before.confirm_by = by.map(at_hour)))
        };
        let mut judge = Reconfirmation::default();
        let mut see = |request| judge.see(at_hour(5), &Fact::Request(request));
        assert_eq!(see(asked(4, Some(5))), Some(Ok(())));
        assert_eq!(see(asked(5, None)), None, "nothing to confirm");
        assert!(matches!(see(asked(5, Some(5))), Some(Err(_))));
    }
}
