//! `demo --serve`: bank and daemon stay up in real time, a bank is linked already, and other terminals type the verbs.

use std::net::SocketAddr;

use super::super::error::CliError;
use super::super::output::{Output, Style};
use super::folder::Folder;
use super::stage::Stage;
use super::{PERSON_AGREES_AFTER_S, story};
use crate::exit::Code;
use crate::model::shell::quoted_path;

/// Says how to reach the daemon and links a first bank. With `json` it says so on one line there.
pub(super) async fn begin(
    stage: &mut Stage<'_>,
    folder: &Folder,
    bank: &SocketAddr,
    json: Option<&mut Output>,
) -> Result<(), CliError> {
    if let Some(output) = json {
        let object = serde_json::json!({
            "config": folder.config().to_string_lossy(),
            "folder": folder.path().to_string_lossy(),
            "api_base": format!("http://{bank}/api/v2/"),
        });
        output.object(&object)?;
        output.flush()?;
    }
    stage.ctx.output.spans(&[(Style::Bold, "banksyncd demo: bank and daemon are up")])?;
    stage.say("They run in real time until Ctrl-C. This is how other terminals reach them:")?;
    let config = folder.config();
    let program = stage.ctx.program.clone();
    stage.lines(&[
        "",
        &format!("  {program} status"),
        "",
        "or, for a whole shell:",
        "",
        &format!("  export BANKSYNCD_CONFIG={}", quoted_path(&config)),
        "  banksyncd transactions",
        "  banksyncd institutions bank",
        "  banksyncd link POLDER_POLDNL2U",
        "  banksyncd events --follow",
        "",
    ])?;
    stage.say(&format!(
        "The bank's customer agrees to a new link when its page is opened, or by itself \
         {PERSON_AGREES_AFTER_S} seconds after it was made. A first bank is being linked:",
    ))?;
    stage.types(&format!("link {}", story::BANK), Code::Ok).await?;
    stage.lines(&["", "Ctrl-C ends it."])
}
