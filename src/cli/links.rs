//! `links`: consents, their state, and the days left.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::Links;
use super::calendar::calendar;
use super::client::{Patience, path};
use super::error::CliError;
use super::export::cannot_write;
use super::object::Object;
use super::table::{Column, Table};
use super::text::{bar, count, days_left, one_line};
use super::{Code, Ctx};
use crate::files::{Draft, USUAL};
use crate::model::time::UtcInstant;

/// Days of access when a link does not say how many it has: the longest that PSD2 allows without a new login (RTS article
/// 10a).
const ACCESS_DAYS_DEFAULT: i64 = 180;

/// Cells of the bar of days.
const BAR_CELLS: i64 = 10;

/// Lists links, or writes the ends of their access into a calendar file.
pub async fn run(args: &Links, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["links"]);
    if let Some(file) = &args.ics {
        let (text, events) = calendar(&ctx.list(&target, Patience::Short).await?);
        if file == Path::new("-") {
            ctx.output.bytes(text.as_bytes())?;
            return Ok(Code::Ok);
        }
        let written = Draft::begin(file, USUAL).and_then(|mut draft| {
            draft.file().write_all(text.as_bytes())?;
            draft.place()
        });
        written.map_err(|error| cannot_write(file, &error))?;
        if ctx.json {
            ctx.output.object(&json!({ "file": file.to_string_lossy(), "events": events }))?;
        } else {
            ctx.output.line(&format!("{} in `{}`", count(events, "event"), file.display()))?;
        }
        return Ok(Code::Ok);
    }
    if ctx.json {
        return ctx.pass(&target, Patience::Short).await;
    }
    let links = ctx.list(&target, Patience::Short).await?;
    if links.is_empty() {
        ctx.output.line("no links yet")?;
        return Ok(Code::Ok);
    }
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("LINK").whole(),
        Column::left("STATUS"),
        Column::left("ACCESS"),
        Column::left("UNTIL"),
    ]);
    for link in &links {
        let cell = [
            one_line(link.text_or_empty("institution_id")),
            one_line(link.text_or_empty("id")),
            count(link.texts("accounts").len(), "account"),
            String::new(),
        ];
        let end = end_of_access(link);
        table.row(&[
            cell.join("\n"),
            one_line(link.text_or_empty("status")),
            access(link, BAR_CELLS, now),
            end.map_or_else(|| "-".to_owned(), |end| ctx.zone.date(end).to_string()),
        ]);
    }
    table.print(&mut ctx.output)?;
    for link in links.iter().filter(|link| link.text("url").is_some()) {
        let bank = one_line(link.text_or_empty("institution_id"));
        ctx.output.line(&format!("to finish linking {bank}, open"))?;
        ctx.output.url(link.text_or_empty("url"))?;
    }
    Ok(Code::Ok)
}

/// When a link's access ends, if it is not over for another reason.
fn end_of_access(link: &Object) -> Option<UtcInstant> {
    let over = ["rejected", "abandoned", "replaced", "revoked"];
    let stands = !over.contains(&link.text_or_empty("status"));
    link.instant("access_expires_at").filter(|_end| stands)
}

/// The days of access left as a bar of so many cells and a number.
pub(super) fn access(link: &Object, cells: i64, now: UtcInstant) -> String {
    match end_of_access(link) {
        None => "-".to_owned(),
        Some(end) => {
            let whole = link.number("access_days").unwrap_or(ACCESS_DAYS_DEFAULT);
            let left = days_left(now, end);
            format!("{} {left} d", bar(left, whole, cells))
        }
    }
}
