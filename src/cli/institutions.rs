//! `institutions`: finds the id that `link` needs.

use super::args::Institutions;
use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::progress::Progress;
use super::table::{Column, Table};
use super::text::one_line;
use super::{Code, Ctx};

/// Lists institutions.
pub async fn run(args: &Institutions, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let query = Some(args.query.join(" ")).filter(|query| !query.is_empty());
    let target = with_query(
        &path(&["institutions"]),
        &[("query", query.as_deref()), ("country", args.country.as_deref())],
    );
    // The daemon may have to ask the provider.
    if ctx.json {
        return ctx.pass(&target, Patience::Endless).await;
    }
    let asked = ctx.list(&target, Patience::Endless);
    let banks =
        Progress::during("asking the provider for its banks", ctx.output.is_watched(), asked)
            .await?;
    if banks.is_empty() {
        ctx.output.line("no institution found")?;
        ctx.output.note("\nhint: try fewer words, the BIC, or another `--country`");
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&[
        Column::left("ID").whole(),
        Column::left("NAME"),
        Column::left("COUNTRY"),
        Column::right("HISTORY"),
        Column::right("ACCESS"),
    ]);
    let days = |days: Option<i64>| days.map_or_else(|| "-".to_owned(), |days| format!("{days} d"));
    for bank in &banks {
        let countries = bank.texts("countries");
        // Some banks serve all of Europe.
        let shown = match countries.as_slice() {
            [first, second, third, _, ..] => format!("{first} {second} {third} …"),
            few => few.join(" "),
        };
        table.row(&[
            one_line(bank.text_or_empty("id")),
            one_line(bank.text_or_empty("name")),
            one_line(&shown),
            days(bank.number("transaction_total_days")),
            days(bank.number("max_access_valid_for_days")),
        ]);
    }
    table.print(&mut ctx.output)?;
    Ok(Code::Ok)
}
