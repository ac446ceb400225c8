//! The rules that a configuration sets, in the form in which the planner uses them.

use crate::config::{AccountRule, Config};
use crate::model::iban::{Iban, normalise};

use super::schedule::{BadPattern, Schedule};
use super::state::Account;

/// Everything that may be configured and matters to planning.
#[derive(Clone, Debug)]
pub struct Policy {
    /// When to pull.
    pub schedule: Schedule,
    /// The zone of calendar days.
    pub zone: crate::model::time::Zone,
    /// Alarm when an account is older, in milliseconds.
    pub freshness_ms: i64,
    /// Successful calls per account and scope and day, until the headers say otherwise.
    pub calls_per_day: u32,
    /// Of these, kept for a person's `sync`.
    pub manual_reserve: u32,
    /// Calls a minute over all accounts, at least 1.
    pub accounts_per_minute: u32,
    /// Counted failures in a row before an account is paused.
    pub error_budget: u32,
    /// Never more in a row.
    pub error_hard_limit: u32,
    /// Days of history to ask for.
    pub history_days: u32,
    /// Days of access to ask for.
    pub access_days: u32,
    /// How far back a pull looks.
    pub overlap_days: u32,
    /// Days before the end of access at which to warn.
    pub warn_days: Vec<u32>,
    /// A link whose successor has brought everything is removed at the provider.
    pub remove_replaced: bool,
    /// Where the browser goes after consent.
    pub redirect: String,
    /// How long a call may take, in milliseconds: an interrupted one may have been counted until then.
    pub call_timeout_ms: i64,
    /// Names and switches of accounts.
    pub rules: Vec<AccountRule>,
}

impl Policy {
    /// From a checked configuration.
    pub fn from_config(config: &Config) -> Result<Self, BadPattern> {
        let plan = &config.schedule;
        Ok(Self {
            schedule: Schedule::new(&plan.pull, plan.timezone.clone(), plan.jitter_s)?,
            zone: plan.timezone.clone(),
            freshness_ms: i64::from(plan.freshness_s).saturating_mul(1_000),
            calls_per_day: config.limits.calls_per_day,
            manual_reserve: config.limits.manual_reserve,
            accounts_per_minute: config.limits.accounts_per_minute,
            error_budget: config.limits.error_budget,
            error_hard_limit: config.limits.error_hard_limit,
            history_days: config.history.days,
            access_days: config.history.access_days,
            overlap_days: config.history.overlap_days,
            warn_days: config.history.warn_days.clone(),
            remove_replaced: config.history.remove_replaced,
            redirect: config.gocardless.redirect.clone(),
            call_timeout_ms: i64::from(config.http.total_timeout_s).saturating_mul(1_000),
            rules: config.accounts.clone(),
        })
    }

    /// What the configuration says about an account.
    pub fn rule(&self, account: &Account) -> Option<&AccountRule> {
        rule_for(account, &self.rules)
    }

    /// Whether an account is pulled.
    pub fn is_enabled(&self, account: &Account) -> bool {
        is_enabled(account, &self.rules)
    }

    /// The name a person gave it.
    pub fn nickname(&self, account: &Account) -> Option<&str> {
        self.rule(account)?.nickname.as_deref()
    }
}

/// Whether an account is pulled: a rule decides; without one, all are that do not continue one that is switched off.
pub fn is_enabled(account: &Account, rules: &[AccountRule]) -> bool {
    rule_for(account, rules).map_or(!account.born_off, |rule| rule.enabled)
}

/// What the configuration says about an account: the first rule that names its id, or its IBAN in any spelling; else the
/// first that names what it once was.
pub fn rule_for<'a>(account: &Account, rules: &'a [AccountRule]) -> Option<&'a AccountRule> {
    let id = account.id.to_string();
    let iban = account.facts.iban.as_ref().map(Iban::normalised);
    let now = |rule: &&AccountRule| {
        rule.matches == id || iban.as_ref().is_some_and(|iban| *iban == normalise(&rule.matches))
    };
    let once = |rule: &&AccountRule| {
        account.former.contains(&rule.matches) || account.former.contains(&normalise(&rule.matches))
    };
    rules.iter().find(now).or_else(|| rules.iter().find(once))
}
