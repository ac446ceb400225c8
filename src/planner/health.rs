//! What the free metadata call says about an account, and the alarm for one without fresh data.

use crate::model::account::{Metadata, ProviderStatus};
use crate::model::failure::{EdgeFault, Failure, FailureClass, Throttled};
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::port::{Answered, Reply};
use crate::model::time::{HOUR_MS, UtcInstant};

use super::agenda::Key;
use super::state::AccountStatus;
use super::{Planner, backoff};

impl Planner {
    /// The free metadata call was answered.
    pub(super) fn metadata_answered(
        &mut self,
        id: AccountId,
        result: Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        self.touch(Key::Account(id));
        let over = self.accounts.get(&id).is_none_or(|account| {
            account.status.is_over()
                || self.links.get(&account.link_id).is_none_or(|link| !link.status.is_live())
        });
        if over {
            // Access ended while the question was on its way.
            return;
        }
        match result {
            Ok(Answered { reply: Reply::Metadata(metadata), .. }) => {
                self.metadata_read(id, metadata, now);
            }
            Ok(_) => self.metadata_failed(id, None, now),
            Err(failure) => self.metadata_failed(id, Some(&failure), now),
        }
    }

    fn metadata_read(&mut self, id: AccountId, metadata: Metadata, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.metadata_at = Some(now);
        account.facts.merge(metadata.facts);
        account.retry_at = None;
        if let Some(identifying) = account.identifying.as_mut() {
            identifying.metadata_read = true;
        }
        let link_id = account.link_id;
        self.changed(id);
        match metadata.status {
            None | Some(ProviderStatus::Ready) => self.metadata_ready(id),
            Some(ProviderStatus::Discovered | ProviderStatus::Processing) => {
                self.processing(id, now);
            }
            Some(ProviderStatus::Error) => self.metadata_error(id, now),
            Some(ProviderStatus::Expired) => self.access_ran_out(link_id, now),
            Some(ProviderStatus::Suspended) => self.suspended(id),
            Some(ProviderStatus::Unknown(word)) => {
                self.strange_word("account.status", &word);
                self.metadata_ready(id);
                if let Some(account) = self.accounts.get_mut(&id)
                    && account.pause.is_none()
                {
                    account.status = AccountStatus::Unknown;
                }
            }
        }
        self.identify(id, now);
    }

    /// The provider says that the account is well.
    fn metadata_ready(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match account.pause.as_mut() {
            Some(pause) => {
                pause.lifted = true;
                account.status = AccountStatus::Paused;
            }
            None => account.status = AccountStatus::Ready,
        }
        account.processing_since = None;
        self.changed(id);
    }

    /// The provider says that the account is not well: a paused one stays so.
    fn metadata_error(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match account.pause.as_mut() {
            Some(pause) => {
                let asked = now.since(pause.since).checked_div(HOUR_MS).unwrap_or(0).clamp(0, 3);
                let looks = u32::try_from(asked).unwrap_or(0).saturating_add(1);
                pause.ask_at = backoff::PAUSED.next(looks, now);
                account.status = AccountStatus::Paused;
            }
            // Not by our doing: go on by the other signs.
            None if account.status == AccountStatus::Processing => {
                account.status = AccountStatus::Ready;
            }
            None => {}
        }
        self.changed(id);
    }

    fn metadata_failed(&mut self, id: AccountId, failure: Option<&Failure>, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let link_id = account.link_id;
        // A probe of a healthy account that fails says nothing about the account, whose own waits stay as they are; the gate,
        // which `heard` has closed, decides when to ask again where nobody answers.
        let gate_decides = failure.is_some_and(|failure| {
            matches!(
                failure.class,
                FailureClass::Token
                    | FailureClass::Configuration(_)
                    | FailureClass::Throttle { whom: Throttled::Company, .. }
                    | FailureClass::Edge(
                        EdgeFault::Unreachable | EdgeFault::NoAnswer | EdgeFault::NotTheApi
                    )
            )
        });
        let class = failure.map(|failure| &failure.class);
        let retry_at = Self::account_retry_at(account, class, now);
        match account.pause.as_mut() {
            _ if gate_decides => {}
            Some(pause) => pause.ask_at = retry_at,
            // A person waits for this account.
            None if account.identifying.is_some() => {
                account.retry_at = Some(backoff::LINK_STEP.next(2, now));
            }
            None if account.status == AccountStatus::Processing => {
                account.retry_at = Some(retry_at);
            }
            None => {}
        }
        self.changed(id);
        match failure.map(|failure| &failure.class) {
            Some(FailureClass::Suspended) => self.suspended(id),
            Some(FailureClass::Reconnect(end)) => self.access_refused(id, *end, now),
            Some(FailureClass::Bug(_)) => self.poll_soon(link_id, now),
            Some(FailureClass::Wait { processing: true }) => self.processing(id, now),
            _ => {}
        }
    }

    /// Announces an account without fresh data, once per spell.
    pub(super) fn announce_stale(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.stale_announced = true;
        let fresh = account.last_synced_at.unwrap_or(account.discovered_at);
        let hours = now.since(fresh).checked_div(HOUR_MS).unwrap_or(0);
        self.changed(id);
        if let Some(account) = self.accounts.get(&id) {
            let notice = account
                .notice(EventCode::AccountStale, "no fresh data for longer than the objective")
                .detail("hours", hours);
            self.draft.notices.push(notice);
        }
    }

    /// Asks for a link's state at the next opportunity.
    pub(super) fn poll_soon(&mut self, link_id: LinkId, now: UtcInstant) {
        if let Some(link) = self.links.get_mut(&link_id)
            && link.status.is_live()
            && link.next_at > now
        {
            link.next_at = now;
            self.draft.links.insert(link_id);
            self.touch(Key::Link(link_id));
        }
    }
}
