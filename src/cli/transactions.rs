//! `transactions`: the rows, streamed; a million of them take no more memory than a screenful.

use std::collections::BTreeMap;

use super::accounts::{labels, name_of};
use super::args::Transactions;
use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::object::Object;
use super::table::{Column, Table};
use super::text::one_line;
use super::{Code, Ctx};

/// What someone is told who asks for the bank's row in a table.
pub(super) const RAW_HINT: &str = "hint: `--raw` shows in `--json` only";

/// Lists transactions.
pub async fn run(args: &Transactions, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let from = args.from.map(|date| date.to_string());
    let to = args.to.map(|date| date.to_string());
    let target = with_query(
        &path(&["transactions"]),
        &[
            ("account", args.account.as_deref()),
            ("from", from.as_deref()),
            ("to", to.as_deref()),
            ("pending", args.pending.then_some("1")),
            ("all", args.all.then_some("1")),
            ("raw", args.raw.then_some("1")),
        ],
    );
    ctx.tell_future(args.from);
    if ctx.json {
        return ctx.pass(&target, Patience::Endless).await;
    }
    if args.raw {
        ctx.output.note(RAW_HINT);
    }
    let labels = if args.account.is_none() { labels(ctx).await? } else { BTreeMap::new() };
    let layout = Layout { accounts: labels.len() > 1, states: args.pending || args.all, labels };
    let mut table = layout.table();
    let mut lines = ctx.client.lines(super::Method::Get, &target, None, Patience::Endless).await?;
    let mut any = false;
    while let Some(line) = lines.next().await? {
        any = true;
        table.pour(&layout.row(&Object::parse(line)?), &mut ctx.output)?;
    }
    if !any {
        ctx.output.line("no transactions")?;
        return Ok(Code::Ok);
    }
    table.print(&mut ctx.output)?;
    Ok(Code::Ok)
}

/// Which columns there are.
struct Layout {
    accounts: bool,
    states: bool,
    labels: BTreeMap<String, String>,
}

impl Layout {
    fn table(&self) -> Table {
        let mut columns = vec![
            Column::left("DATE").at_least(10),
            Column::right("AMOUNT").at_least(10),
            Column::left("").at_least(3),
        ];
        if self.accounts {
            columns.push(Column::left("ACCOUNT").exactly(14));
        }
        if self.states {
            columns.push(Column::left("STATE").at_least(8));
        }
        columns.push(Column::left("WITH, FOR"));
        Table::new(&columns).one_line_rows()
    }

    fn row(&self, row: &Object) -> Vec<String> {
        let mut cells = vec![
            date(row),
            one_line(row.text("amount").unwrap_or("?")),
            one_line(row.text_or_empty("currency")),
        ];
        if self.accounts {
            cells.push(name_of(&self.labels, row));
        }
        if self.states {
            let state = row.text_or_empty("state");
            let current = state == "current";
            cells.push(one_line(if current { row.text_or_empty("booking_status") } else { state }));
        }
        cells.push(description(row));
        cells
    }
}

/// The effective date: booking date, else value date, else the date part of the date-times.
pub(super) fn date(row: &Object) -> String {
    let dates = ["booking_date", "value_date", "booking_date_time", "value_date_time"];
    let found = dates.into_iter().find_map(|field| row.text(field));
    found.map_or_else(|| "undated".to_owned(), |text| text.chars().take(10).collect())
}

/// The other party, and what for.
pub(super) fn description(row: &Object) -> String {
    let out = row.text("amount").is_some_and(|amount| amount.starts_with('-'));
    let names =
        if out { ["creditor_name", "debtor_name"] } else { ["debtor_name", "creditor_name"] };
    let party = names.into_iter().find_map(|field| row.text(field));
    let pieces: Vec<String> =
        party.into_iter().chain(row.text("remittance_information")).map(one_line).collect();
    let flags = row.texts("flags");
    let mut text = pieces.join(", ");
    if !flags.is_empty() {
        text = format!("[{}] {text}", one_line(&flags.join(" ")));
    }
    text
}
