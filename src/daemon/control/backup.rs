//! A backup on its way to a client, who may write where the daemon may not.

use std::io::Read as _;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use super::Shared;
use super::reply::{self, Refusal};
use crate::model::notice::{EventCode, Notice};
use crate::observe::Chain;
use crate::store::Backup;

/// The key check of the copy, its lines joined by semicolons.
const KEYCHECK: HeaderName = HeaderName::from_static("banksyncd-keycheck");
/// Bytes of a piece.
const PIECE_BYTES: u16 = 1 << 15;

pub(super) async fn backup(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let made = shared.store.backup().await;
    let notice = match &made {
        Ok(backup) => Notice::new(EventCode::BackupCompleted, "a backup was written")
            .detail("bytes", backup.bytes.to_string()),
        Err(error) => Notice::new(EventCode::BackupFailed, "a backup could not be written")
            .detail("reason", Chain(error).to_string()),
    };
    shared.engine.note(vec![notice]).await?;
    let Backup { mut file, keycheck, .. } = made?;
    let (mut pieces, mut response) = reply::stream_of("application/octet-stream");
    if let Ok(value) = HeaderValue::from_str(&keycheck.trim_end().replace('\n', ";")) {
        response.headers_mut().insert(KEYCHECK, value);
    }
    shared.write_along(async move {
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES.into());
            // It was written a moment ago and comes from the page cache.
            match file.by_ref().take(PIECE_BYTES.into()).read_to_end(&mut piece) {
                Ok(0) => return,
                Ok(_bytes) if pieces.send(piece).await => {}
                Ok(_unread) => return,
                Err(_unreadable) => return pieces.cut_short(),
            }
        }
    });
    Ok(response)
}
