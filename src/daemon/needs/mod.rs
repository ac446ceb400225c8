//! What needs a person, and the exact command that cures it.
//!
//! Pure: a function of the remembered documents, the configuration and `now`. It lists only what a person can change;
//! an outage of the provider or a spent quota cures itself and is not listed. Sentences name no account number, owner or
//! amount, because they also end up in notifications.

use std::collections::BTreeSet;

use serde::Serialize;

use super::notify::Standing;
use crate::config::AccountRule;
use crate::daemon::backups::BackupTrouble;
use crate::model::failure::ConfigurationFault;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::{DAY_MS, HOUR_MS, UtcInstant};
use crate::planner::pairing::merge_command;
use crate::planner::policy::is_enabled;
use crate::planner::state::{Account, AccountStatus, Link, LinkStatus, ProviderState};
use crate::sync::Report;

/// How long a target of messages may fail before somebody has to look: servers are restarted now and then.
const UNTOLD_MS: i64 = HOUR_MS;

/// One thing for a person to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The event code of the condition.
    pub code: &'static str,
    /// An account id, a link id, or `service`.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// What to type; for a link that waits for a person, the URL to open.
    pub command: String,
}

/// What [`needs`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// All accounts.
    pub accounts: &'a [Account],
    /// All links.
    pub links: &'a [Link],
    /// The provider as a whole.
    pub provider: &'a ProviderState,
    /// What the configuration says about single accounts: those that are switched off need nobody.
    pub rules: &'a [AccountRule],
    /// `[history] warn-days`.
    pub warn_days: &'a [u32],
    /// `[limits] error-hard-limit`.
    pub error_hard_limit: u32,
    /// `[schedule] freshness`, in seconds.
    pub freshness_s: u32,
    /// Backups that fail.
    pub backup_trouble: Option<&'a BackupTrouble>,
}

impl<'a> From<&'a Report> for Situation<'a> {
    fn from(report: &'a Report) -> Self {
        let freshness_s = report.policy.freshness_ms.checked_div(1_000).unwrap_or(0);
        Self {
            accounts: &report.accounts,
            links: &report.links,
            provider: &report.provider,
            rules: &report.policy.rules,
            warn_days: &report.policy.warn_days,
            error_hard_limit: report.policy.error_hard_limit,
            freshness_s: u32::try_from(freshness_s).unwrap_or(u32::MAX),
            backup_trouble: None,
        }
    }
}

/// Everything that needs a person, also about the service itself, the most urgent first.
pub fn all(
    report: &Report,
    backup_trouble: Option<&BackupTrouble>,
    standings: &[Standing],
) -> Vec<Need> {
    let situation = Situation { backup_trouble, ..Situation::from(report) };
    let mut found = needs(&situation, report.provider_now);
    found.extend(untold(standings, report.now));
    found
}

/// What needs a person by what is remembered and configured, the most urgent first; empty when all is well.
pub fn needs(situation: &Situation<'_>, now: UtcInstant) -> Vec<Need> {
    let mut found: Vec<Need> = Vec::new();
    found.extend(fault(situation.provider));
    let enabled: Vec<&Account> =
        situation.accounts.iter().filter(|account| is_enabled(account, situation.rules)).collect();
    let used: BTreeSet<LinkId> = enabled.iter().map(|account| account.link_id).collect();
    let matters = |link: &Link| used.contains(&link.id) && !successor_pending(situation, link.id);
    let mut covered = BTreeSet::new();
    for link in situation.links {
        if let Some(need) = ended(link, now).filter(|_need| matters(link)) {
            found.push(need);
            covered.insert(link.id);
        }
        // Ended by `unlink`: that its accounts get no data is what was wanted.
        if link.status == LinkStatus::Abandoned {
            covered.insert(link.id);
        }
    }
    let mut troubled = BTreeSet::new();
    for account in &enabled {
        if let Some(need) = trouble(situation, account, &covered) {
            found.push(need);
            troubled.insert(account.id);
        }
    }
    for link in situation.links.iter().filter(|link| matters(link)) {
        if let Some(need) = confirming(link, now) {
            found.push(need);
            covered.insert(link.id);
        } else if !covered.contains(&link.id) {
            found.extend(ending(link, situation.warn_days, now));
        }
    }
    found.extend(situation.links.iter().filter_map(waiting));
    found.extend(situation.accounts.iter().filter_map(|account| doubt(situation, account)));
    if situation.provider.fault.is_none() && situation.provider.outage_since.is_none() {
        let stale = enabled.iter().filter(|account| {
            !covered.contains(&account.link_id) && !troubled.contains(&account.id)
        });
        found.extend(stale.filter_map(|account| too_old(situation, account, now)));
    }
    found.extend(situation.backup_trouble.map(no_backup));
    found
}

/// Targets of messages that have taken none for a while: whoever should be told of all the rest is not.
fn untold(standings: &[Standing], now: UtcInstant) -> Vec<Need> {
    let failing = standings.iter().filter_map(|standing| {
        let since = standing.failing_since.filter(|since| now.since(*since) >= UNTOLD_MS)?;
        let name = &standing.name;
        let message = format!("messages to `{name}` are not taken since {since}");
        Some(need(EventCode::NotifyFailed, &"service", message, "banksyncd notify".to_owned()))
    });
    failing.collect()
}

fn need(code: EventCode, subject: &impl ToString, message: String, command: String) -> Need {
    Need { code: code.as_str(), subject: subject.to_string(), message, command }
}

/// A successor that a person is about to finish: its URL is the thing to do then, not another `renew`.
fn successor_pending(situation: &Situation<'_>, link: LinkId) -> bool {
    situation.links.iter().any(|other| other.replaces == Some(link) && other.status.is_pending())
}

fn renew(link: LinkId) -> String {
    format!("banksyncd renew {link}")
}

/// All calls stop until a person has changed something.
fn fault(provider: &ProviderState) -> Option<Need> {
    let fault = provider.fault?;
    let (code, message, command) = match fault {
        ConfigurationFault::Credentials => (
            EventCode::CredentialsRejected,
            "the provider refuses the secret: put a valid secret id and key into the credentials that `[gocardless]` names, then restart",
            "systemctl restart banksyncd",
        ),
        ConfigurationFault::IpNotAllowed => (
            EventCode::IpNotAllowed,
            "the provider refuses this machine's address: allow it for the secret in the provider's portal, then restart",
            "systemctl restart banksyncd",
        ),
        ConfigurationFault::PlanLimit => (
            EventCode::PlanLimitReached,
            "the plan's limit is reached: raise it at the provider or unlink what is not needed",
            "banksyncd links",
        ),
    };
    Some(need(code, &"service", message.to_owned(), command.to_owned()))
}

/// Access has ended.
fn ended(link: &Link, now: UtcInstant) -> Option<Need> {
    if link.is_history() {
        return None;
    }
    let bank = &link.institution_id;
    let past_end = link.access_expires_at.is_some_and(|end| end <= now);
    let (code, message) = match link.status {
        LinkStatus::Expired => (EventCode::AccessExpired, format!("access to {bank} has ended")),
        LinkStatus::Linked if past_end => {
            (EventCode::AccessExpired, format!("access to {bank} has ended"))
        }
        LinkStatus::Revoked => {
            (EventCode::AccessRevoked, format!("access to {bank} was taken back before its end"))
        }
        LinkStatus::Suspended => {
            (EventCode::AccountSuspended, format!("the provider suspended the link to {bank}"))
        }
        LinkStatus::Linked
        | LinkStatus::Created
        | LinkStatus::Authenticating
        | LinkStatus::Rejected
        | LinkStatus::Abandoned
        | LinkStatus::Replaced
        | LinkStatus::Unknown => return None,
    };
    Some(need(code, &link.id, message, renew(link.id)))
}

/// An account that gets no data although its link is not known to have ended.
fn trouble(
    situation: &Situation<'_>,
    account: &Account,
    covered: &BTreeSet<LinkId>,
) -> Option<Need> {
    let link = account.link_id;
    let curable_by_link = !covered.contains(&link) && !successor_pending(situation, link);
    let failures = account.consecutive_failures;
    let (code, message, command) = match account.status {
        AccountStatus::Suspended if curable_by_link => (
            EventCode::AccountSuspended,
            "the provider suspended this account: only a new link heals it".to_owned(),
            renew(link),
        ),
        AccountStatus::Expired if curable_by_link => {
            (EventCode::AccessExpired, "access to this account has ended".to_owned(), renew(link))
        }
        AccountStatus::Paused if failures >= situation.error_hard_limit => (
            EventCode::AccountPaused,
            format!(
                "{failures} failures in a row: no call may be made any more, only a new link helps"
            ),
            renew(link),
        ),
        AccountStatus::Paused => (
            EventCode::AccountPaused,
            format!("paused after {failures} failures in a row, before the provider suspends it"),
            retry(account.id),
        ),
        AccountStatus::Inactive => (
            EventCode::AccountInactive,
            format!(
                "the bank says that this account is closed: put `[[account]]` with `match = \"{}\"` and `enabled = false` into the config, then reload",
                account.id
            ),
            "systemctl reload banksyncd".to_owned(),
        ),
        AccountStatus::Suspended
        | AccountStatus::Expired
        | AccountStatus::Ready
        | AccountStatus::Processing
        | AccountStatus::Unknown => return None,
    };
    Some(need(code, &account.id, message, command))
}

fn retry(account: AccountId) -> String {
    format!("banksyncd sync {account} --force --wait")
}

/// Access ends within the largest of the warnings that apply to its length.
fn ending(link: &Link, warn_days: &[u32], now: UtcInstant) -> Option<Need> {
    let end = link.access_expires_at.filter(|_end| link.status.is_live())?;
    let length = link.access_days.unwrap_or(u32::MAX);
    let warn = warn_days.iter().copied().filter(|days| *days < length);
    if end.since(now) > i64::from(warn.max()?).saturating_mul(DAY_MS) {
        return None;
    }
    let message = format!("access to {} ends on {}", link.institution_id, end.utc_date());
    Some(need(EventCode::AccessExpiring, &link.id, message, renew(link.id)))
}

/// Access has to be confirmed, or gives no data until it is.
fn confirming(link: &Link, now: UtcInstant) -> Option<Need> {
    let own = link.confirming.as_ref().filter(|_own| link.status.is_live())?;
    let (due, close) = (own.due_at?, own.closes_at()?);
    if own.opens_at().is_none_or(|open| now < open || close <= now) {
        return None;
    }
    let bank = &link.institution_id;
    let message = if now < due {
        format!("access to {bank} has to be confirmed until {}", due.utc_date())
    } else {
        format!(
            "{bank} gives no data until access is confirmed; after {} it ends",
            close.utc_date()
        )
    };
    let command = format!("banksyncd reconfirm {}", link.id);
    Some(need(EventCode::ReconfirmationDue, &link.id, message, command))
}

/// A link that waits for a person at the bank.
fn waiting(link: &Link) -> Option<Need> {
    let url = link.url.as_ref().filter(|_url| link.status.is_pending())?;
    let what = if link.is_history() { "the longer history of" } else { "linking" };
    let message = format!("{what} {} waits for a person: open the URL", link.institution_id);
    Some(need(EventCode::LinkCreated, &link.id, message, url.0.clone()))
}

/// An account that may continue a known one. Who gives it a rule of its own in the configuration has decided that it does not.
fn doubt(situation: &Situation<'_>, account: &Account) -> Option<Need> {
    let id = account.id.to_string();
    let known = account.may_continue.first()?;
    let decided = situation.rules.iter().any(|rule| rule.matches == id);
    let message = format!(
        "this account may continue {known}: merge them if they are one, else give {id} an `[[account]]` of its own in the config"
    );
    let command = merge_command(*known, account.id);
    (!decided).then(|| need(EventCode::AccountsAmbiguous, &id, message, command))
}

/// No data for longer than the objective, and no other need explains it.
fn too_old(situation: &Situation<'_>, account: &Account, now: UtcInstant) -> Option<Need> {
    let last = account.last_synced_at.unwrap_or(account.discovered_at);
    (last.plus_s(i64::from(situation.freshness_s)) < now).then(|| {
        let message = format!("no complete pull since {last}");
        need(
            EventCode::AccountStale,
            &account.id,
            message,
            format!("banksyncd sync {} --wait", account.id),
        )
    })
}

/// The last backup that was due could not be made.
fn no_backup(trouble: &BackupTrouble) -> Need {
    need(EventCode::BackupFailed, &"service", trouble.message(), trouble.command())
}

#[cfg(test)]
mod tests;
