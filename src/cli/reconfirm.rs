//! `reconfirm`: the page on which a person confirms that access goes on, until when, and the outcome for each account.
//!
//! The daemon asks the provider for the page and goes on looking at it; this shows what is known when the provider has
//! answered. Typed again, it shows what the person has said since.

use super::accounts::told_apart;
use super::args::Reconfirm;
use super::client::{Patience, Whole, path};
use super::error::CliError;
use super::link::{URL_LOOKS_MAX, page, pause};
use super::object::Object;
use super::progress::Progress;
use super::table::{Column, Table};
use super::text::one_line;
use super::{ASKING, Code, Ctx, Method};
use crate::model::time::UtcInstant;

/// Asks the daemon for the page and shows it.
pub async fn run(args: &Reconfirm, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["links", &args.link, "reconfirm"]);
    let body = serde_json::json!({});
    let mut asked = ctx.wait_for(ASKING, (Method::Post, &target), Some(&body)).await?;
    let mut progress = Progress::new(&ctx.output);
    for _look in 0..URL_LOOKS_MAX {
        if asked.object.flag("asking") != Some(true) {
            break;
        }
        progress.show("asking the provider for its page", &mut ctx.output);
        if pause(ctx).await.is_break() {
            break;
        }
        asked = ctx.client.get(&target).await?;
    }
    progress.clear();
    if ctx.json {
        ctx.output.json(&asked.raw)?;
    } else {
        show(&asked, ctx).await?;
    }
    Ok(end(&asked.object, ctx))
}

/// The exit code, and what to do where there is no page.
fn end(asked: &Object, ctx: &mut Ctx<'_>) -> Code {
    if let Some(failure) = asked.text("failure") {
        let link = one_line(asked.text_or_empty("link_id"));
        let renew = ctx.command(&format!("banksyncd renew {link}"));
        ctx.output.error(&format!("error: {}\n\nhint: `{renew}`", one_line(failure)));
        return Code::Partial;
    }
    if asked.flag("asking") == Some(true) {
        ctx.output.note("the provider has not answered yet, and the daemon goes on asking");
        return Code::TempFail;
    }
    Code::Ok
}

async fn show(asked: &Whole, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let object = &asked.object;
    let bank = one_line(object.text_or_empty("institution_id"));
    ctx.output.line(&window(object, &bank, ctx))?;
    if let Some(url) = object.text("url") {
        ctx.output.line("")?;
        page("open this page to confirm:", url, ctx)?;
    }
    outcomes(object, ctx).await
}

/// Until when access has to be confirmed, and when it can be.
fn window(object: &Object, bank: &str, ctx: &Ctx<'_>) -> String {
    let days = ["due_at", "opens_at", "closes_at"].map(|field| object.instant(field));
    let [Some(due), Some(opens), Some(closes)] = days else {
        return format!("access to {bank} does not have to be confirmed any more before it ends");
    };
    let day = |at: UtcInstant| ctx.zone.date(at).to_string();
    let (until, now) = (day(due), ctx.now().wall);
    let then = if now < opens && object.text("url").is_none() {
        format!("that is possible from {} on", day(opens))
    } else {
        format!("after that there are no data until it is, which is possible until {}", day(closes))
    };
    format!("access to {bank} has to be confirmed until {until}; {then}")
}

/// What was said about each account.
async fn outcomes(object: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let accounts = ctx.list(&path(&["accounts"]), Patience::Short).await?;
    let names = told_apart(&accounts);
    let said = object.objects("accounts");
    if said.is_empty() {
        return Ok(());
    }
    let mut table =
        Table::new(&[Column::left("ACCOUNT"), Column::left("OUTCOME"), Column::left("WHEN")]);
    for one in &said {
        let known = one.text("account_id").and_then(|id| names.get(id)).cloned();
        let when = one.instant("at").map(|at| ctx.zone.date(at).to_string());
        table.row(&[
            known.unwrap_or_else(|| one_line(one.text_or_empty("provider_account_id"))),
            one_line(one.text_or_empty("outcome")),
            when.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    ctx.output.line("")?;
    table.print(&mut ctx.output)
}
