//! `balances`: what is on the accounts, by the bank's own kinds of balance; none is preferred.

use super::accounts::{labels, name_of};
use super::args::Balances;
use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::table::{Column, Table};
use super::text::{ago, one_line};
use super::{Code, Ctx};

/// Lists balances.
pub async fn run(args: &Balances, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = with_query(
        &path(&["balances"]),
        &[("account", args.account.as_deref()), ("history", args.history.then_some("1"))],
    );
    if ctx.json {
        return ctx.pass(&target, Patience::Short).await;
    }
    let labels = labels(ctx).await?;
    let mut lines = ctx.client.lines(super::Method::Get, &target, None, Patience::Short).await?;
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("ACCOUNT").at_least(12),
        Column::left("BALANCE").at_least(16),
        Column::right("AMOUNT").at_least(12),
        Column::left("").at_least(3),
        Column::left("ON").at_least(10),
        Column::left("READ"),
    ]);
    let mut any = false;
    while let Some(line) = lines.next().await? {
        any = true;
        let balance = super::object::Object::parse(line)?;
        let read = match balance.instant("fetched_at") {
            Some(at) if args.history => ctx.zone.local(at),
            at => ago(now, at),
        };
        let cells = [
            name_of(&labels, &balance),
            one_line(balance.text_or_empty("balance_type")),
            one_line(balance.text("amount").unwrap_or("?")),
            one_line(balance.text_or_empty("currency")),
            one_line(balance.text("reference_date").unwrap_or("-")),
            read,
        ];
        table.pour(&cells, &mut ctx.output)?;
    }
    if !any {
        ctx.output.line("no balances yet")?;
        return Ok(Code::Ok);
    }
    table.print(&mut ctx.output)?;
    Ok(Code::Ok)
}
