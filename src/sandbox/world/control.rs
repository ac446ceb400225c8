//! `/sandbox/`: how tests and demonstrations in other processes drive the world. Not part of the
//! API.
//!
//! `POST` of JSON to `authorise`, `cancel`, `revoke` (`{"requisition"}`), `select`
//! (`{"requisition","places"}`), `suspend`, `close` (`{"account"}`), `reconfirm`
//! (`{"agreement","rejected"}`), `other-app` (`{"account","scope","calls"}`), `fault` (a
//! [`Fault`]), `clear-faults`, `revoke-tokens` (`{"refresh_too"}`), `address` (`{"allowed"}`);
//! `GET` of `log`, `log/counts`, `accounts`, `truth/{account}` (now), `shown/{account}` (when it was last
//! asked for transactions). Moving the clock is the server's
//! matter ([`super::super::SharedWorld`]).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::model::time::UtcInstant;

use super::super::wire::{HttpRequest, HttpResponse};
use super::faults::Fault;
use super::people::Refused;
use super::problems::{flat, not_found};
use super::{Scope, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    #[serde(default)]
    requisition: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    agreement: String,
    #[serde(default)]
    places: Vec<usize>,
    #[serde(default)]
    rejected: Vec<String>,
    scope: Option<Scope>,
    #[serde(default)]
    calls: u32,
    #[serde(default)]
    refresh_too: bool,
    #[serde(default)]
    allowed: bool,
}

impl World {
    pub(super) fn control(&mut self, now: UtcInstant, request: &HttpRequest) -> HttpResponse {
        let path = request.path.strip_prefix("/sandbox/").unwrap_or("").trim_end_matches('/');
        let answer = match request.method.as_str() {
            "GET" => self.control_read(now, path),
            "POST" if path == "fault" => read::<Fault>(request).map(|fault| {
                self.inject(fault);
                done()
            }),
            "POST" => {
                read::<Target>(request).and_then(|target| self.control_act(now, path, &target))
            }
            _ => Err(not_found()),
        };
        answer.unwrap_or_else(|error| error)
    }

    fn control_act(
        &mut self,
        now: UtcInstant,
        path: &str,
        target: &Target,
    ) -> Result<HttpResponse, HttpResponse> {
        let acted: Result<(), Refused> = match path {
            "authorise" => self.person_authorises(&target.requisition, now),
            "select" => self.person_selects(&target.requisition, &target.places, now),
            "cancel" => self.person_cancels(&target.requisition, now),
            "revoke" => self.person_revokes(&target.requisition, now),
            "suspend" => self.suspend(&target.account, now),
            "close" => self.close_account(&target.account, now),
            "reconfirm" => self.person_reconfirms(&target.agreement, &target.rejected, now),
            "other-app" => {
                let scope = target.scope.unwrap_or(Scope::Transactions);
                self.other_app_uses(&target.account, scope, target.calls, now)
            }
            "clear-faults" => {
                self.clear_faults();
                Ok(())
            }
            "revoke-tokens" => {
                self.revoke_tokens(target.refresh_too);
                Ok(())
            }
            "address" => {
                self.set_address_allowed(target.allowed);
                Ok(())
            }
            _ => return Err(not_found()),
        };
        match acted {
            Ok(()) => Ok(done()),
            Err(refused) => Err(flat(409, "Refused", &refused.to_string())),
        }
    }

    fn control_read(&mut self, now: UtcInstant, path: &str) -> Result<HttpResponse, HttpResponse> {
        if let Some(account) = path.strip_prefix("truth/") {
            let rows = self.truth(account, now).ok_or_else(not_found)?;
            return Ok(HttpResponse::json(200, &json!({ "rows": rows })));
        }
        if let Some(account) = path.strip_prefix("shown/") {
            let asked = self.log.successes(account, Scope::Transactions).last().copied();
            let rows = self.truth(account, asked.unwrap_or(now)).ok_or_else(not_found)?;
            return Ok(HttpResponse::json(200, &json!({ "rows": rows })));
        }
        let body = match path {
            "log" => self.log_json(),
            "log/counts" => json!({
                "calls": self.log.count(), "tokens_minted": self.log.tokens_minted().len(),
                "tokens_refreshed": self.log.tokens_refreshed().len(),
                "busiest_day": self.log.busiest_day(), "rows_shown": self.log.rows_shown(),
                "suspensions": self.log.suspensions().len(),
            }),
            "accounts" => self.accounts_json(now),
            "now" => json!({"now": now.to_string()}),
            _ => return Err(not_found()),
        };
        Ok(HttpResponse::json(200, &body))
    }

    fn log_json(&self) -> Value {
        let calls = self.log.calls().map(|call| {
            json!({"at": call.at.to_string(), "method": call.method, "path": call.path,
                "query": call.query, "status": call.status, "account": call.account,
                "scope": call.scope.map(Scope::as_str), "delivered": call.delivered})
        });
        json!({ "calls": calls.collect::<Vec<_>>() })
    }

    fn accounts_json(&mut self, now: UtcInstant) -> Value {
        let accounts = self.accounts(now).into_iter().map(|own| {
            json!({"id": own.id, "requisition": own.requisition, "institution": own.institution,
                "bank_account": own.bank_account, "iban": own.iban, "currency": own.currency,
                "status": own.status, "failures": own.failures,
                "worst_failures": own.worst_failures})
        });
        json!({ "accounts": accounts.collect::<Vec<_>>() })
    }
}

fn done() -> HttpResponse {
    HttpResponse::json(200, &json!({"ok": true}))
}

fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, HttpResponse> {
    let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
    serde_json::from_slice(body)
        .map_err(|error| flat(400, "Bad control request", &error.to_string()))
}
