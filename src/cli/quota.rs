//! `quota`: the calls left per account and scope, and when the next one is allowed.

use super::accounts::{labels, name_of};
use super::client::{Patience, path};
use super::error::CliError;
use super::table::{Column, Table};
use super::text::{bar, one_line, until};
use super::{Code, Ctx};

/// Widest bar; a limit beyond it is drawn to scale.
const BAR_CELLS_MAX: i64 = 10;

/// Lists quotas.
pub async fn run(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["quota"]);
    if ctx.json {
        return ctx.pass(&target, Patience::Short).await;
    }
    let labels = labels(ctx).await?;
    let quotas = ctx.list(&target, Patience::Short).await?;
    if quotas.is_empty() {
        ctx.output.line("no accounts yet")?;
        return Ok(Code::Ok);
    }
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("ACCOUNT"),
        Column::left("SCOPE"),
        Column::left("CALLS LEFT"),
        Column::left("NEXT ALLOWED"),
    ]);
    for quota in &quotas {
        let limit = quota.number("limit").unwrap_or_default();
        let left = quota.number("remaining").unwrap_or_default();
        let cells = limit.clamp(1, BAR_CELLS_MAX);
        table.row(&[
            name_of(&labels, quota),
            one_line(quota.text_or_empty("scope")),
            format!("{} {left} of {limit}", bar(left, limit, cells)),
            match quota.instant("next_allowed_at") {
                Some(at) if at > now => {
                    format!(
                        "{} ({})",
                        super::text::moment(&ctx.zone, now, at),
                        until(now, Some(at))
                    )
                }
                Some(_past) => "now".to_owned(),
                None if left > 0 => "now".to_owned(),
                None => "-".to_owned(),
            },
        ]);
    }
    table.print(&mut ctx.output)?;
    Ok(Code::Ok)
}
