//! What the planner remembers: of every account, every link and the provider as a whole.
//!
//! These structs are documents: the store keeps them as they are (JSON, by id) and gives them back at start. They change
//! only inside the planner; a change is durable once the [`super::effect::Batch`] that carries it is committed. A field
//! added later needs `#[serde(default)]`, so that older databases keep opening.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::account::AccountFacts;
use crate::model::agreement::{Scope, Terms};
use crate::model::failure::ConfigurationFault;
use crate::model::id::{
    AccountId, AgreementId, InstitutionId, LinkId, ProviderAccountId, RequisitionId, RunId,
};
use crate::model::notice::{EventCode, Notice};
use crate::model::reconfirmation::Reconfirmation;
use crate::model::requisition::ConsentUrl;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::AnswerMark;

/// What an account is to the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// Calls go on.
    Ready,
    /// The provider is still reading it for the first time, or we are still finding out what it is.
    #[default]
    Processing,
    /// Too many failures in a row: we keep our hands off.
    Paused,
    /// Access has ended.
    Expired,
    /// The provider suspended it.
    Suspended,
    /// Closed at the bank.
    Inactive,
    /// The provider says a word that we do not know.
    Unknown,
}

impl AccountStatus {
    /// Whether only a new link helps: no calls are made any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::Suspended | Self::Inactive)
    }

    /// How bad it is: 0 is well, more is worse.
    pub const fn gravity(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Processing => 1,
            Self::Unknown => 2,
            Self::Inactive => 3,
            Self::Paused => 4,
            Self::Expired => 5,
            Self::Suspended => 6,
        }
    }

    /// The word that people and the control socket see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Processing => "processing",
            Self::Paused => "paused",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Inactive => "inactive",
            Self::Unknown => "unknown",
        }
    }
}

/// What a link is to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkStatus {
    /// Being made, or waiting for a person to open the URL.
    Created,
    /// A person is at the bank.
    Authenticating,
    /// Access is given.
    Linked,
    /// Refused by the provider, the bank or the person.
    Rejected,
    /// Access ran out.
    Expired,
    /// Access was taken back before its time.
    Revoked,
    /// Suspended by the provider.
    Suspended,
    /// Nobody finished it.
    Abandoned,
    /// A successor took over.
    Replaced,
    /// The provider says a word that we do not know.
    Unknown,
}

impl LinkStatus {
    /// Whether this link can still become linked.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Created | Self::Authenticating | Self::Unknown)
    }

    /// Whether accounts can be called through it.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Linked)
    }
}

/// What a link is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Data from now on.
    #[default]
    Continuous,
    /// One-time delivery of a long history.
    History,
}

/// A link as the planner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Ours.
    pub id: LinkId,
    /// With whom.
    pub institution_id: InstitutionId,
    /// For what.
    #[serde(default)]
    pub purpose: Purpose,
    /// What it is to the operator.
    pub status: LinkStatus,
    /// What the person or the configuration wished for.
    pub asked: Terms,
    /// What is asked for; lowered step by step where the institution refuses.
    pub terms: Terms,
    /// Unguessable, made before the first call, so that an interrupted call can be found again.
    pub reference: String,
    /// Whether the user may choose accounts at the bank; switched off where refused.
    pub account_selection: bool,
    /// Ask for an immediate redirect.
    #[serde(default)]
    pub redirect_immediate: bool,
    /// What to do next while linking.
    pub step: LinkStep,
    /// When it was asked for.
    pub created_at: UtcInstant,
    /// At the provider.
    pub agreement_id: Option<AgreementId>,
    /// At the provider.
    pub requisition_id: Option<RequisitionId>,
    /// For the browser, until it was used.
    pub url: Option<ConsentUrl>,
    /// When the end user agreed.
    pub accepted_at: Option<UtcInstant>,
    /// `accepted + access_valid_for_days`.
    pub access_expires_at: Option<UtcInstant>,
    /// Days of access, for the warnings.
    #[serde(default)]
    pub access_days: Option<u32>,
    /// The successor.
    #[serde(default)]
    pub replaced_by: Option<LinkId>,
    /// The link that this one succeeds once it is complete.
    #[serde(default)]
    pub replaces: Option<LinkId>,
    /// The accounts it opened, ours, in the order of the requisition.
    #[serde(default)]
    pub accounts: Vec<AccountId>,
    /// The provider's handles that were begun through it: each is discovered once, even after its account went on
    /// through another link.
    #[serde(default)]
    pub handles: Vec<ProviderAccountId>,
    /// Earliest instant of the next call for this link.
    pub next_at: UtcInstant,
    /// Polls or failed attempts in a row, for the back-off.
    #[serde(default)]
    pub attempts: u32,
    /// Access has to be confirmed in between.
    #[serde(default)]
    pub confirming: Option<Confirming>,
    /// The smallest warning given, in days before the end.
    #[serde(default)]
    pub warned_days: Option<u32>,
    /// Expiry or revocation was announced.
    #[serde(default)]
    pub end_announced: bool,
    /// Days of history that this institution gives only through a link of its own.
    #[serde(default)]
    pub history_apart: Option<u32>,
    /// The link that brings them.
    #[serde(default)]
    pub history_link: Option<LinkId>,
    /// The link whose accounts get the history of this one.
    #[serde(default)]
    pub history_of: Option<LinkId>,
    /// Replaced, but still there at the provider.
    #[serde(default)]
    pub kept: bool,
    /// Why it failed, in our words; safe to log.
    #[serde(default)]
    pub failure: Option<String>,
}

/// Access that a person confirms every 90 days (Great Britain).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirming {
    /// From then on, an account that has not been confirmed gives no data; `None`: nothing is to be confirmed any more
    /// before access ends.
    pub due_at: Option<UtcInstant>,
    /// `reconfirmation_due` was raised for it.
    #[serde(default)]
    pub announced: bool,
    /// What to ask the provider next.
    #[serde(default)]
    pub step: ConfirmStep,
    /// Earliest instant of that.
    pub next_at: UtcInstant,
    /// Failed attempts in a row, for the back-off.
    #[serde(default)]
    pub attempts: u32,
    /// When a person asked last.
    #[serde(default)]
    pub asked_at: Option<UtcInstant>,
    /// The provider has not answered since.
    #[serde(default)]
    pub asking: bool,
    /// What was shown last, and for which due date: the present one, or the one before.
    #[serde(default)]
    pub shown: Option<(UtcInstant, Reconfirmation)>,
    /// Why the provider made no page, in our words; safe to log.
    #[serde(default)]
    pub failure: Option<String>,
}

/// What a confirmation needs next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmStep {
    /// Nobody has asked for it yet, or it is answered.
    #[default]
    Idle,
    /// Make the page.
    Make,
    /// Ask what the person has said.
    Look,
}

impl Link {
    /// A notice about this link.
    pub fn notice(&self, code: EventCode, message: &str) -> Notice {
        Notice::new(code, message).link(self.id).institution(self.institution_id.clone())
    }
}

impl Account {
    /// A notice about this account, with its link and bank.
    pub fn notice(&self, code: EventCode, message: &str) -> Notice {
        Notice::new(code, message)
            .account(self.id)
            .link(self.link_id)
            .institution(self.institution_id.clone())
    }
}

/// What a link needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStep {
    /// Read the institution's limits and features.
    ReadInstitution,
    /// Make the agreement.
    CreateAgreement,
    /// Make the requisition.
    CreateRequisition,
    /// A requisition call was interrupted: look for our reference before making another.
    FindRequisition {
        /// Where the next page begins.
        offset: u32,
    },
    /// Ask where the person is.
    Poll,
    /// Read when the agreement was accepted.
    ReadAgreement,
    /// Nothing more to do while access lasts.
    Settled,
    /// Remove the requisition at the provider.
    Delete {
        /// What the link becomes afterwards.
        then: LinkStatus,
    },
    /// Over.
    Done,
}

/// An account as the planner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Ours, for ever.
    pub id: AccountId,
    /// The provider's handle through the present link.
    pub provider_account_id: ProviderAccountId,
    /// The present link.
    pub link_id: LinkId,
    /// The bank.
    pub institution_id: InstitutionId,
    /// What the provider says about it.
    #[serde(default)]
    pub facts: AccountFacts,
    /// When we first saw it.
    pub discovered_at: UtcInstant,
    /// Still being identified: metadata and details come before anything else, and pairing waits for them.
    #[serde(default)]
    pub identifying: Option<Identifying>,
    /// What it is to the operator.
    #[serde(default)]
    pub status: AccountStatus,
    /// Counted failures in a row, over all scopes.
    #[serde(default)]
    pub consecutive_failures: u32,
    /// Failures in a row, counted or not, for the back-off.
    #[serde(default)]
    pub tries: u32,
    /// Counted failures in a row of single scopes: one that works does not make another one well.
    #[serde(default)]
    pub failing: BTreeMap<Scope, u32>,
    /// Set at the error budget, cleared when what failed has succeeded.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// Scopes that the bank does not give.
    #[serde(default)]
    pub scopes_off: BTreeSet<Scope>,
    /// What we learned of the daily limit, by scope.
    #[serde(default)]
    pub quota: BTreeMap<Scope, ScopeQuota>,
    /// When details were last read.
    #[serde(default)]
    pub details_at: Option<UtcInstant>,
    /// When the metadata were last asked for reasons of health.
    #[serde(default)]
    pub metadata_at: Option<UtcInstant>,
    /// The latest schedule slot that a pull has served.
    #[serde(default)]
    pub slot_served: Option<UtcInstant>,
    /// The pull under way, if any: survives a restart between its two calls.
    #[serde(default)]
    pub pull: Option<Pull>,
    /// No scheduled data call before this instant (back-off, processing).
    #[serde(default)]
    pub retry_at: Option<UtcInstant>,
    /// When the last complete pull ended.
    #[serde(default)]
    pub last_synced_at: Option<UtcInstant>,
    /// When the last answer without date filter came.
    #[serde(default)]
    pub full_pull_at: Option<UtcInstant>,
    /// The next answer is asked for without date filter, whatever the hour.
    #[serde(default)]
    pub wants_everything: bool,
    /// The last answer without date filter.
    #[serde(default)]
    pub full_mark: Option<AnswerMark>,
    /// The last answer with a date filter, and that date.
    #[serde(default)]
    pub window_mark: Option<(BankDate, AnswerMark)>,
    /// `processing` since.
    #[serde(default)]
    pub processing_since: Option<UtcInstant>,
    /// `account_stale` was raised in this spell.
    #[serde(default)]
    pub stale_announced: bool,
    /// What a pull that failed half-way left to do, and when.
    #[serde(default)]
    pub leftover: Option<(UtcInstant, Vec<Scope>)>,
    /// Known accounts that it may continue; a person has to say. Empty: nothing is in doubt.
    #[serde(default)]
    pub may_continue: Vec<AccountId>,
    /// The one known account that it can be if it is a known one: the rows of its first pull decide.
    #[serde(default)]
    pub resembles: Option<AccountId>,
    /// It may continue an account that is switched off, so it is not pulled before a rule of the configuration names it.
    #[serde(default)]
    pub born_off: bool,
    /// Ids of accounts that are part of this one, and IBANs (normalised) that it had: rules of the configuration that name
    /// these still find it.
    #[serde(default)]
    pub former: BTreeSet<String>,
}

/// Two accounts that became one, both as they were before: what it takes to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Union {
    /// When.
    pub at: UtcInstant,
    /// A person said so.
    pub by_hand: bool,
    /// The one whose id goes on.
    pub kept: Account,
    /// The other one; the provider's handle that it had stays with its calls, runs and answers.
    pub absorbed: Account,
}

/// How far identifying a new provider account has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identifying {
    /// Metadata were read.
    pub metadata_read: bool,
    /// Details were read, or cannot be had.
    pub details_settled: bool,
}

/// Hands off an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: UtcInstant,
    /// Trial calls made under `ERROR`: the next is due 1, 3, 7 days after `since`.
    pub trials: u32,
    /// When to ask the free metadata call next.
    pub ask_at: UtcInstant,
    /// `READY` was seen: data calls may go on until the next failure.
    pub lifted: bool,
}

/// What we learned of the daily limit of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeQuota {
    /// The provider's limit from its headers; the configured one until then.
    pub limit: Option<u32>,
    /// No call before this instant: the provider said so.
    pub blocked_until: Option<UtcInstant>,
    /// `quota_spent` was raised for the window that ends here.
    pub announced_until: Option<UtcInstant>,
    /// Daily refusals since the last success.
    pub refusals: u32,
}

/// One pass over one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its run.
    pub run_id: RunId,
    /// When it began.
    pub started_at: UtcInstant,
    /// The schedule slot it serves, if any.
    pub slot: Option<UtcInstant>,
    /// Scopes still to read, in order.
    pub todo: Vec<Scope>,
    /// Whether any scope brought something new.
    #[serde(default)]
    pub changed: bool,
    /// Asked for by a person: may use the manual reserve.
    #[serde(default)]
    pub manual: bool,
}

/// The provider as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderState {
    /// All calls stop until a person has changed something.
    pub fault: Option<ConfigurationFault>,
    /// When to try again against the fault: slowly.
    pub fault_retry_at: Option<UtcInstant>,
    /// Failed tries against the fault in a row.
    pub fault_tries: u32,
    /// Nothing answers since then.
    pub outage_since: Option<UtcInstant>,
    /// When to knock again.
    pub outage_retry_at: Option<UtcInstant>,
    /// Knocks in a row.
    pub outage_tries: u32,
    /// Company limit: no call before this instant.
    pub throttled_until: Option<UtcInstant>,
    /// `plan_limit_reached` was raised, and no link could be made since.
    pub plan_limit_announced: bool,
    /// The provider's clock minus ours, in milliseconds, where they disagree.
    pub clock_distance_ms: i64,
    /// What worked at an institution, so that the next link begins there.
    pub worked: BTreeMap<String, WorkedTerms>,
    /// Words of the provider that were announced as not understood, each with the field it stood in.
    pub strange_words: BTreeSet<String>,
    /// Accounts that a renewal must not bring back.
    pub forgotten: Vec<Forgotten>,
}

/// By what a forgotten account is known again; too little to know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Random.
    pub salt: String,
    /// A few bits of a hash for each of its numbers.
    pub marks: BTreeSet<String>,
}

/// Terms that an institution accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkedTerms {
    /// What was asked for and refused first, so that a new wish is tried afresh.
    pub asked: Terms,
    /// What was accepted.
    pub terms: Terms,
    /// Whether selection was accepted.
    pub account_selection: bool,
}
