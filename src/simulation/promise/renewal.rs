//! A renewal leaves the old consent alone until the new one has proved itself: a requisition that still gives access is deleted
//! only after a complete pull of each of its accounts through another one, or if a person ended it. One that brings a
//! history once is deleted only after it has, or has not for days. An account that the provider has suspended or the bank has
//! closed gives nothing through it any more.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::{DAY_MS, UtcInstant};
use crate::sandbox::{RequisitionView, Scope};

use super::{Fact, Promise, Scene, Verdict};

/// A history that has not come for so long does not come any more.
const HISTORY_MS: i64 = 7 * DAY_MS;

/// An account through a requisition.
#[derive(Clone, Debug, Default)]
struct Through {
    bank_account: usize,
    came: BTreeSet<Scope>,
}

impl Through {
    fn is_complete(&self) -> bool {
        self.came.contains(&Scope::Transactions)
    }
}

/// What came so far, by requisition and account.
type Seen = BTreeMap<(String, String), Through>;

/// The judge.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    seen: Seen,
    /// Deletions that were not yet compared with the books, and what had come until then.
    fresh: Vec<(String, Seen)>,
}

impl Promise for Renewal {
    fn name(&self) -> &'static str {
        "renewal"
    }

    fn see(&mut self, _at: UtcInstant, fact: &Fact) -> Verdict {
        match fact {
            Fact::Heard(request) if request.status == 200 => {
                if let (Some((account, scope)), Some(before)) = (request.data(), &request.before) {
                    let key = (before.requisition.clone(), account.to_owned());
                    let through = self.seen.entry(key).or_default();
                    through.bank_account = before.bank_account;
                    through.came.insert(scope);
                }
            }
            Fact::Request(request) if request.method == "DELETE" && request.status == 200 => {
                if let Some(id) = request.path.strip_prefix("requisitions/") {
                    let id = id.trim_end_matches('/').to_owned();
                    self.fresh.push((id, self.seen.clone()));
                }
            }
            _ => {}
        }
        None
    }

    fn look(&mut self, _at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        let fresh = std::mem::take(&mut self.fresh);
        let judge = |(id, seen): &(String, Seen)| {
            let deletions = scene.world.log().deletions();
            let (at, view) = deletions.iter().find(|(_, view)| view.id == *id)?;
            let open = view.linked_at.is_some()
                && view.consent_ends_at.is_some_and(|end| *at < end)
                && view.revoked_at.is_none_or(|revoked| *at < revoked);
            if !open || scene.identities.is_unlinked(id) {
                return None;
            }
            let dead = |handle: &String| {
                let all = scene.world.log().suspensions();
                all.iter().any(|own| own.account == *handle && own.at <= *at)
                    || scene.world.witness(handle, *at).is_some_and(|truth| truth.closed)
            };
            if view.stands_still {
                return Some(judge_history(*at, view, seen, dead));
            }
            // Accounts that never gave anything through the old one cannot be compared.
            let old = seen.iter().filter(|((requisition, _), _)| requisition == id);
            let bereft = old
                .filter(|((_, handle), _)| !dead(handle))
                .map(|(_, through)| through.bank_account)
                .find(|bank_account| {
                    !seen.iter().any(|((requisition, _), through)| {
                        requisition != id
                            && through.bank_account == *bank_account
                            && through.is_complete()
                    })
                });
            Some(match bereft {
                None => Ok(()),
                Some(_) => Err(format!(
                    "requisition {id} was deleted before an account was pulled through another one"
                )),
            })
        };
        fresh.iter().filter_map(judge).collect()
    }
}

/// A requisition that brings a history once was deleted.
fn judge_history(
    at: UtcInstant,
    view: &RequisitionView,
    seen: &Seen,
    dead: impl Fn(&String) -> bool,
) -> Result<(), String> {
    let came = |handle: &&String| {
        seen.get(&(view.id.clone(), (*handle).clone())).is_some_and(Through::is_complete)
    };
    let given_up = view.linked_at.is_some_and(|linked| at.since(linked) >= HISTORY_MS);
    match view.accounts.iter().filter(|handle| !dead(handle)).find(|handle| !came(handle)) {
        Some(handle) if !given_up => {
            Err(format!("requisition {} was deleted before {handle} gave its history", view.id))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::audit::Ledger;
    use super::super::super::fact::Request;
    use super::super::Identities;
    use super::super::testing::{Linked, linked};
    use super::*;
    use crate::sandbox::{HttpRequest, SECRET_ID, SECRET_KEY, World};

    /// Deletes the one requisition after some answers; the verdict of the books.
    fn delete_after(answers: &[Arc<Request>], unlinked: bool) -> Vec<bool> {
        delete_from(linked(), answers, unlinked)
    }

    fn delete_from(linked: Linked, answers: &[Arc<Request>], unlinked: bool) -> Vec<bool> {
        let Linked { mut world, begin, request, .. } = linked;
        let mut judge = Renewal::default();
        judge.see(begin, &Fact::Heard(Arc::clone(&request)));
        for answer in answers {
            let answer = Request { scope: request.scope, ..(**answer).clone() };
            judge.see(begin, &Fact::Heard(Arc::new(answer)));
        }
        let id = request.before.as_ref().unwrap().requisition.clone();
        let secrets = serde_json::json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let mint = HttpRequest::new("POST", "/api/v2/token/new/").with_json(&secrets);
        let token = world.handle(begin, &mint).parsed().unwrap()["access"].clone();
        let path = format!("requisitions/{id}/");
        let delete = HttpRequest::new("DELETE", &format!("/api/v2/{path}"))
            .with_header("authorization", &format!("Bearer {}", token.as_str().unwrap()));
        assert_eq!(world.handle(begin, &delete).status, 200);
        let asked =
            Request { method: "DELETE", path, account: None, scope: None, ..(*request).clone() };
        judge.see(begin, &Fact::Request(Arc::new(asked)));
        let (ledger, mut identities) = (Ledger::default(), Identities::default());
        if unlinked {
            identities.unlinked(id);
        }
        let scene = &mut Scene::new(&mut world, &ledger, &identities);
        judge.look(begin, scene).iter().map(Result::is_ok).collect()
    }

    #[test]
    fn a_deletion_before_the_history_has_come_is_seen() {
        let Linked { mut world, begin, request, .. } = linked();
        let view = RequisitionView { stands_still: true, ..world.requisitions(begin).remove(0) };
        let mut judge = Renewal::default();
        let is_fine = |judge: &Renewal, days| {
            judge_history(begin.plus_days(days), &view, &judge.seen, |_handle| false).is_ok()
        };
        assert!(!is_fine(&judge, 1));
        assert!(is_fine(&judge, 7), "it does not come any more");
        judge.see(begin, &Fact::Heard(request));
        assert!(is_fine(&judge, 1));
    }

    #[test]
    fn a_deletion_before_the_successor_has_pulled_is_seen() {
        assert_eq!(delete_after(&[], false), [false]);
        assert!(delete_after(&[], true).is_empty(), "a person may");
        let Linked { request, .. } = linked();
        let mut through_new = (*request).clone();
        through_new.before.as_mut().unwrap().requisition = "new".to_owned();
        through_new.account = Some("new".to_owned());
        assert_eq!(delete_after(&[Arc::new(through_new.clone())], false), [true]);
        through_new.before.as_mut().unwrap().bank_account += 1;
        assert_eq!(delete_after(&[Arc::new(through_new)], false), [false], "another account");
        for end in [World::suspend, World::close_account] {
            let mut linked = linked();
            end(&mut linked.world, linked.request.account.as_ref().unwrap(), linked.begin).unwrap();
            assert_eq!(delete_from(linked, &[], false), [true], "nothing to lose");
        }
    }
}
