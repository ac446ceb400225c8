//! Since when everything that an account depends on has been well, and when its data last came: told from the wire and the
//! machine, for those who judge what may be expected of a healthy account.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::AccountId;
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;
use crate::sandbox::{Scope, World};

use super::super::fact::{Machine, Request};
use super::{Fact, Identities};

/// What came of an account through one handle.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// The bank's own account.
    pub(super) bank_account: usize,
    first_at: UtcInstant,
    ill_at: UtcInstant,
    /// When the newest answer was asked for, by endpoint.
    newest: BTreeMap<Scope, UtcInstant>,
    /// When the newest transactions answer without a filter was asked for.
    pub(super) unfiltered: Option<UtcInstant>,
}

impl Record {
    /// When the older of balances and transactions was asked for; a bank may give no balances.
    pub(super) fn pulled(&self) -> Option<UtcInstant> {
        let transactions = *self.newest.get(&Scope::Transactions)?;
        Some(self.newest.get(&Scope::Balances).map_or(transactions, |at| transactions.min(*at)))
    }
}

/// The watch over all accounts.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// By the provider's id.
    accounts: BTreeMap<String, Record>,
    ill_at: Option<UtcInstant>,
    up: bool,
    /// The disk is full, or the wall clock is wrong.
    unfit: bool,
    /// Accounts whose pause was announced and not its end.
    paused: BTreeSet<AccountId>,
}

impl Health {
    /// Takes a fact in.
    pub(super) fn see(&mut self, at: UtcInstant, fact: &Fact) {
        match fact {
            Fact::Began => (self.up, self.ill_at) = (true, Some(at)),
            Fact::Ended(_) => (self.up, self.ill_at) = (false, Some(at)),
            Fact::Machine(what) => {
                self.ill_at = Some(at);
                self.unfit = matches!(what, Machine::DiskFull | Machine::Stepped(_))
                    || (self.unfit && matches!(what, Machine::Slept(_)));
            }
            Fact::Unreachable => self.ill_at = Some(at),
            Fact::Request(request) if request.nobody_served => self.ill_at = Some(at),
            Fact::Request(request) if request.status >= 300 => self.ill(at, request),
            Fact::Lost(request) => self.ill(at, request),
            Fact::Heard(request) if request.status == 200 => {
                if request.before.as_ref().is_some_and(|before| before.status != "READY") {
                    self.ill(at, request);
                }
                self.came(request, at);
            }
            Fact::Event(event) => self.told(&event.notice),
            Fact::Request(_) | Fact::Heard(_) => {}
        }
    }

    /// An account that is paused was ill for some time, and is tried again a day, three and seven days later.
    fn told(&mut self, notice: &Notice) {
        match (notice.code, notice.account_id) {
            (EventCode::AccountPaused, Some(id)) => {
                self.paused.insert(id);
            }
            (EventCode::AccountRecovered | EventCode::SyncCompleted, Some(id)) => {
                self.paused.remove(&id);
            }
            _ => {}
        }
    }

    /// Whether a handle is that of an account that is paused.
    pub(super) fn is_paused(&self, handle: &str, identities: &Identities) -> bool {
        self.paused.iter().any(|id| identities.handles(*id).iter().any(|own| own == handle))
    }

    fn ill(&mut self, at: UtcInstant, request: &Request) {
        match request.account.as_ref() {
            None => self.ill_at = Some(at),
            Some(account) => {
                let first_at = self.accounts.get(account).map(|own| own.first_at);
                let bank_account = request.before.as_ref().map(|before| before.bank_account);
                for (handle, record) in &mut self.accounts {
                    let own = handle == account;
                    // Through older links nobody calls any more, even if the newest has not given anything yet.
                    let older = Some(record.bank_account) == bank_account
                        && first_at.is_none_or(|first_at| record.first_at <= first_at);
                    if own || older {
                        record.ill_at = at;
                    }
                    // What a bank does not give is not expected.
                    if let (true, 403, Some(scope)) = (own, request.status, request.scope) {
                        record.newest.remove(&scope);
                    }
                }
            }
        }
    }

    fn came(&mut self, request: &Request, at: UtcInstant) {
        let (Some((account, scope)), Some(before)) = (request.data(), &request.before) else {
            return;
        };
        // Nothing newer is expected of a history that comes once.
        if before.stands_still {
            return;
        }
        let fresh = || Record {
            bank_account: before.bank_account,
            first_at: at,
            ill_at: at,
            newest: BTreeMap::new(),
            unfiltered: None,
        };
        let record = self.accounts.entry(account.to_owned()).or_insert_with(fresh);
        record.newest.insert(scope, request.sent_at);
        if scope == Scope::Transactions && !request.filtered {
            record.unfiltered = Some(request.sent_at);
        }
    }

    /// The accounts for which nothing at all has been wrong for so many milliseconds, with their handles: each through the
    /// newest link, with the consent of its owner.
    pub(super) fn well<'a>(
        &'a self,
        at: UtcInstant,
        for_ms: i64,
        world: &World,
    ) -> Vec<(&'a str, &'a Record)> {
        let long = |ill_at: UtcInstant| at.since(ill_at) >= for_ms;
        if !self.up || self.unfit || !self.ill_at.is_some_and(long) {
            return Vec::new();
        }
        let newest = |record: &Record| {
            let same = |other: &&Record| other.bank_account == record.bank_account;
            let first = self.accounts.values().filter(same).map(|other| other.first_at).max();
            first == Some(record.first_at)
        };
        let open = |account: &str| {
            world.witness(account, at).is_some_and(|truth| {
                let lasts = truth.consent_ends_at.is_some_and(|end| at < end);
                // As long as nobody has confirmed access, and for a while afterwards, nothing is expected.
                let confirmed =
                    truth.confirm_by.is_none_or(|by| at < by) && truth.reopened_at.is_none_or(long);
                lasts && confirmed && !truth.revoked && !truth.closed && truth.status == "READY"
            })
        };
        self.accounts
            .iter()
            .map(|(account, record)| (account.as_str(), record))
            .filter(|(account, record)| long(record.ill_at) && newest(record) && open(account))
            .collect()
    }
}
