//! `reload`: the running daemon reads its configuration again. The unit's `ExecReload=` is this verb, because nothing but our
//! own program may be run under the unit's sandbox.

use super::client::{Patience, path};
use super::error::CliError;
use super::{Code, Ctx, Method};

/// Reloads; a bad file is told, with [`Code::Config`], and changes nothing.
pub async fn run(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["reload"]);
    let answer = ctx.client.object(Method::Post, &target, None, Patience::Short).await?;
    if ctx.json {
        ctx.output.json(&answer.raw)?;
        return Ok(Code::Ok);
    }
    ctx.output.line("the configuration is in force")?;
    let waiting = answer.object.texts("needs_restart");
    if !waiting.is_empty() {
        ctx.output.note(&format!(
            "hint: the changes of {} need a restart: `systemctl restart banksyncd`",
            waiting.join(", ")
        ));
    }
    Ok(Code::Ok)
}
