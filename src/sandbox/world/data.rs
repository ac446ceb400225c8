//! The three data endpoints: what must hold before the bank is asked, and what it answers.

use serde_json::json;

use crate::model::time::{BankDate, UtcInstant};

use super::super::text::stamp_in_text;
use super::super::wire::{HttpRequest, HttpResponse};
use super::accounts::Access;
use super::answer::Window;
use super::balances;
use super::faults::{FaultKind, Place, Subject};
use super::input::{parameter, query};
use super::limits::Standing;
use super::problems::{BankProblem, FieldErrors, flat, not_found, rate_limit};
use super::{Answer, Scope, World};

impl World {
    /// Answers one data call. A success counts against the daily limit, whatever becomes of the
    /// answer.
    pub(super) fn data(
        &mut self,
        now: UtcInstant,
        request: &HttpRequest,
        (id, scope): (&str, Scope),
        subject: &Subject,
    ) -> Answer {
        self.check_access(now, id, scope)?;
        let window = window(now, request, scope)?;
        self.check_quota(now, id, scope)?;
        if let Some(problem) = self.bank_problem(now, id, subject) {
            if problem.counts() {
                self.count_failure(id, now);
            }
            return Err(problem.answer(scope));
        }
        let mut response = match scope {
            Scope::Details => self.details(id)?,
            Scope::Balances => self.balances(now, id)?,
            Scope::Transactions => self.transactions(now, id, window)?,
        };
        let limits = self.config.limits;
        if let Some(account) = self.accounts.get_mut(id) {
            account.failures = 0;
            account.last_accessed = Some(now);
            let quota = account.quotas.entry(scope).or_default();
            quota.count(&limits, now);
            set_account_headers(&mut response, quota.standing(&limits, now));
        }
        self.log.note_success(id, scope, now);
        Ok(response)
    }

    fn check_access(&self, now: UtcInstant, id: &str, scope: Scope) -> Result<(), HttpResponse> {
        let account = self.account(id)?;
        match self.access(account, now) {
            Access::NoAgreement => {
                let detail = "Account exists but there is no valid End User Agreement permitting \
                              you to access it";
                return Err(flat(403, "No valid End User Agreement", detail));
            }
            Access::Expired { agreement, days, at } => {
                let summary = format!("End User Agreement (EUA) {agreement} has expired");
                let detail = format!(
                    "EUA was valid for {days} days and it expired at {}. The end user must \
                     connect the account once more with new EUA and Requisition",
                    stamp_in_text(at)
                );
                return Err(flat(401, &summary, &detail));
            }
            // The bank says so itself, when it is asked.
            Access::Open | Access::Revoked => {}
        }
        let own = self.requisitions.get(&account.requisition);
        let terms = own.and_then(|own| self.agreements.get(&own.agreement));
        if !terms.is_some_and(|terms| terms.scopes.contains(&scope)) {
            let detail = format!(
                "EUA doesn't allow access to account {}. Check EUA access scope. Or create new \
                 EUA with correct access scope",
                scope.as_str()
            );
            return Err(flat(403, "End User Agreement (EUA) access scope error", &detail));
        }
        if account.suspended_at.is_some() {
            // Seen live without `status_code`.
            let body = json!({"summary": "Account suspended", "detail": "This account \
                or its requisition was suspended due to numerous errors that occurred while \
                accessing it."});
            return Err(HttpResponse::json(409, &body));
        }
        if now < account.ready_at {
            let detail = "Your account data is currently being processed. Please try again \
                          shortly, or poll /accounts/{account_id}/ endpoint and retry when \
                          status is READY";
            return Err(flat(409, "Account is Processing", detail));
        }
        Ok(())
    }

    fn check_quota(&mut self, now: UtcInstant, id: &str, scope: Scope) -> Result<(), HttpResponse> {
        let limits = self.config.limits;
        let Some(account) = self.accounts.get_mut(id) else { return Err(not_found()) };
        let standing = account.quotas.entry(scope).or_default().standing(&limits, now);
        if standing.remaining > 0 {
            return Ok(());
        }
        let mut response = rate_limit(standing.limit, "day", standing.reset_s);
        if self.config.account_headers_on_429 {
            set_account_headers(&mut response, standing);
        }
        Err(response)
    }

    /// What the bank says instead of data, if anything.
    fn bank_problem(
        &mut self,
        now: UtcInstant,
        id: &str,
        subject: &Subject,
    ) -> Option<BankProblem> {
        if let Some(FaultKind::Bank { problem }) = self.fault(Place::Bank, subject, now) {
            return Some(problem);
        }
        let account = self.accounts.get(id)?;
        let bank = self.bank.get(account.bank)?;
        if bank.closed_at.is_some_and(|at| at <= now) {
            return Some(BankProblem::AccountInactive);
        }
        let over = bank.ends_at_once || self.access(account, now) == Access::Revoked;
        over.then_some(BankProblem::AccessExpired)
    }

    fn details(&self, id: &str) -> Answer {
        let account = self.account(id)?;
        let Some(bank) = self.bank.get(account.bank) else { return Err(not_found()) };
        Ok(HttpResponse::json(200, &balances::details(bank)))
    }

    fn balances(&mut self, now: UtcInstant, id: &str) -> Answer {
        let at = self.seen_at(now, id);
        let bank = self.account(id)?.bank;
        let Some(bank) = self.bank.get_mut(bank) else { return Err(not_found()) };
        Ok(HttpResponse::json(200, &balances::balances(bank, at)))
    }
}

/// The window that a request asks for, or what is wrong with it.
fn window(now: UtcInstant, request: &HttpRequest, scope: Scope) -> Result<Window, HttpResponse> {
    let known: &[&str] = if scope == Scope::Transactions { &["date_from", "date_to"] } else { &[] };
    let parameters = query(request, known)?;
    let today = now.utc_date();
    let mut errors = FieldErrors::default();
    let mut date = |name: &str| {
        let text = parameter(&parameters, name)?;
        let plain = (text.len() == 10).then(|| BankDate::parse(text)).flatten();
        match plain {
            None => {
                let format = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
                errors.strings(name, format);
            }
            Some(date) if date > today => {
                let detail =
                    format!("'{date}' can't be greater than {today}. Specify correct date range");
                errors.object(name, "Date can't be in future", &detail);
            }
            Some(_) => {}
        }
        plain
    };
    let window = Window { from: date("date_from"), to: date("date_to") };
    errors.answer(400)?;
    if let (Some(from), Some(to)) = (window.from, window.to)
        && from > to
    {
        let detail = format!(
            "Starting date '{from}' is greater than end date '{to}'. When specifying date range, \
             starting date must precede the end date"
        );
        return Err(flat(400, "Incorrect date range", &detail));
    }
    Ok(window)
}

fn set_account_headers(response: &mut HttpResponse, standing: Standing) {
    let prefix = "http_x_ratelimit_account_success";
    response.set(&format!("{prefix}_limit"), standing.limit.to_string());
    response.set(&format!("{prefix}_remaining"), standing.remaining.to_string());
    response.set(&format!("{prefix}_reset"), standing.reset_s.to_string());
}
