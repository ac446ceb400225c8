//! What the engine knows: status, accounts, quota.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use super::resolve;
use crate::daemon::needs;
use crate::daemon::{metrics, view};
use crate::model::id::LinkId;
use crate::model::time::{SECOND_MS, UtcInstant};
use crate::planner::state::{Account, Link};
use crate::sync::{Outlook, Report};

/// A query that may name an account.
#[derive(Debug, Deserialize)]
pub(super) struct AccountQuery {
    account: Option<String>,
}

fn links_by_id(report: &Report) -> BTreeMap<LinkId, &Link> {
    report.links.iter().map(|link| (link.id, link)).collect()
}

/// Accounts that are known for what they are; one that is still being identified may turn out to be an old one.
fn identified(report: &Report) -> impl Iterator<Item = (&Account, &Outlook)> {
    report
        .accounts
        .iter()
        .zip(&report.outlooks)
        .filter(|(account, _)| account.identifying.is_none())
}

pub(super) fn account_views(report: &Report) -> Vec<view::AccountView<'_>> {
    let links = links_by_id(report);
    let shown = |(account, outlook)| show(report, &links, account, outlook);
    identified(report).map(shown).collect()
}

fn show<'a>(
    report: &'a Report,
    links: &BTreeMap<LinkId, &Link>,
    account: &'a Account,
    outlook: &Outlook,
) -> view::AccountView<'a> {
    let link = links.get(&account.link_id).copied();
    let standing = view::Standing {
        rule: report.policy.rule(account),
        enabled: report.policy.is_enabled(account),
        next_pull_at: outlook.next_pull_at,
    };
    view::account(account, link, &standing)
}

fn quota_views(report: &Report) -> Vec<view::QuotaView> {
    identified(report)
        .flat_map(|(account, outlook)| {
            outlook.quota.iter().map(|(scope, left)| {
                view::quota(account.id, *scope, left.limit, left.used, Some(left.next_allowed_at))
            })
        })
        .collect()
}

pub(super) async fn accounts(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    Ok(reply::lines(account_views(&report)))
}

pub(super) async fn quota(
    State(shared): State<Shared>,
    Query(query): Query<AccountQuery>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let wanted = resolve::optional_account(&report, query.account.as_deref())?;
    let views =
        quota_views(&report).into_iter().filter(|view| wanted.is_none_or(|id| view.is_of(id)));
    Ok(reply::lines(views))
}

/// The plan, and the next slots of it.
fn schedule(report: &Report, now: UtcInstant) -> view::ScheduleView {
    const SLOTS: usize = 3;
    let plan = &report.policy.schedule;
    let slots = std::iter::successors(plan.slot_after(now), |slot| plan.slot_after(*slot));
    view::ScheduleView {
        timezone: report.policy.zone.to_string(),
        upcoming: slots.take(SLOTS).map(view::At).collect(),
        freshness_s: report.policy.freshness_ms.div_euclid(SECOND_MS),
    }
}

pub(super) async fn metrics(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let text = shared.metrics.text().await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

pub(super) async fn status(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let backup_trouble = shared.backups.trouble();
    let standings = shared.messages.list().await?;
    let needs = needs::all(&report, backup_trouble.as_ref(), &standings);
    let next_pull_at = report.outlooks.iter().filter_map(|outlook| outlook.next_pull_at).min();
    let rows_not_understood = shared.store.rows_not_understood().await?;
    let status = view::StatusView {
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        started_at: view::At(shared.started_at),
        next_pull_at: next_pull_at.map(view::At),
        schedule: schedule(&report, shared.clock.now().wall),
        provider_unavailable_since: report.provider.outage_since.map(view::At),
        accounts: account_views(&report),
        links: report.links.iter().map(|link| view::link(link, &report.accounts)).collect(),
        needs,
        quota: quota_views(&report),
        rows_not_understood,
    };
    Ok(reply::object(StatusCode::OK, &status))
}
