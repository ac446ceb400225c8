//! `unlink`: ends a link at the provider, after asking. What is stored stays.

use super::args::Unlink;
use super::client::path;
use super::error::CliError;
use super::text::{count, one_line};
use super::{ASKING, Code, Ctx, Method};

/// Ends a link.
pub async fn run(args: &Unlink, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["links", &args.link]);
    if !args.yes {
        ctx.can_ask("unlink")?;
        let link = ctx.client.get(&target).await?.object;
        let question = format!(
            "end {} with {} ({})? stored data stays [y/N] ",
            one_line(link.text_or_empty("id")),
            one_line(link.text_or_empty("institution_id")),
            count(link.texts("accounts").len(), "account"),
        );
        if !ctx.agreed(&question)? {
            return Ok(Code::Partial);
        }
    }
    let ended = ctx.wait_for(ASKING, (Method::Delete, &target), None).await?;
    if ctx.json {
        ctx.output.json(&ended.raw)?;
    } else {
        let link = &ended.object;
        ctx.output.line(&format!(
            "{} with {} is ended: no more calls are made through it",
            one_line(link.text_or_empty("id")),
            one_line(link.text_or_empty("institution_id")),
        ))?;
    }
    Ok(Code::Ok)
}
