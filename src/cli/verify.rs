//! `verify`: the integrity of file, schema and invariants, asked of the daemon; without one, checked directly.

use super::client::path;
use super::error::CliError;
use super::object::Object;
use super::output::Style;
use super::progress::Progress;
use super::text::one_line;
use super::{Code, Ctx, Method};

/// What goes on meanwhile.
const LOOKING: &str = "looking at every page of the database";

/// Verifies; [`Code::DataErr`] if a check failed.
pub async fn run(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["verify"]);
    let (raw, verified) = match ctx.wait_for(LOOKING, (Method::Post, &target), None).await {
        Ok(whole) => (whole.raw, whole.object),
        Err(CliError::Unreachable { .. }) => directly(ctx).await?,
        Err(other) => return Err(other),
    };
    if ctx.json {
        ctx.output.json(&raw)?;
    } else {
        print(&verified, ctx)?;
    }
    Ok(if verified.flag("ok") == Some(true) { Code::Ok } else { Code::DataErr })
}

async fn directly(ctx: &mut Ctx<'_>) -> Result<(Vec<u8>, Object), CliError> {
    let view = Progress::during(LOOKING, ctx.output.is_watched(), &mut ctx.verify_directly).await?;
    let raw = serde_json::to_vec(&view).map_err(|error| CliError::NotUnderstood {
        what: format!("the outcome of the checks: {error}"),
        hint: None,
    })?;
    let object = Object::parse(&raw)?;
    Ok((raw, object))
}

fn print(verified: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    for check in verified.objects("checks") {
        let ok = check.flag("ok") == Some(true);
        let (style, word) = if ok { (Style::Green, "ok    ") } else { (Style::Red, "FAILED") };
        let detail = check.text("detail").map(|text| format!(": {}", one_line(text)));
        let text =
            format!("  {}{}", one_line(check.text_or_empty("name")), detail.unwrap_or_default());
        ctx.output.spans(&[(style, word), (Style::Plain, &text)])?;
    }
    let summary = if verified.flag("ok") == Some(true) {
        (Style::Green, "the database is sound")
    } else {
        (Style::Red, "the database is damaged: keep the file, and restore a backup")
    };
    ctx.output.spans(&[summary])
}
