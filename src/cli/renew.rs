//! `renew`: a successor for a link, while the old one works. Accounts keep their id and history.

use super::args::Renew;
use super::client::path;
use super::error::CliError;
use super::{ASKING, Code, Ctx, Method, link};

/// Asks for a successor and goes on as `link` does.
pub async fn run(args: &Renew, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["links", &args.link, "renew"]);
    let body = serde_json::json!({});
    let asked = ctx.wait_for(ASKING, (Method::Post, &target), Some(&body)).await?;
    link::accompany(asked, args.no_wait, ctx).await
}
