//! `history`: every text that a transaction had, and when each one came.

use super::args::History;
use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::table::{Column, Table};
use super::text::{moment, one_line};
use super::transactions::{RAW_HINT, date, description};
use super::{Code, Ctx};

/// Lists the versions of a transaction, oldest first.
pub async fn run(args: &History, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = with_query(
        &path(&["transactions", &args.transaction, "history"]),
        &[("raw", args.raw.then_some("1"))],
    );
    if ctx.json {
        return ctx.pass(&target, Patience::Endless).await;
    }
    if args.raw {
        ctx.output.note(RAW_HINT);
    }
    let versions = ctx.list(&target, Patience::Endless).await?;
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::right("REVISION"),
        Column::left("SINCE"),
        Column::left("DATE"),
        Column::right("AMOUNT"),
        Column::left(""),
        Column::left("WITH, FOR"),
    ])
    .one_line_rows();
    for version in &versions {
        let revision = version.number("revision");
        let at = version.instant("at");
        table.row(&[
            revision.map_or_else(|| "?".to_owned(), |revision| revision.to_string()),
            at.map_or_else(|| "-".to_owned(), |at| moment(&ctx.zone, now, at)),
            date(version),
            one_line(version.text("amount").unwrap_or("?")),
            one_line(version.text_or_empty("currency")),
            description(version),
        ]);
    }
    table.print(&mut ctx.output)?;
    Ok(Code::Ok)
}
