//! The story: a bank is linked and read, access is warned about, ends and is renewed, an account is suspended and healed.
//!
//! Whatever does not happen as told ends it with an error: nothing here is only printed.

use std::collections::BTreeSet;

use super::super::error::CliError;
use super::super::output::Style;
use super::super::table::{Column, Table};
use super::super::text::count;
use super::folder::Folder;
use super::not_as_told;
use super::stage::Stage;
use crate::exit::Code;
use crate::model::notice::EventCode;
use crate::model::time::DAY_MS;
use crate::observe::catalog::text;

/// The bank of the story: two accounts, well-behaved.
pub(super) const BANK: &str = "NORDLICHT_NOLIDEM1";

/// Access in the story, in days: long enough for a warning two weeks before its end.
const ACCESS_DAYS: u32 = 30;
/// Days before the end at which the first warning comes.
const FIRST_WARNING_DAYS: u32 = 14;
/// Days of transactions that are shown.
const SHOWN_DAYS: i64 = 6;

/// Tells all of it.
pub(super) async fn tell(stage: &mut Stage<'_>, folder: &Folder) -> Result<(), CliError> {
    opening(stage, folder)?;
    let accounts = link(stage).await?;
    look(stage, &accounts).await?;
    let link = expire(stage, &accounts).await?;
    renew(stage, &accounts, &link).await?;
    suspend(stage, &accounts).await?;
    heal(stage, &accounts).await
}

fn opening(stage: &mut Stage<'_>, folder: &Folder) -> Result<(), CliError> {
    stage.ctx.output.spans(&[(Style::Bold, "banksyncd demo: a month in a few seconds")])?;
    stage.say(
        "A real daemon with an encrypted database, and a bank of its own to talk to over HTTP. \
         No credentials, no root, no network. After `$` come commands as you would type them, \
         and below them what they print. Everything is in this folder:",
    )?;
    stage.lines(&[&format!("  {}", folder.path().display())])
}

/// Ids of all accounts.
async fn ids(stage: &Stage<'_>) -> Result<BTreeSet<String>, CliError> {
    let accounts = stage.accounts().await?;
    Ok(accounts.iter().filter_map(|account| account.text("id")).map(str::to_owned).collect())
}

async fn link(stage: &mut Stage<'_>) -> Result<BTreeSet<String>, CliError> {
    stage.act(
        "Link a bank",
        &format!(
            "You would open the bank's page and agree; here the bank's customer does it by itself. \
             Access never lasts for ever: we ask for {ACCESS_DAYS} days, to see its end soon."
        ),
    )?;
    stage.types("institutions nordlicht", Code::Ok).await?;
    let mark = stage.witness.mark();
    stage.types_and_agrees(&format!("link {BANK} --access-days {ACCESS_DAYS}")).await?;
    stage.comes(mark, &["link_created", "link_completed", "account_discovered"]).await?;
    let accounts = ids(stage).await?;
    stage.is_pulled(mark, &accounts).await?;
    Ok(accounts)
}

async fn look(stage: &mut Stage<'_>, accounts: &BTreeSet<String>) -> Result<(), CliError> {
    stage.act(
        "Look at the data",
        "The daemon has pulled both accounts by itself and stored what came. These commands ask \
         the daemon, not the bank: they cost no calls.",
    )?;
    stage.types("accounts", Code::Ok).await?;
    stage.types("balances", Code::Ok).await?;
    let since = stage.ctx.zone.date(stage.now().plus_ms(-SHOWN_DAYS * DAY_MS));
    stage.types(&format!("transactions --from {since} --pending"), Code::Ok).await?;
    stage.lines(&[""])?;
    stage.say("A pull can be asked for. Banks allow few calls a day, so every call is counted:")?;
    let mark = stage.witness.mark();
    stage.types("sync --wait", Code::Ok).await?;
    stage.types("quota", Code::Ok).await?;
    stage.is_pulled(mark, accounts).await
}

/// Access is warned about and ends, because nobody does anything. Gives the link's id.
async fn expire(stage: &mut Stage<'_>, accounts: &BTreeSet<String>) -> Result<String, CliError> {
    let quiet_days = ACCESS_DAYS.saturating_sub(FIRST_WARNING_DAYS);
    stage.act(
        "Access will end: a warning",
        &format!(
            "{quiet_days} days pass on the clock of this demo, with one pull a day. \
             {FIRST_WARNING_DAYS} days before access ends the daemon raises an event, and `status` \
             names the command that cures it."
        ),
    )?;
    let mark = stage.witness.mark();
    stage.days(quiet_days, accounts).await?;
    stage.comes(mark, &["access_expiring"]).await?;
    let (pulls, rows) = stage.harvest(mark);
    let rows = count(rows, "new transaction");
    stage.lines(&["", &format!("  {} completed, {rows}", count(pulls, "pull"))])?;
    stage.tells(mark)?;
    stage.types("status", Code::Partial).await?;

    stage.act(
        "Access ends",
        "Suppose that nobody acts. The warning comes again 7, 3 and 1 days before the end. Then \
         the daemon stops asking the bank; what is stored stays.",
    )?;
    let mark = stage.witness.mark();
    stage.days(FIRST_WARNING_DAYS.saturating_sub(1), accounts).await?;
    stage.day();
    stage.comes(mark, &["access_expiring", "access_expired"]).await?;
    stage.tells(mark)?;
    stage.types("status", Code::Partial).await?;
    link_of(stage).await
}

/// The link that the accounts depend on.
async fn link_of(stage: &Stage<'_>) -> Result<String, CliError> {
    let accounts = stage.accounts().await?;
    let link = accounts.first().and_then(|account| account.text("link_id"));
    link.map(str::to_owned).ok_or_else(|| not_as_told("the accounts have a link"))
}

async fn renew(
    stage: &mut Stage<'_>,
    accounts: &BTreeSet<String>,
    link: &str,
) -> Result<(), CliError> {
    stage.act(
        "Renew it",
        "The command that `status` named makes a successor. Once the person has agreed again, the \
         same accounts go on under the same ids, with their history.",
    )?;
    let mark = stage.witness.mark();
    stage.types_and_agrees(&format!("renew {link}")).await?;
    stage.comes(mark, &["access_renewed", "link_replaced"]).await?;
    stage.is_pulled(mark, accounts).await?;
    stage.tells(mark)?;
    if ids(stage).await? != *accounts {
        return Err(not_as_told("the accounts keep their ids"));
    }
    stage.types("links", Code::Ok).await?;
    stage.types("status", Code::Ok).await
}

async fn suspend(stage: &mut Stage<'_>, accounts: &BTreeSet<String>) -> Result<(), CliError> {
    stage.act(
        "The provider suspends an account",
        "It does so after ten failed calls in a row. The daemon pauses an account after three, so \
         that it never comes to that; here the provider is told to do it all the same. The other \
         account goes on.",
    )?;
    let listed = stage.accounts().await?;
    let [.., last] = listed.as_slice() else {
        return Err(not_as_told("there is an account to suspend"));
    };
    let handle = last.text_or_empty("provider_account_id");
    let suspended = stage.bank.with(|world, now| world.suspend(handle, now));
    suspended.map_err(|_refused| not_as_told("the provider suspends an account"))?;
    let mut others = accounts.clone();
    others.remove(last.text_or_empty("id"));
    let mark = stage.witness.mark();
    stage.day();
    stage.comes(mark, &["account_suspended"]).await?;
    stage.is_pulled(mark, &others).await?;
    stage.tells(mark)?;
    stage.types("status", Code::Partial).await?;
    stage.types("events --code account_suspended", Code::Ok).await
}

async fn heal(stage: &mut Stage<'_>, accounts: &BTreeSet<String>) -> Result<(), CliError> {
    stage.act("Heal it", "Only a new link heals that: it is the same command once more.")?;
    let link = link_of(stage).await?;
    let mark = stage.witness.mark();
    stage.types_and_agrees(&format!("renew {link}")).await?;
    stage.comes(mark, &["access_renewed", "link_replaced"]).await?;
    stage.is_pulled(mark, accounts).await?;
    stage.tells(mark)?;
    stage.types("status", Code::Ok).await?;
    stage.types("verify", Code::Ok).await
}

/// After the daemon has ended: every event of the story, and what to try next.
pub(super) fn curtain(stage: &mut Stage<'_>, folder: &Folder) -> Result<(), CliError> {
    stage.act(
        "What happened",
        "Every event of the story; they are in the database and in the log.",
    )?;
    stage.lines(&[""])?;
    let mut table = Table::new(&[
        Column::left("EVENT"),
        Column::left("LEVEL"),
        Column::right("TIMES"),
        Column::left("WHAT"),
    ]);
    for code in EventCode::ALL {
        let seen = stage.witness.seen().iter();
        let times = seen.filter(|event| event.code() == code.as_str()).count();
        if times > 0 {
            let level = code.level().as_str();
            let what = text(*code).title.to_owned();
            table.row(&[code.as_str().to_owned(), level.to_owned(), times.to_string(), what]);
        }
    }
    table.print(&mut stage.ctx.output)?;
    stage.lines(&[""])?;
    let end = if folder.is_temporary() {
        "The daemon has stopped in good order, and its folder goes away."
    } else {
        "The daemon has stopped in good order; the folder stays."
    };
    let (seconds, tenths) = tenths(stage.real_ms());
    stage.say(&format!("{end} All of it took {seconds}.{tenths} seconds. To go on:"))?;
    stage.lines(&[
        "",
        "  banksyncd demo --serve       bank and daemon stay up, for your own commands",
        "  banksyncd demo --keep DIR    keeps config, database and log",
        "  banksyncd --help             every command",
    ])
}

/// Seconds and their tenths.
fn tenths(ms: i64) -> (i64, i64) {
    let tenths = ms.checked_div(100).unwrap_or_default();
    (tenths.checked_div(10).unwrap_or_default(), tenths.checked_rem(10).unwrap_or_default())
}
