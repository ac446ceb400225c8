//! Events: what happened, once, in the words of the contract.
//!
//! A [`Notice`] is born in the planner, becomes a row of the event table in the same transaction as the change it tells
//! of, and is logged after the commit. `message` is safe to log; `details` may hold personal data and stays in the database.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::agreement::Scope;
use super::id::{AccountId, InstitutionId, LinkId, RunId};

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Routine.
    Info,
    /// Worth knowing.
    Notice,
    /// Someone should look this week.
    Warning,
    /// Someone must act.
    Error,
}

impl Level {
    /// All of them, quietest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Notice, Self::Warning, Self::Error];

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! event_codes {
    ($($(#[$doc:meta])* $name:ident $word:literal $level:ident,)+) => {
        /// Every event there is. Each has a `MESSAGE_ID` and a catalogue entry in `observe::catalog`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventCode { $($(#[$doc])* $name,)+ }

        impl EventCode {
            /// All of them, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word of the contract.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// How loud it is.
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ }
            }

            /// From the word of the contract.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == word)
            }
        }
    };
}

event_codes! {
    /// The daemon is up.
    DaemonStarted "daemon_started" Info,
    /// The daemon goes down in good order.
    DaemonStopped "daemon_stopped" Info,
    /// A changed configuration is in force.
    ConfigReloaded "config_reloaded" Notice,
    /// A changed configuration is bad; the old one stays in force.
    ConfigRejected "config_rejected" Error,
    /// A token pair was made from the secret.
    TokenIssued "token_issued" Info,
    /// The access token was renewed.
    TokenRefreshed "token_refreshed" Info,
    /// The provider refuses the secret.
    CredentialsRejected "credentials_rejected" Error,
    /// The provider refuses our address.
    IpNotAllowed "ip_not_allowed" Error,
    /// The plan's limit is reached.
    PlanLimitReached "plan_limit_reached" Error,
    /// A link waits for a person at the bank.
    LinkCreated "link_created" Info,
    /// The person has agreed, accounts are there.
    LinkCompleted "link_completed" Notice,
    /// Linking was rejected or failed.
    LinkFailed "link_failed" Warning,
    /// Nobody finished linking.
    LinkAbandoned "link_abandoned" Warning,
    /// A successor has taken over.
    LinkReplaced "link_replaced" Notice,
    /// Access ends in some days.
    AccessExpiring "access_expiring" Warning,
    /// Access has ended.
    AccessExpired "access_expired" Error,
    /// Access was ended before its time.
    AccessRevoked "access_revoked" Error,
    /// A successor gives access again.
    AccessRenewed "access_renewed" Notice,
    /// A person has to confirm access (UK).
    ReconfirmationDue "reconfirmation_due" Warning,
    /// Access was confirmed.
    ReconfirmationDone "reconfirmation_done" Notice,
    /// A link opened an account not seen before.
    AccountDiscovered "account_discovered" Info,
    /// Which account continues as which is not clear.
    AccountsAmbiguous "accounts_ambiguous" Warning,
    /// Two accounts are one.
    AccountsMerged "accounts_merged" Notice,
    /// A person had everything of an account erased.
    AccountForgotten "account_forgotten" Notice,
    /// The provider suspended the account for good.
    AccountSuspended "account_suspended" Error,
    /// We stopped calling before the provider suspends.
    AccountPaused "account_paused" Error,
    /// The bank says that the account is closed.
    AccountInactive "account_inactive" Warning,
    /// The account works again.
    AccountRecovered "account_recovered" Notice,
    /// No fresh data for longer than the objective.
    AccountStale "account_stale" Warning,
    /// The bank gives nothing for this scope.
    ScopeRefused "scope_refused" Warning,
    /// A pull ended well.
    SyncCompleted "sync_completed" Info,
    /// A pull ended without all of its data.
    SyncFailed "sync_failed" Warning,
    /// No calls are left for now.
    QuotaSpent "quota_spent" Info,
    /// The provider does not answer.
    ProviderUnavailable "provider_unavailable" Warning,
    /// The provider answers again.
    ProviderRecovered "provider_recovered" Notice,
    /// New transactions.
    TransactionsAdded "transactions_added" Info,
    /// The bank changed a transaction.
    TransactionChanged "transaction_changed" Notice,
    /// The bank took a transaction back.
    TransactionVanished "transaction_vanished" Warning,
    /// Rows are kept that could not be understood.
    RowsNotUnderstood "rows_not_understood" Warning,
    /// A word of the provider is not known.
    ValueNotUnderstood "value_not_understood" Notice,
    /// Balance and transactions do not agree.
    BalanceMismatch "balance_mismatch" Warning,
    /// Balance and transactions agree again.
    BalanceExplained "balance_explained" Notice,
    /// The system clock jumped.
    ClockStepped "clock_stepped" Warning,
    /// The database cannot be written.
    StoreFull "store_full" Error,
    /// The database is damaged.
    StoreIntegrityFailed "store_integrity_failed" Error,
    /// A backup was written.
    BackupCompleted "backup_completed" Info,
    /// A backup could not be written.
    BackupFailed "backup_failed" Error,
    /// Messages to a target were given up.
    NotifyFailed "notify_failed" Warning,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub code: EventCode,
    /// One sentence for people, without personal data.
    pub message: String,
    /// Whose account.
    pub account_id: Option<AccountId>,
    /// Which link.
    pub link_id: Option<LinkId>,
    /// Which bank.
    pub institution_id: Option<InstitutionId>,
    /// Which scope.
    pub scope: Option<Scope>,
    /// In which run.
    pub run_id: Option<RunId>,
    /// More, possibly personal: database and socket only.
    pub details: Map<String, Value>,
}

impl Notice {
    /// A notice about nothing in particular yet.
    pub fn new(code: EventCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            account_id: None,
            link_id: None,
            institution_id: None,
            scope: None,
            run_id: None,
            details: Map::new(),
        }
    }

    /// Names the account.
    #[must_use]
    pub fn account(mut self, id: AccountId) -> Self {
        self.account_id = Some(id);
        self
    }

    /// Names the link.
    #[must_use]
    pub fn link(mut self, id: LinkId) -> Self {
        self.link_id = Some(id);
        self
    }

    /// Names the institution.
    #[must_use]
    pub fn institution(mut self, id: InstitutionId) -> Self {
        self.institution_id = Some(id);
        self
    }

    /// Names the scope.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Names the run.
    #[must_use]
    pub fn run(mut self, id: RunId) -> Self {
        self.run_id = Some(id);
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}
