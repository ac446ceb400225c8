//! `forget`: erases everything of an account, after asking.

use super::args::Forget;
use super::client::path;
use super::error::CliError;
use super::text::{count, one_line};
use super::{Code, Ctx, Method};

/// Erases an account.
pub async fn run(args: &Forget, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["accounts", &args.account]);
    if !args.yes {
        ctx.can_ask("forget")?;
        let account = ctx.client.get(&target).await?.object;
        let known_as: Vec<String> = ["nickname", "iban", "name", "institution_id"]
            .into_iter()
            .filter_map(|member| account.text(member).map(one_line))
            .collect();
        let question = format!(
            "erase {} ({}) with all its transactions and balances, for good? [y/N] ",
            one_line(account.text_or_empty("id")),
            known_as.join(", "),
        );
        if !ctx.agreed(&question)? {
            return Ok(Code::Partial);
        }
    }
    let answer = ctx.wait_for("erasing", (Method::Delete, &target), None).await?;
    if ctx.json {
        ctx.output.json(&answer.raw)?;
        return Ok(Code::Ok);
    }
    let forgotten = &answer.object;
    let link = one_line(forgotten.text_or_empty("link_id"));
    ctx.output.line(&format!(
        "{} is forgotten: nothing of it is left in the database",
        one_line(forgotten.text_or_empty("id"))
    ))?;
    if forgotten.flag("link_ended") == Some(true) {
        ctx.output.line(&format!("{link} is ended: no other account goes by it"))?;
    } else {
        let others = count(forgotten.number("link_accounts").unwrap_or_default(), "other account");
        ctx.output.line(&format!("{link} goes on for {others}"))?;
    }
    ctx.output.note(
        "backups and exports that were made before still have it, and `restore` brings it back: delete those that you do not need",
    );
    Ok(Code::Ok)
}
