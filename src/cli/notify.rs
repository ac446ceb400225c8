//! `notify`: who is told of events and how that goes; `notify test` sends each target a message and says whether it took it.

use serde_json::json;

use super::args::{Notify, NotifyVerb};
use super::client::{Patience, path};
use super::error::CliError;
use super::object::Object;
use super::table::{Column, Table};
use super::text::{count, moment, one_line};
use super::{Code, Ctx, Method};

/// What is said where there are none.
const NOBODY: &str = "nobody is told: the configuration has no `[[notify]]`";

/// Lists targets, or tries them. [`Code::Partial`] if a target did not take its message.
pub async fn run(args: &Notify, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    match &args.verb {
        None => list(ctx).await,
        Some(NotifyVerb::Test(wish)) => test(wish.target.as_deref(), ctx).await,
    }
}

async fn list(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["notify"]);
    if ctx.json {
        return ctx.pass(&target, Patience::Short).await;
    }
    let targets = ctx.list(&target, Patience::Short).await?;
    if targets.is_empty() {
        ctx.output.line(NOBODY)?;
        return Ok(Code::Ok);
    }
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("TARGET").whole(),
        Column::left("TYPE"),
        Column::left("WAITING"),
        Column::left("STATE"),
    ]);
    for target in &targets {
        let waiting = target.number("waiting").unwrap_or_default();
        let state = match (target.instant("failing_since"), target.instant("taken_at")) {
            (Some(since), _) => format!("fails since {}", moment(&ctx.zone, now, since)),
            (None, Some(at)) => format!("took one {}", moment(&ctx.zone, now, at)),
            (None, None) => "nothing sent yet".to_owned(),
        };
        table.row(&[
            one_line(target.text_or_empty("name")),
            one_line(target.text_or_empty("type")),
            waiting.to_string(),
            state,
        ]);
    }
    table.print(&mut ctx.output)?;
    for target in targets.iter().filter(|target| target.text("reason").is_some()) {
        let name = one_line(target.text_or_empty("name"));
        tell(&name, target, ctx)?;
    }
    Ok(Code::Ok)
}

async fn test(target: Option<&str>, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let wish = json!({ "target": target });
    let target = path(&["notify", "test"]);
    let mut lines = ctx.client.lines(Method::Post, &target, Some(&wish), Patience::Endless).await?;
    let (mut tried, mut failed): (usize, usize) = (0, 0);
    while let Some(line) = lines.next().await? {
        let result = Object::parse(line)?;
        tried = tried.saturating_add(1);
        let ok = result.flag("ok") == Some(true);
        failed = failed.saturating_add(usize::from(!ok));
        if ctx.json {
            ctx.output.json(line)?;
        } else {
            let name = one_line(result.text_or_empty("name"));
            if ok {
                ctx.output.line(&format!("{name}: took the message"))?;
            } else {
                tell(&name, &result, ctx)?;
            }
        }
        ctx.output.flush()?;
    }
    if tried == 0 && !ctx.json {
        ctx.output.line(NOBODY)?;
    }
    if failed > 0 && !ctx.json {
        ctx.output
            .error(&format!("{} of {tried} did not take the message", count(failed, "target")));
    }
    Ok(if failed > 0 { Code::Partial } else { Code::Ok })
}

/// Why a target did not take a message, and what a program printed.
fn tell(name: &str, result: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    ctx.output.line(&format!("{name}: {}", one_line(result.text_or_empty("reason"))))?;
    for line in result.text_or_empty("output").lines() {
        ctx.output.line(&format!("    {}", one_line(line)))?;
    }
    Ok(())
}
