//! What happens in an inhabited world by itself: the plans of its people and of its weather, carried
//! out in the order of time, and what has been done.
//!
//! The list of deeds is for whoever checks the daemon's promises: it says what really happened. The
//! daemon never sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::time::UtcInstant;

use super::{Scope, World};

/// What a person asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// To link an institution.
    Link {
        /// Its id.
        institution: String,
        /// With how many days of history, if not as usual.
        history_days: Option<u32>,
        /// For how many days, if not as usual.
        access_days: Option<u32>,
    },
    /// To confirm that access goes on.
    Reconfirm {
        /// The requisition.
        requisition: String,
    },
    /// To renew a link.
    Renew {
        /// The requisition of the present one.
        requisition: String,
    },
    /// To remove a link.
    Unlink {
        /// Its requisition.
        requisition: String,
    },
    /// To sync now.
    Sync {
        /// Whether data are wanted although they are fresh.
        force: bool,
    },
}

/// What was done to the daemon's world, by whom it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A person authorised at the bank.
    Linked {
        /// The requisition.
        requisition: String,
    },
    /// A person stopped, or the bank refused the login.
    Cancelled {
        /// The requisition.
        requisition: String,
    },
    /// A person opened the link and went away for good.
    Left {
        /// The requisition.
        requisition: String,
    },
    /// The bank broke down half-way.
    BrokeDown {
        /// The requisition.
        requisition: String,
    },
    /// A person ended a consent at the bank.
    Revoked {
        /// The requisition.
        requisition: String,
    },
    /// A person answered a reconfirmation.
    Reconfirmed {
        /// The agreement.
        agreement: String,
        /// Accounts for which the answer was no.
        rejected: Vec<String>,
    },
    /// The provider suspended an account for reasons of its own.
    Suspended {
        /// The account.
        account: String,
    },
    /// The bank closed an account.
    Closed {
        /// The account.
        account: String,
    },
    /// Nothing could be had.
    Outage {
        /// From this institution; `None`: from the provider at all.
        institution: Option<&'static str>,
        /// Until then.
        until: UtcInstant,
    },
    /// One scope of an account was refused with 403.
    Refused {
        /// The account.
        account: String,
        /// The scope.
        scope: Scope,
        /// Until then.
        until: UtcInstant,
    },
    /// An account was being processed (409).
    Processing {
        /// The account.
        account: String,
        /// Until then.
        until: UtcInstant,
    },
    /// All access tokens ended early.
    TokensRevoked {
        /// The refresh tokens too.
        refresh_too: bool,
    },
    /// Another application used up calls of an account.
    OtherApp {
        /// The account.
        account: String,
        /// The scope.
        scope: Scope,
        /// How many at most.
        calls: u32,
    },
    /// The company's limit of account calls was used up by another user.
    CompanyBusy,
    /// The rate headers were missing, wrong or spelled otherwise.
    HeadersOdd {
        /// Until then.
        until: UtcInstant,
    },
    /// The caller's address was refused.
    AddressDenied {
        /// Until then.
        until: UtcInstant,
    },
    /// All internal ids of an institution's rows changed, if it is one of those.
    Incident {
        /// The institution.
        institution: &'static str,
    },
}

/// What is going to happen.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// A person asks for something; a renewal only if that requisition is still the one in use.
    Wish(Wish),
    /// A person opens the link of a requisition.
    Open { requisition: String, way: Way },
    /// A person ends a consent at the bank.
    Revoke { requisition: String },
    /// A person answers a reconfirmation.
    Reconfirm { agreement: String, rejects: bool },
    /// The weather turns.
    Turn(super::weather::Turn),
    /// Somebody asked the daemon for a link at that instant, and perhaps nothing came of it.
    Remind { institution: &'static str, asked_at: UtcInstant },
    /// The caller's address is let in again.
    AddressBack,
}

/// How a visit to the bank goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Through,
    Cancels,
    Leaves,
    BreaksDown,
}

/// Everything planned, wished and done.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    plans: BTreeMap<(UtcInstant, u64), Plan>,
    made: u64,
    pub(super) wishes: Vec<Wish>,
    pub(super) deeds: Vec<(UtcInstant, Deed)>,
    pub(super) callbacks: Vec<(UtcInstant, String)>,
}

impl Agenda {
    pub(super) fn plan(&mut self, at: UtcInstant, plan: Plan) {
        self.made += 1;
        self.plans.insert((at, self.made), plan);
    }

    fn next_at(&self) -> Option<UtcInstant> {
        self.plans.keys().next().map(|(at, _)| *at)
    }

    fn due(&mut self, now: UtcInstant) -> Option<(UtcInstant, Plan)> {
        let first = self.plans.first_entry()?;
        let at = first.key().0;
        (at <= now).then(|| (at, first.remove()))
    }
}

impl World {
    /// When something is going to happen by itself next; a step of a linking counts too.
    pub fn next_deed_at(&self) -> Option<UtcInstant> {
        let step = |id: &String| self.requisitions.get(id)?.plan.front().map(|(at, _)| *at);
        let steps = self.walking.iter().filter_map(step).min();
        steps.into_iter().chain(self.agenda.next_at()).min()
    }

    /// Lets everything happen that is due. Every request does so too.
    pub fn live_until(&mut self, now: UtcInstant) {
        while let Some((at, plan)) = self.agenda.due(now) {
            self.walk(at);
            self.carry_out(at, plan);
        }
        self.walk(now);
    }

    /// What people have asked of the daemon since the last call.
    pub fn take_wishes(&mut self, now: UtcInstant) -> Vec<Wish> {
        self.live_until(now);
        std::mem::take(&mut self.agenda.wishes)
    }

    /// Where browsers were sent back to since the last call, and when: the redirect address of the
    /// requisition with the outcome.
    pub fn take_callbacks(&mut self, now: UtcInstant) -> Vec<(UtcInstant, String)> {
        self.live_until(now);
        std::mem::take(&mut self.agenda.callbacks)
    }

    /// All that has happened by itself, oldest first.
    pub fn deeds(&self) -> &[(UtcInstant, Deed)] {
        &self.agenda.deeds
    }

    pub(super) fn done(&mut self, at: UtcInstant, deed: Deed) {
        self.agenda.deeds.push((at, deed));
    }

    fn carry_out(&mut self, at: UtcInstant, plan: Plan) {
        match plan {
            Plan::Wish(wish) => self.wish(wish, at),
            Plan::Remind { institution, asked_at } => self.remind(institution, asked_at, at),
            Plan::Open { requisition, way } => self.visit(at, requisition, way),
            Plan::Revoke { requisition } => {
                if self.person_revokes(&requisition, at).is_ok() {
                    self.after_revocation(&requisition, at);
                    self.done(at, Deed::Revoked { requisition });
                }
            }
            Plan::Reconfirm { agreement, rejects } => self.answer_again(at, agreement, rejects),
            Plan::Turn(turn) => self.turn(at, turn),
            Plan::AddressBack => self.set_address_allowed(true),
        }
    }
}
