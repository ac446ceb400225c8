//! The provider as a port: one operation in, one request out (besides a token), one reply or failure back.
//!
//! Nothing is sent twice here: whether to try again is the planner's decision, because a call may cost quota.

use std::sync::Arc;

use super::error::{Error, is_success};
use super::limit::{Line, Spacing};
use super::request::{Prepared, prepare};
use super::split::{Again, split, unchanged};
use super::token::{Credentials, TokenEvent, Tokens};
use super::{map, rate};
use crate::model::failure::{Failure, FailureClass, Rate};
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{
    Answered, ApiCall, Body, Clock, Provider, Reply, Request, Response, Transport, Vault,
};
use crate::model::secret::Secret;

/// What the client needs to know.
#[derive(Debug)]
pub struct Settings {
    /// The address of the API that the transport calls: tokens of one are never shown to another.
    pub api_base: String,
    /// The secret's id.
    pub secret_id: Secret,
    /// The secret's key.
    pub secret_key: Secret,
    /// The company's limit over all accounts, at least 1.
    pub accounts_per_minute: u32,
}

/// The GoCardless Bank Account Data API, version 2.
pub struct Client {
    line: Line,
    tokens: Tokens,
}

impl Client {
    /// Calls nobody yet. `clock` times tokens and spacing, `vault` keeps the tokens.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        vault: Arc<dyn Vault>,
        settings: Settings,
    ) -> Self {
        let Settings { api_base, secret_id, secret_key, accounts_per_minute } = settings;
        let credentials = Credentials { api_base, secret_id, secret_key };
        Self {
            line: Line::new(transport, Spacing::new(Arc::clone(&clock), accounts_per_minute)),
            tokens: Tokens::new(vault, clock, credentials),
        }
    }

    async fn answer(&self, call: ApiCall) -> Result<Answered, Failure> {
        let Some(prepared) = prepare(&call) else {
            return Err(Error::NotSendable.into_failure(Rate::default(), None));
        };
        let Prepared { method, path, body, resource, data } = prepared;
        let access = self.tokens.access(&self.line).await?;
        let request = Request { method, path, bearer: Some(access.clone()), body };
        let response = self.line.send(resource, request).await.map_err(|error| {
            Error::of_transport(error, data).into_failure(Rate::default(), None)
        })?;
        let rate = rate::read(&response.headers);
        let server_date = rate::server_date(&response.headers);
        if !is_success(&response) {
            let error = Error::of_response(&response, data);
            if error.class() == FailureClass::Token {
                self.tokens.refused(&access).await;
            }
            return Err(error.into_failure(rate, server_date));
        }
        let Response { status, body, .. } = response;
        match reply(&call, body) {
            Some(reply) => Ok(Answered { reply, rate, server_date }),
            None => Err(Error::NotUnderstood { status }.into_failure(rate, server_date)),
        }
    }
}

impl Provider for Client {
    fn call(&self, call: ApiCall) -> impl Future<Output = Result<Answered, Failure>> + Send {
        self.answer(call)
    }

    fn rest(&self) {
        self.line.rest();
    }

    fn take_notices(&self) -> Vec<Notice> {
        let told = |event| match event {
            TokenEvent::Issued => {
                Notice::new(EventCode::TokenIssued, "a new pair of tokens was obtained")
            }
            TokenEvent::Refreshed => {
                Notice::new(EventCode::TokenRefreshed, "the access token was renewed")
            }
        };
        self.tokens.take_events().into_iter().map(told).collect()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// Reads a success; `None` if it is not what the operation promises.
fn reply(call: &ApiCall, body: Body) -> Option<Reply> {
    match call {
        ApiCall::Transactions { known, .. } => {
            let again = known.and_then(|mark| unchanged(body.bytes(), mark));
            return match again {
                Some(Again { last_updated }) => Some(Reply::Unchanged { last_updated }),
                None => split(body).map(Reply::Transactions),
            };
        }
        // The answer only says so once more.
        ApiCall::DeleteRequisition(_) => return Some(Reply::Deleted),
        _ => {}
    }
    let body = body.into_text()?;
    let text = body.text();
    match call {
        ApiCall::Institutions { .. } => map::institutions(text).map(Reply::Institutions),
        ApiCall::Institution(_) => map::institution(text).map(Reply::Institution),
        ApiCall::CreateAgreement { .. } | ApiCall::Agreement(_) => {
            map::agreement(text).map(Reply::Agreement)
        }
        ApiCall::CreateReconfirmation(_) | ApiCall::Reconfirmation(_) => {
            map::reconfirmation(text).map(Reply::Reconfirmation)
        }
        ApiCall::CreateRequisition(_) | ApiCall::Requisition(_) => {
            map::requisition(text).map(Reply::Requisition)
        }
        ApiCall::Requisitions { offset } => map::requisitions(text, *offset),
        ApiCall::Metadata(_) => map::metadata(text).map(Reply::Metadata),
        ApiCall::Details(_) => map::details(text).map(Reply::Details),
        ApiCall::Balances(_) => map::balances(text).map(Reply::Balances),
        ApiCall::Transactions { .. } | ApiCall::DeleteRequisition(_) => None,
    }
}
