//! `link`: shows a person the bank's consent page and waits until they are done there.
//!
//! The daemon does the linking and polls the provider; this only watches. Ctrl-C therefore breaks nothing: the link stays
//! pending. It ends with 75 then ("try later"), since the link was neither made (0) nor refused (1).

use super::args::Link;
use super::client::{Patience, Whole, path, with_query};
use super::error::CliError;
use super::object::Object;
use super::output::Style;
use super::progress::Progress;
use super::text::{count, one_line};
use super::{ASKING, Code, Ctx, Method, accounts, qr};
use crate::model::time::{SECOND_MS, UtcInstant};

/// Between two looks at a link.
const LOOK_EVERY_MS: i64 = SECOND_MS;

/// How long `--no-wait` waits for the URL, in looks: the provider answers within seconds, or is down.
pub(super) const URL_LOOKS_MAX: u32 = 60;

/// How long the accounts of a link are waited for, in looks; the daemon goes on without us.
const IDENTIFYING_LOOKS_MAX: u32 = 30;

/// How long the first sync is watched, in looks; it goes on without us.
const SYNC_LOOKS_MAX: u32 = 180;

/// Asks for a link and accompanies it.
pub async fn run(args: &Link, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let mut body = serde_json::Map::new();
    body.insert("institution".to_owned(), args.institution.clone().into());
    for (field, days) in [("history_days", args.history_days), ("access_days", args.access_days)] {
        if let Some(days) = days {
            body.insert(field.to_owned(), days.into());
        }
    }
    let body = serde_json::Value::Object(body);
    let target = path(&["links"]);
    if !ctx.json {
        introduce(&args.institution, ctx).await?;
    }
    let asked = ctx.wait_for(ASKING, (Method::Post, &target), Some(&body)).await?;
    accompany(asked, args.no_wait, ctx).await
}

/// Says what the bank gives at most, before anything is asked for. If that cannot be told, neither can anything be asked
/// for, and the answer to that says why.
async fn introduce(institution: &str, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let target = path(&["institutions", institution]);
    let Ok(bank) = ctx.wait_for(ASKING, (Method::Get, &target), None).await else { return Ok(()) };
    let days = |field: &str| match bank.object.number(field) {
        Some(days) => format!("{days} days"),
        None => "an unknown time".to_owned(),
    };
    ctx.output.line(&format!(
        "{} gives at most {} of history and {} of access",
        one_line(bank.object.text("name").unwrap_or(institution)),
        days("transaction_total_days"),
        days("max_access_valid_for_days"),
    ))
}

/// The terms of a link: `90 days of history, 180 days of access`.
fn terms(link: &Object) -> String {
    let days = |field| link.number(field).unwrap_or_default();
    format!("{} days of history, {} days of access", days("history_days"), days("access_days"))
}

/// How waiting ended.
enum Waited {
    /// The link changed as hoped for, or is over.
    Seen(Whole),
    /// Ctrl-C, or too long.
    Left(Whole),
}

/// Shows a new link's URL, waits until it is linked or over, and shows what it opened.
pub(super) async fn accompany(
    asked: Whole,
    no_wait: bool,
    ctx: &mut Ctx<'_>,
) -> Result<Code, CliError> {
    let asked_for = terms(&asked.object);
    if !ctx.json && !is_over(&asked.object) {
        ctx.output.line(&format!("asked for: {asked_for}"))?;
        ctx.output.flush()?;
    }
    let mut progress = Progress::new(&ctx.output);
    let looks_max = if no_wait { Some(URL_LOOKS_MAX) } else { None };
    let has_url = |link: &Object| link.text("url").is_some();
    let shown = match wait(asked, &mut progress, ctx, looks_max, has_url).await? {
        Waited::Seen(link) => link,
        Waited::Left(link) => return leave(&link, &mut progress, ctx),
    };
    progress.clear();
    if has_url(&shown.object) {
        show(&shown, &asked_for, ctx)?;
    }
    if no_wait || is_over(&shown.object) {
        return finish(&shown, no_wait, ctx).await;
    }
    if !ctx.json {
        ctx.output.note("Ctrl-C leaves it pending");
    }
    match wait(shown, &mut progress, ctx, None, |_link| false).await? {
        Waited::Seen(link) => {
            let link = identified(link, &mut progress, ctx).await?;
            progress.clear();
            finish(&link, false, ctx).await
        }
        Waited::Left(link) => leave(&link, &mut progress, ctx),
    }
}

/// Looks at the link until `enough`, or until it is over.
async fn wait(
    mut link: Whole,
    progress: &mut Progress,
    ctx: &mut Ctx<'_>,
    looks_max: Option<u32>,
    enough: impl Fn(&Object) -> bool,
) -> Result<Waited, CliError> {
    let target = path(&["links", link.object.text_or_empty("id")]);
    let mut looks: u32 = 0;
    loop {
        if enough(&link.object) || is_over(&link.object) {
            return Ok(Waited::Seen(link));
        }
        if looks_max.is_some_and(|most| looks >= most) {
            return Ok(Waited::Left(link));
        }
        progress.show(state(&link.object), &mut ctx.output);
        if pause(ctx).await.is_break() {
            return Ok(Waited::Left(link));
        }
        link = ctx.client.get(&target).await?;
        looks = looks.saturating_add(1);
    }
}

/// Waits until the daemon knows which accounts the link opened; a bank that is slow to tell is not waited for long.
async fn identified(
    mut link: Whole,
    progress: &mut Progress,
    ctx: &mut Ctx<'_>,
) -> Result<Whole, CliError> {
    let target = path(&["links", link.object.text_or_empty("id")]);
    for _look in 0..IDENTIFYING_LOOKS_MAX {
        if link.object.number("identifying").unwrap_or_default() == 0 {
            break;
        }
        progress.show("finding out which accounts these are", &mut ctx.output);
        if pause(ctx).await.is_break() {
            break;
        }
        link = ctx.client.get(&target).await?;
    }
    Ok(link)
}

/// Waits for the next look, or for Ctrl-C.
pub(super) async fn pause(ctx: &mut Ctx<'_>) -> std::ops::ControlFlow<()> {
    let end = ctx.now().mono_ms.saturating_add(LOOK_EVERY_MS);
    tokio::select! {
        biased;
        () = &mut ctx.interrupt => {
            // Whoever waits next is not to wait either; a future that has ended is not asked again.
            ctx.interrupt = Box::pin(std::future::ready(()));
            std::ops::ControlFlow::Break(())
        }
        () = ctx.clock.sleep_until(end) => std::ops::ControlFlow::Continue(()),
    }
}

/// Whether nothing more will come of waiting: linked, or not to be linked any more.
fn is_over(link: &Object) -> bool {
    !matches!(link.text_or_empty("status"), "created" | "authenticating" | "unknown")
}

fn state(link: &Object) -> &'static str {
    match (link.text_or_empty("status"), link.text("url")) {
        ("created", None) => "asking the provider for the bank's page",
        ("created", Some(_url)) => "waiting for you to open the page",
        ("authenticating", _) => "waiting for you at the bank",
        _ => "waiting",
    }
}

/// Prints what the bank takes of what was asked for, and the page.
fn show(link: &Whole, asked_for: &str, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    if ctx.json {
        ctx.output.json(&link.raw)?;
        return ctx.output.flush();
    }
    let object = &link.object;
    let given = terms(object);
    if given != asked_for {
        ctx.output.line(&format!("the bank takes: {given}"))?;
    }
    let bank = one_line(object.text_or_empty("institution_id"));
    page(&format!("open this page to give access to {bank}:"), object.text_or_empty("url"), ctx)
}

/// Prints the address of a page, as a QR code too where a person can point a phone at it. The code comes last, so that it is
/// on the screen as a whole while the person is waited for.
pub(super) fn page(lead: &str, url: &str, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    ctx.output.line(lead)?;
    ctx.output.line("")?;
    ctx.output.url(url)?;
    ctx.output.line("")?;
    if ctx.output.terminal.output {
        for line in qr::lines(url, ctx.output.terminal.width) {
            ctx.output.spans(&[(Style::Inverse, &line)])?;
        }
    }
    ctx.output.flush()
}

/// Left pending by Ctrl-C, or because the provider gives no URL for too long.
fn leave(link: &Whole, progress: &mut Progress, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    progress.clear();
    if ctx.json && link.object.text("url").is_none() {
        ctx.output.json(&link.raw)?;
    }
    let id = one_line(link.object.text_or_empty("id"));
    let (see, end) = (ctx.command("banksyncd links"), ctx.command("banksyncd unlink"));
    let why = match link.object.text("url") {
        Some(_url) => "the page can still be opened, and the daemon goes on watching",
        None => "the provider has given no page yet, and the daemon goes on asking",
    };
    ctx.output.note(&format!(
        "{id} stays pending: {why}\n\nhint: see it with `{see}`, give it up with `{end} {id}`"
    ));
    Ok(Code::TempFail)
}

/// The end: what was opened, or why not.
async fn finish(link: &Whole, no_wait: bool, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let status = link.object.text_or_empty("status");
    let id = one_line(link.object.text_or_empty("id"));
    if !is_over(&link.object) {
        debug_assert!(no_wait, "a pending link ends the verb only when nobody waits");
        let see = ctx.command("banksyncd links");
        ctx.output.note(&format!("{id} waits for you; see it with `{see}`"));
        return Ok(Code::Ok);
    }
    if ctx.json {
        ctx.output.json(&link.raw)?;
    }
    // A successor that has already been replaced, or run out, was linked before.
    if matches!(status, "rejected" | "abandoned" | "revoked" | "suspended" | "expired") {
        let why = link.object.text("failure").map(|why| format!(": {}", one_line(why)));
        let bank = one_line(link.object.text_or_empty("institution_id"));
        let again = match link.object.text("replaces") {
            Some(renewed) => ctx.command(&format!("banksyncd renew {}", one_line(renewed))),
            None => ctx.command(&format!("banksyncd link {bank}")),
        };
        ctx.output.error(&format!(
            "error: {id} is {}{}\n\nhint: try again with `{again}`",
            one_line(status),
            why.unwrap_or_default(),
        ));
        return Ok(Code::Partial);
    }
    if !ctx.json {
        opened(&link.object, ctx).await?;
    }
    Ok(Code::Ok)
}

/// Shows the accounts that a link opened and, where a person watches, their first sync.
async fn opened(link: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let end = link.instant("access_expires_at");
    let until = end.map(|end| format!(" until {}", ctx.zone.date(end))).unwrap_or_default();
    let bank = one_line(link.text_or_empty("institution_id"));
    let number = link.texts("accounts").len();
    ctx.output.line(&format!("linked {bank}{until}, {}", count(number, "account")))?;
    ctx.output.flush()?;
    if link.text("history_link").is_some() {
        let see = ctx.command("banksyncd status");
        ctx.output.note(&format!(
            "this bank gives the longer history through a second visit: `{see}` shows its page"
        ));
    }
    let accounts = if ctx.output.terminal.error && !ctx.output.quiet {
        first_sync(link, ctx).await?
    } else {
        of_link(link, ctx).await?
    };
    if accounts.is_empty() {
        return Ok(());
    }
    accounts::print(&accounts, ctx)?;
    let labels = accounts::told_apart(&accounts);
    let since = since(link);
    for account in accounts.iter().filter(|one| is_pulled(one, since)) {
        let id = account.text_or_empty("id");
        let label = labels.get(id).map_or(id, String::as_str);
        let brought = brought(id, ctx).await?;
        ctx.output.line(&format!("{label}: {brought}"))?;
    }
    Ok(())
}

/// What the first sync brought: `312 transactions since 2025-08-25`.
async fn brought(account: &str, ctx: &Ctx<'_>) -> Result<String, CliError> {
    let target =
        with_query(&path(&["transactions"]), &[("account", Some(account)), ("pending", Some("1"))]);
    let mut lines = ctx.client.lines(Method::Get, &target, None, Patience::Endless).await?;
    // In the order of their dates.
    let (mut number, mut since) = (0_usize, None);
    while let Some(line) = lines.next().await? {
        if number == 0 {
            let first = Object::parse(line)?;
            let date = first.text("booking_date").or_else(|| first.text("value_date"));
            since = date.map(one_line);
        }
        number = number.saturating_add(1);
    }
    let since = since.map(|date| format!(" since {date}")).unwrap_or_default();
    Ok(format!("{}{since}", count(number, "transaction")))
}

async fn of_link(link: &Object, ctx: &Ctx<'_>) -> Result<Vec<Object>, CliError> {
    let mut accounts = ctx.list(&path(&["accounts"]), Patience::Short).await?;
    let opened = link.texts("accounts");
    accounts.retain(|account| account.text("id").is_some_and(|id| opened.contains(&id)));
    Ok(accounts)
}

/// Since when pulls go through this link.
fn since(link: &Object) -> Option<UtcInstant> {
    link.instant("accepted_at").or_else(|| link.instant("created_at"))
}

fn is_pulled(account: &Object, since: Option<UtcInstant>) -> bool {
    account.instant("last_synced_at").is_some_and(|at| Some(at) >= since)
}

async fn first_sync(link: &Object, ctx: &mut Ctx<'_>) -> Result<Vec<Object>, CliError> {
    let mut progress = Progress::new(&ctx.output);
    let since = since(link);
    let done = |account: &Object| {
        let waiting = matches!(account.text_or_empty("status"), "ready" | "processing");
        account.flag("enabled") == Some(false) || !waiting || is_pulled(account, since)
    };
    let mut accounts = of_link(link, ctx).await?;
    for _look in 0..SYNC_LOOKS_MAX {
        let ready = accounts.iter().filter(|account| done(account)).count();
        if ready == accounts.len() && accounts.len() >= link.texts("accounts").len() {
            break;
        }
        let whole = accounts.len().max(link.texts("accounts").len());
        progress.part(ready, whole, "accounts pulled for the first time");
        if pause(ctx).await.is_break() {
            break;
        }
        accounts = of_link(link, ctx).await?;
    }
    progress.clear();
    Ok(accounts)
}
