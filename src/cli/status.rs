//! `status`: is it fine, and if not, what to type. One screen; the exit code says the same.

use super::accounts::told_apart;
use super::client::path;
use super::error::CliError;
use super::links::access;
use super::object::Object;
use super::output::Style;
use super::table::{Column, Table};
use super::text::{ago, moment, one_line, until};
use super::{Code, Ctx};
use crate::model::time::UtcInstant;

/// Shows the status; [`Code::Partial`] if something needs a person.
pub async fn run(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let whole = ctx.client.get(&path(&["status"])).await?;
    let needs = whole.object.objects("needs");
    if ctx.json {
        ctx.output.json(&whole.raw)?;
    } else {
        print_needs(&needs, ctx)?;
        print_service(&whole.object, ctx)?;
        print_accounts(&whole.object, ctx)?;
    }
    Ok(if needs.is_empty() { Code::Ok } else { Code::Partial })
}

fn print_needs(needs: &[Object], ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    if needs.is_empty() {
        return ctx.output.spans(&[(Style::Green, "nothing needs you")]);
    }
    ctx.output.spans(&[(Style::Red, "needs you:")])?;
    for need in needs {
        ctx.output.line(&format!("  {}", one_line(need.text_or_empty("message"))))?;
        let command = need.text_or_empty("command");
        if command.starts_with("https://") || command.starts_with("http://") {
            ctx.output.url(&format!("  {}", one_line(command)))?;
        } else if !command.is_empty() {
            let command = ctx.command(&one_line(command));
            ctx.output.spans(&[(Style::Plain, "    "), (Style::Bold, &command)])?;
        }
    }
    Ok(())
}

fn print_service(service: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let now = ctx.now().wall;
    let mut facts = vec![format!("banksyncd {}", one_line(service.text_or_empty("version")))];
    facts.extend(service.number("pid").map(|pid| format!("pid {pid}")));
    let started = service.instant("started_at");
    facts.extend(started.map(|at| format!("up since {}", moment(&ctx.zone, now, at))));
    let next = service.instant("next_pull_at");
    facts.extend(next.map(|at| format!("next pull {}", until(now, Some(at)))));
    ctx.output.line("")?;
    ctx.output.line(&facts.join(", "))?;
    if let Some(since) = service.instant("provider_unavailable_since") {
        let text = format!(
            "the provider has not answered since {}; the daemon tries again by itself",
            moment(&ctx.zone, now, since)
        );
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

fn print_accounts(service: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let accounts = service.objects("accounts");
    if accounts.is_empty() {
        let find = ctx.command("banksyncd institutions");
        let link = ctx.command("banksyncd link");
        return ctx
            .output
            .line(&format!("no accounts yet: `{find} NAME` finds a bank, `{link} ID` links it"));
    }
    let (links, quotas) = (service.objects("links"), service.objects("quota"));
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("ACCOUNT"),
        Column::left("STATUS"),
        Column::left("SYNCED"),
        Column::left("NEXT"),
        Column::left("CALLS"),
        Column::left("ACCESS"),
    ]);
    let names = told_apart(&accounts);
    for account in &accounts {
        let name = names.get(account.text_or_empty("id")).cloned().unwrap_or_default();
        let link = links.iter().find(|link| link.text("id") == account.text("link_id"));
        table.row(&[
            name,
            one_line(account.text_or_empty("status")),
            ago(now, account.instant("last_synced_at")),
            until(now, account.instant("next_pull_at")),
            calls(account, &quotas, now),
            access(link.unwrap_or(account), now),
        ]);
    }
    ctx.output.line("")?;
    table.print(&mut ctx.output)
}

/// The calls left of the scope that has the fewest.
fn calls(account: &Object, quotas: &[Object], now: UtcInstant) -> String {
    let of_account = quotas.iter().filter(|quota| {
        quota.text("account_id") == account.text("id") && quota.text("scope") != Some("details")
    });
    let Some(fewest) = of_account.min_by_key(|quota| quota.number("remaining")) else {
        return "-".to_owned();
    };
    let left = fewest.number("remaining").unwrap_or_default();
    match fewest.instant("next_allowed_at") {
        Some(at) if left == 0 => format!("0, {}", until(now, Some(at))),
        _ => format!("{left} of {}", fewest.number("limit").unwrap_or_default()),
    }
}
