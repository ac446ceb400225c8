//! The accounts: calls left, consents, and whatever else `status` has a person do.

use super::{Finding, Patient};
use crate::daemon::needs::{Need, Situation, needs};
use crate::model::agreement::Scope;
use crate::model::notice::EventCode;
use crate::model::time::DAY_MS;
use crate::planner::state::Account;
use crate::sync::{Outlook, Report};

const QUOTA: &str = "quota";
const CONSENTS: &str = "consents";
const ACCOUNTS: &str = "accounts";

/// Conditions of consents that may show at an account, too.
const OF_CONSENTS: [EventCode; 2] = [EventCode::AccessExpired, EventCode::AccessRevoked];

pub(super) fn check(patient: &Patient<'_>, report: &Report) -> Vec<Finding> {
    let mut findings = quota(patient, report);
    let found = needs(&Situation::from(report), report.provider_now);
    let found: Vec<&Need> = found.iter().filter(|need| need.subject != "service").collect();
    let of_links = |need: &&&Need| {
        need.subject.starts_with("lnk_")
            || OF_CONSENTS.iter().any(|code| code.as_str() == need.code)
    };
    let told = |name: &str, need: &Need| {
        let of_account = need.subject.starts_with("acc_");
        let subject = if of_account { format!("{}: ", need.subject) } else { String::new() };
        let message = format!("{subject}{}", need.message);
        Finding::trouble(name, message, need.command.clone())
    };
    let mut consents: Vec<Finding> =
        found.iter().filter(of_links).map(|need| told(CONSENTS, need)).collect();
    if consents.is_empty() {
        consents.push(Finding::fine(CONSENTS, ends(report)));
    }
    findings.append(&mut consents);
    let accounts = found.iter().filter(|need| !of_links(need)).map(|need| told(ACCOUNTS, need));
    let mut accounts: Vec<Finding> = accounts.collect();
    if accounts.is_empty() {
        let count = report.accounts.len();
        let noun = if count == 1 { "account" } else { "accounts" };
        accounts.push(Finding::fine(ACCOUNTS, format!("{count} {noun}, none in trouble")));
    }
    findings.append(&mut accounts);
    findings
}

/// When access ends next.
fn ends(report: &Report) -> String {
    let live = report.links.iter().filter(|link| link.status.is_live());
    let ends: Vec<_> = live.filter_map(|link| link.access_expires_at).collect();
    let Some(next) = ends.iter().min() else { return "no link gives access".to_owned() };
    let days = next.since(report.provider_now).max(0).saturating_add(DAY_MS - 1).div_euclid(DAY_MS);
    let count = ends.len();
    let noun = if count == 1 { "link" } else { "links" };
    format!("{count} {noun}, the next ends in {days} days")
}

fn quota(patient: &Patient<'_>, report: &Report) -> Vec<Finding> {
    let pulls = patient.config.schedule.busiest_day();
    let all = report.accounts.iter().zip(&report.outlooks);
    let called = all.filter(|(account, _)| {
        account.identifying.is_none()
            && !account.status.is_over()
            && report.policy.is_enabled(account)
    });
    let mut findings: Vec<Finding> = called
        .filter_map(|(account, outlook)| spent(patient, report, account, outlook, pulls))
        .collect();
    if findings.is_empty() {
        findings.push(Finding::fine(QUOTA, "calls are left for every account"));
    }
    findings
}

/// What is wrong with the calls of an account; details, which are read once a month, do not count.
fn spent(
    patient: &Patient<'_>,
    report: &Report,
    account: &Account,
    outlook: &Outlook,
    pulls: u32,
) -> Option<Finding> {
    let name =
        report.policy.nickname(account).map_or_else(|| account.id.to_string(), str::to_owned);
    let daily = outlook.quota.iter().filter(|(scope, _)| *scope != Scope::Details);
    let (scope, fewest) = daily.min_by_key(|(_, left)| left.limit.saturating_sub(left.used))?;
    if fewest.limit < pulls {
        let message = format!(
            "the bank of {name} allows {} calls a day for {}, and the schedule asks for {pulls}: take some out of `[schedule] pull`",
            fewest.limit,
            scope.as_str()
        );
        return Some(Finding::trouble(
            QUOTA,
            message,
            format!("{} && banksyncd reload", patient.edit()),
        ));
    }
    let next = fewest.next_allowed_at;
    (next > report.provider_now && fewest.used >= fewest.limit).then(|| {
        let message = format!(
            "{name} has no calls left for {} before {next}: they come back by themselves",
            scope.as_str()
        );
        Finding::trouble(QUOTA, message, format!("banksyncd sync {} --wait", account.id))
    })
}
