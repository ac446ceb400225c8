//! The socket file: made with the right modes, replaced only when nobody listens on it, removed at the end.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::daemon::DaemonError;
use crate::files::folder_of;

/// Folder and socket when a service manager made the folder: its group may connect.
const MODE_SERVICE: u32 = 0o660;
/// Socket when started by hand: only this user.
const MODE_PRIVATE: u32 = 0o600;
/// A folder that we make ourselves.
const MODE_FOLDER: u32 = 0o700;
/// The bits by which a folder lets its group in.
const MODE_GROUP: u32 = 0o070;

/// Removes the socket file when it goes out of scope.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already, with its folder.
        let _gone = fs::remove_file(&self.0);
    }
}

/// Makes the socket. A file that a dead daemon left behind is replaced; one that somebody listens on is not.
pub fn bind(path: &Path) -> Result<(UnixListener, SocketFile), DaemonError> {
    let failed = |source: io::Error| DaemonError::Socket { path: path.to_owned(), source };
    let folder = folder_of(path);
    if !folder.exists() {
        fs::DirBuilder::new().recursive(true).mode(MODE_FOLDER).create(folder).map_err(failed)?;
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(DaemonError::SocketTaken { path: path.to_owned() });
            }
            fs::remove_file(path).map_err(failed)?;
        }
        Ok(_) => {
            return Err(failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file of that name",
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let file = SocketFile(path.to_owned());
    let shared = fs::metadata(folder).map_err(failed)?.permissions().mode() & MODE_GROUP != 0;
    let service = shared && std::env::var_os("RUNTIME_DIRECTORY").is_some();
    let mode = if service { MODE_SERVICE } else { MODE_PRIVATE };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok((listener, file))
}

/// Who connected, as the kernel says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pid: Option<i32>,
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred().ok();
        Self {
            pid: credentials.as_ref().and_then(tokio::net::unix::UCred::pid),
            uid: credentials.as_ref().map(tokio::net::unix::UCred::uid),
        }
    }
}

/// Names our version in the answer, and logs one line per request at debug level: who and which route, never the query (it
/// may hold an IBAN).
pub(super) async fn introduce(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (method, route) = (request.method().clone(), first_segments(request.uri().path()));
    let mut response = next.run(request).await;
    let version = HeaderValue::from_static(concat!("banksyncd/", env!("CARGO_PKG_VERSION")));
    response.headers_mut().insert(header::SERVER, version);
    let status = response.status().as_u16();
    tracing::debug!(%method, route, status, pid = peer.pid, uid = peer.uid, "control request");
    response
}

/// `/v1/links` of `/v1/links/lnk_…/renew`: what follows may be an account number.
fn first_segments(path: &str) -> String {
    path.split('/').take(3).collect::<Vec<_>>().join("/")
}
