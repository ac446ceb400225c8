//! `status`: is it fine, and if not, what to type. One screen; the exit code says the same.
//!
//! What does not fit onto the terminal is counted and named with the command that shows it; into a pipe everything goes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::accounts::told_apart;
use super::args::Status;
use super::client::{Patience, path};
use super::error::CliError;
use super::links::access;
use super::object::Object;
use super::output::Style;
use super::table::{Column, Table};
use super::text::{ago, count, moment, one_line, sparkline, until};
use super::{Code, Ctx, Method};
use crate::model::money::Amount;
use crate::model::time::{HOUR_MS, SECOND_MS, UtcInstant};

/// Cells of the bar of days.
const BAR_CELLS: i64 = 5;
/// Cells of the line that shows how a balance went.
const TREND_CELLS: usize = 10;
/// Columns of an account's name.
const NAME_COLUMNS: u16 = 18;
/// Lines that are neither needs nor accounts: headings, the service, blank lines, the shell's next prompt.
const OTHER_LINES: usize = 8;
/// Accounts that are shown at least, if there are so many.
const ACCOUNTS_MIN: usize = 4;
/// Longest part of a line that slots of the schedule fill.
const SLOTS_COLUMNS_MAX: usize = 44;

/// Shows the status; [`Code::Partial`] if something needs a person.
pub async fn run(args: &Status, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let whole = ctx.client.get(&path(&["status"])).await?;
    let needs = whole.object.objects("needs");
    if ctx.json {
        ctx.output.json(&whole.raw)?;
    } else {
        let trends = if args.no_trend { BTreeMap::new() } else { trends(ctx).await };
        let accounts = whole.object.objects("accounts");
        let needs: Vec<_> = needs.iter().map(|need| told(need, ctx)).collect();
        let room = room(&needs, accounts.len(), ctx);
        print_needs(&needs, room.needs, ctx)?;
        print_service(&whole.object, ctx)?;
        print_accounts(&whole.object, accounts, &trends, room.accounts, ctx)?;
    }
    Ok(if needs.is_empty() { Code::Ok } else { Code::Partial })
}

/// What is to be said of a need.
struct Told {
    message: String,
    command: String,
}

fn told(need: &Object, ctx: &Ctx<'_>) -> Told {
    let command = one_line(need.text_or_empty("command"));
    Told {
        message: one_line(need.text_or_empty("message")),
        command: if is_url(&command) { command } else { ctx.command(&command) },
    }
}

fn is_url(command: &str) -> bool {
    command.starts_with("https://") || command.starts_with("http://")
}

/// How many needs and accounts fit.
#[derive(Debug, PartialEq, Eq)]
struct Room {
    needs: usize,
    accounts: usize,
}

/// Shares the lines of the terminal out: needs first, but some accounts always.
fn room(needs: &[Told], accounts: usize, ctx: &Ctx<'_>) -> Room {
    let terminal = &ctx.output.terminal;
    let all = Room { needs: needs.len(), accounts };
    let Some(height) = terminal.height else { return all };
    let columns = terminal.width.map_or(usize::MAX, usize::from).max(1);
    let lines = |text: &str, indent: usize| {
        text.chars().count().saturating_add(indent).div_ceil(columns).max(1)
    };
    let cost = |need: &Told| lines(&need.message, 2).saturating_add(lines(&need.command, 4));
    let room = usize::from(height).saturating_sub(OTHER_LINES);
    let of_needs: usize = needs.iter().map(cost).sum();
    if of_needs.saturating_add(accounts) <= room {
        return all;
    }
    // One line each says how many more there are.
    let mut left = room.saturating_sub(accounts.min(ACCOUNTS_MIN)).saturating_sub(2);
    let mut shown: usize = 0;
    for need in needs {
        match left.checked_sub(cost(need)) {
            Some(rest) => left = rest,
            // The most urgent one is worth a screen that scrolls.
            None if shown == 0 => left = 0,
            None => break,
        }
        shown = shown.saturating_add(1);
    }
    Room { needs: shown, accounts: left.saturating_add(ACCOUNTS_MIN) }
}

fn print_needs(needs: &[Told], shown: usize, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    if needs.is_empty() {
        return ctx.output.spans(&[(Style::Green, "nothing needs you")]);
    }
    ctx.output.spans(&[(Style::Red, "needs you:")])?;
    for need in needs.iter().take(shown) {
        ctx.output.line(&format!("  {}", need.message))?;
        if is_url(&need.command) {
            ctx.output.url(&format!("  {}", need.command))?;
        } else if !need.command.is_empty() {
            ctx.output.spans(&[(Style::Plain, "    "), (Style::Bold, &need.command)])?;
        }
    }
    let more = needs.len().saturating_sub(shown);
    if more > 0 {
        let all = ctx.command("banksyncd status");
        ctx.output.line(&format!("  and {more} more: `{all} | less`"))?;
    }
    Ok(())
}

fn print_service(service: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let now = ctx.now().wall;
    let mut facts = vec![format!("banksyncd {}", one_line(service.text_or_empty("version")))];
    facts.extend(service.number("pid").map(|pid| format!("pid {pid}")));
    let started = service.instant("started_at");
    facts.extend(started.map(|at| format!("up since {}", moment(&ctx.zone, now, at))));
    ctx.output.line("")?;
    ctx.output.line(&facts.join(", "))?;
    let plan = plan(service, now, ctx);
    if !plan.is_empty() {
        ctx.output.line(&plan)?;
    }
    if let Some(since) = service.instant("provider_unavailable_since") {
        let text = format!(
            "the provider has not answered since {}; the daemon tries again by itself",
            moment(&ctx.zone, now, since)
        );
        ctx.output.spans(&[(Style::Yellow, &text)])?;
    }
    if let Some(rows) = service.number("rows_not_understood").filter(|rows| *rows > 0) {
        let what = count(rows, "row");
        let command = ctx.command("banksyncd transactions --raw");
        let text =
            format!("{what} without a readable amount or date, kept and flagged: `{command}`");
        ctx.output.spans(&[(Style::Yellow, &text)])?;
    }
    let ours = env!("CARGO_PKG_VERSION");
    if service.text("version").is_some_and(|theirs| theirs != ours) {
        ctx.output.note(&format!(
            "hint: this command is version {ours}: restart the daemon with `systemctl restart banksyncd`"
        ));
    }
    Ok(())
}

/// When pulls are planned: `pulls at 13:00, 20:00, 2026-03-11 06:00, next in 65 min, stale after 26 h`.
fn plan(service: &Object, now: UtcInstant, ctx: &Ctx<'_>) -> String {
    let mut facts = Vec::new();
    let schedule = service.object("schedule").unwrap_or_default();
    let (mut slots, mut before) = (String::new(), ctx.zone.date(now));
    for at in schedule.texts("upcoming").into_iter().filter_map(UtcInstant::parse) {
        let local = ctx.zone.local(at);
        let date = ctx.zone.date(at);
        let slot = match local.split_once(' ') {
            Some((_date, time)) if date == before => time,
            _ => &local,
        };
        if slots.len().saturating_add(slot.len()) > SLOTS_COLUMNS_MAX {
            break;
        }
        slots.push_str(if slots.is_empty() { "pulls at " } else { ", " });
        slots.push_str(slot);
        before = date;
    }
    facts.extend(Some(slots).filter(|slots| !slots.is_empty()));
    let next = service.instant("next_pull_at");
    facts.extend(next.map(|at| {
        let pull = if facts.is_empty() { "next pull" } else { "next" };
        format!("{pull} {}", until(now, Some(at)))
    }));
    let freshness_h = schedule.number("freshness_s").map(freshness_hours);
    facts.extend(freshness_h.map(|hours| format!("stale after {hours} h")));
    facts.join(", ")
}

/// Whole hours of so many seconds.
fn freshness_hours(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND_MS).div_euclid(HOUR_MS)
}

/// The days of each account's balance, by its id. A daemon that has none to give, or is too old to know them, is no reason
/// to show nothing else.
async fn trends(ctx: &Ctx<'_>) -> BTreeMap<String, Vec<Option<Amount>>> {
    /// What is read of a line; most of `status` would be spent on the whole of it.
    #[derive(Deserialize)]
    struct Trend<'a> {
        account_id: String,
        #[serde(borrow)]
        days: Vec<Day<'a>>,
    }
    #[derive(Deserialize)]
    struct Day<'a> {
        amount: Option<&'a str>,
    }
    let mut trends = BTreeMap::new();
    let target = path(&["trend"]);
    let Ok(mut lines) = ctx.client.lines(Method::Get, &target, None, Patience::Short).await else {
        return trends;
    };
    while let Ok(Some(line)) = lines.next().await {
        let Ok(trend) = serde_json::from_slice::<Trend<'_>>(line) else { continue };
        let amounts = trend.days.iter().map(|day| day.amount.and_then(Amount::parse));
        trends.insert(trend.account_id, amounts.collect());
    }
    trends
}

fn print_accounts(
    service: &Object,
    mut accounts: Vec<Object>,
    trends: &BTreeMap<String, Vec<Option<Amount>>>,
    shown: usize,
    ctx: &mut Ctx<'_>,
) -> Result<(), CliError> {
    if accounts.is_empty() {
        let find = ctx.command("banksyncd institutions");
        let link = ctx.command("banksyncd link");
        return ctx
            .output
            .line(&format!("no accounts yet: `{find} NAME` finds a bank, `{link} ID` links it"));
    }
    let (links, quotas) = (service.objects("links"), service.objects("quota"));
    let fewest = fewest(&quotas);
    let now = ctx.now().wall;
    let schedule = service.object("schedule").unwrap_or_default();
    let freshness_ms = schedule.number("freshness_s").map(|s| s.saturating_mul(SECOND_MS));
    let late = |account: &Object| {
        let age = account.instant("last_synced_at").map(|at| now.since(at));
        is_on(account) && age.zip(freshness_ms).is_some_and(|(age, most)| age > most)
    };
    let names = told_apart(&accounts);
    if accounts.len() > shown {
        // What is not well is not what is left out.
        accounts.sort_by_key(|one| one.text("status") == Some("ready") && !late(one));
    }
    let mut columns = vec![
        Column::left("ACCOUNT").exactly(NAME_COLUMNS),
        Column::left("STATUS"),
        Column::left("SYNCED"),
        Column::left("CALLS"),
        Column::left("ACCESS"),
    ];
    columns.extend((!trends.is_empty()).then(|| Column::left("30 DAYS")));
    let mut table = Table::new(&columns).one_line_rows();
    for account in accounts.iter().take(shown) {
        let id = account.text_or_empty("id");
        let link = links.iter().find(|link| link.text("id") == account.text("link_id"));
        let mark = if late(account) { " !" } else { "" };
        let status = if is_on(account) { account.text_or_empty("status") } else { "off" };
        let mut cells = vec![
            names.get(id).cloned().unwrap_or_default(),
            one_line(status),
            format!("{}{mark}", ago(now, account.instant("last_synced_at"))),
            fewest.get(id).map_or_else(|| "-".to_owned(), |quota| calls(quota, now)),
            access(link.unwrap_or(account), BAR_CELLS, now),
        ];
        if !trends.is_empty() {
            let days = trends.get(id).map(Vec::as_slice).unwrap_or_default();
            cells.push(sparkline(days, TREND_CELLS));
        }
        table.row(&cells);
    }
    ctx.output.line("")?;
    table.print(&mut ctx.output)?;
    let more = accounts.len().saturating_sub(shown);
    if more > 0 {
        let all = ctx.command("banksyncd accounts");
        ctx.output.line(&format!("and {}: `{all}`", count(more, "more account")))?;
    }
    Ok(())
}

/// Whether it is pulled.
fn is_on(account: &Object) -> bool {
    account.flag("enabled") != Some(false)
}

/// The quota of each account's scope that has the fewest calls left, by the account's id.
fn fewest(quotas: &[Object]) -> BTreeMap<&str, &Object> {
    let mut fewest: BTreeMap<&str, &Object> = BTreeMap::new();
    for quota in quotas.iter().filter(|quota| quota.text("scope") != Some("details")) {
        let known = fewest.entry(quota.text_or_empty("account_id")).or_insert(quota);
        if quota.number("remaining") < known.number("remaining") {
            *known = quota;
        }
    }
    fewest
}

/// The calls left.
fn calls(quota: &Object, now: UtcInstant) -> String {
    let left = quota.number("remaining").unwrap_or_default();
    match quota.instant("next_allowed_at") {
        Some(at) if left == 0 => format!("0, {}", until(now, Some(at))),
        _ => format!("{left} of {}", quota.number("limit").unwrap_or_default()),
    }
}
