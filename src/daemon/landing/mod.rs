//! The page that a browser shows when it comes back from the bank.
//!
//! Served on a configured loopback address, and only while a link is pending. What it says of a link is what the engine knows;
//! what the request says explains a failure, is escaped, and is kept nowhere. The request proves nothing: everybody can make
//! a browser open this address, so that a link is linked only when the provider says so.

mod page;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use super::loopback::{self, Page};
use crate::config::{Config, Destination};
use crate::planner::state::Link;
use crate::sync::{Gone, Handle};

use page::{STYLE, STYLE_PATH, Visit, html, tell};

/// How long the page stays up when no link is pending any more: the provider may be quicker than the browser.
const LINGER: Duration = Duration::from_secs(30);
/// Between two tries to listen.
const RETRY: Duration = Duration::from_secs(15);

/// The page, and when it is up.
pub(super) struct Landing {
    address: SocketAddr,
    destination: Arc<Destination>,
    engine: Handle,
    /// Links come and go with events.
    events: watch::Receiver<i64>,
}

impl Landing {
    /// As configured; `None` if it is not wanted.
    pub(super) fn new(
        config: &Config,
        engine: Handle,
        events: watch::Receiver<i64>,
    ) -> Option<Self> {
        let address = config.linking.listen?.socket();
        let destination = Arc::new(Destination::of(&config.gocardless.redirect)?);
        Some(Self { address, destination, engine, events })
    }

    /// Serves the page whenever a link is pending, until the daemon goes down.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<(), DaemonError> {
        tokio::select! {
            () = stop.cancelled() => {}
            // The engine ends only when the daemon goes down.
            Err(Gone) = self.come_and_go() => stop.cancelled().await,
        }
        Ok(())
    }

    async fn come_and_go(&mut self) -> Result<(), Gone> {
        let mut complained = false;
        loop {
            self.until(|pending| pending > 0).await?;
            let listener = match loopback::listen(self.address).await {
                Ok(listener) => listener,
                Err(error) => {
                    if !std::mem::replace(&mut complained, true) {
                        let address = self.address;
                        tracing::warn!(%address, %error, "nobody can answer the browser after the bank");
                    }
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            complained = false;
            let (engine, destination) = (self.engine.clone(), Arc::clone(&self.destination));
            let answer = move |uri: Uri| answer(engine.clone(), Arc::clone(&destination), uri);
            let host = Some(self.destination.host.clone());
            tokio::select! {
                () = loopback::serve(listener, host, answer) => {}
                over = self.until_over() => over?,
            }
        }
    }

    /// Waits until the number of pending links is such.
    async fn until(&mut self, so: impl Fn(usize) -> bool) -> Result<(), Gone> {
        loop {
            self.events.mark_unchanged();
            if so(self.engine.brief().await?.links_pending) {
                return Ok(());
            }
            self.events.changed().await.ok().ok_or(Gone)?;
        }
    }

    /// Waits until no link has been pending for a while.
    async fn until_over(&mut self) -> Result<(), Gone> {
        loop {
            self.until(|pending| pending == 0).await?;
            tokio::select! {
                () = tokio::time::sleep(LINGER) => return Ok(()),
                again = self.until(|pending| pending > 0) => again?,
            }
        }
    }
}

async fn answer(engine: Handle, destination: Arc<Destination>, uri: Uri) -> Page {
    if uri.path() == STYLE_PATH {
        let content_type = "text/css; charset=utf-8";
        return Page { status: StatusCode::OK, content_type, body: STYLE.to_owned() };
    }
    if uri.path() != destination.path {
        return Page::not_found();
    }
    let Ok(report) = engine.report().await else {
        return Page::text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is shutting down\n");
    };
    // Something else than the provider sends: as if it had sent nothing.
    let visit = Query::<Visit>::try_from_uri(&uri).map(|Query(visit)| visit).unwrap_or_default();
    let known = |link: &&Link| visit.reference.as_ref() == Some(&link.reference);
    let body = html(&tell(report.links.iter().find(known), &visit));
    Page { status: StatusCode::OK, content_type: "text/html; charset=utf-8", body }
}
