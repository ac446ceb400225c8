//! `sync`: asks for a pull now; with `--wait` tells what became of each account.

use super::accounts::{labels, name_of};
use super::args::Sync;
use super::client::{Patience, path};
use super::error::CliError;
use super::object::Object;
use super::progress::Progress;
use super::text::{count, moment, one_line, until};
use super::{Code, Ctx, Method};
use crate::model::time::UtcInstant;

/// Asks for a pull. [`Code::Partial`] if an account failed, [`Code::TempFail`] if every account was left out until later.
pub async fn run(args: &Sync, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let labels = if ctx.json { std::collections::BTreeMap::new() } else { labels(ctx).await? };
    let body = serde_json::json!({
        "accounts": args.accounts,
        "force": args.force,
        "wait": args.wait,
    });
    let target = path(&["sync"]);
    let mut lines = ctx.client.lines(Method::Post, &target, Some(&body), Patience::Endless).await?;
    let mut tally = Tally::default();
    loop {
        let line = Progress::during("waiting for the banks", ctx.output.is_watched(), lines.next())
            .await?;
        let Some(line) = line else { break };
        let result = Object::parse(line)?;
        tally.add(&result);
        if ctx.json {
            ctx.output.json(line)?;
        } else {
            print(&name_of(&labels, &result), &result, ctx)?;
        }
        ctx.output.flush()?;
    }
    if !ctx.json && tally.accounts == 0 {
        let text = if args.wait { "no accounts to pull" } else { "asked for a pull" };
        ctx.output.line(text)?;
    }
    let code = tally.code(if args.wait { tally.accounts } else { asked(args, ctx).await? });
    if code == Code::TempFail
        && let Some(at) = tally.allowed_at
    {
        let now = ctx.now().wall;
        let when = moment(&ctx.zone, now, at);
        ctx.output.error(&format!("no calls are left until {when} ({})", until(now, Some(at))));
    }
    Ok(code)
}

/// How many accounts were asked for. Without `--wait` only those that are left out are told, so they have to be counted.
async fn asked(args: &Sync, ctx: &Ctx<'_>) -> Result<usize, CliError> {
    if !args.accounts.is_empty() {
        return Ok(args.accounts.len());
    }
    let accounts = ctx.list(&path(&["accounts"]), Patience::Short).await?;
    Ok(accounts.iter().filter(|account| account.flag("enabled") != Some(false)).count())
}

/// What became of all of them.
#[derive(Debug, Default)]
struct Tally {
    accounts: usize,
    failed: usize,
    left_out: usize,
    later: usize,
    allowed_at: Option<UtcInstant>,
}

impl Tally {
    fn add(&mut self, result: &Object) {
        self.accounts = self.accounts.saturating_add(1);
        match result.text("outcome") {
            Some("failed") => self.failed = self.failed.saturating_add(1),
            Some("skipped") => {
                self.left_out = self.left_out.saturating_add(1);
                if let Some(at) = result.instant("next_allowed_at") {
                    self.later = self.later.saturating_add(1);
                    self.allowed_at = Some(self.allowed_at.map_or(at, |first| first.min(at)));
                }
            }
            _ => {}
        }
    }

    /// Left out until later is a temporary failure if nothing else was done for the `asked` accounts; an account that was
    /// left out for good (suspended, paused without `--force`) needs a person.
    fn code(&self, asked: usize) -> Code {
        if self.later > 0 && self.later >= asked {
            Code::TempFail
        } else if self.failed > 0 || self.left_out > 0 {
            Code::Partial
        } else {
            Code::Ok
        }
    }
}

fn print(name: &str, result: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let now = ctx.now().wall;
    let rows = |field| result.number(field).unwrap_or_default();
    let outcome = one_line(result.text_or_empty("outcome"));
    let mut facts = vec![format!("{name}: {outcome}")];
    if outcome == "pulled" {
        facts.push(format!("{} added", count(rows("rows_added"), "row")));
        facts.push(format!("{} changed", rows("rows_changed")));
    }
    facts.extend(result.text("reason").map(one_line));
    if let Some(at) = result.instant("next_allowed_at").filter(|at| *at > now) {
        let when = moment(&ctx.zone, now, at);
        facts.push(format!("next call allowed at {when} ({})", until(now, Some(at))));
    }
    ctx.output.line(&facts.join(", "))
}
