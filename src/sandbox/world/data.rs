//! The three data endpoints: what must hold before the bank is asked, and what it answers.

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::model::time::{BankDate, DAY_MS, UtcInstant};

use super::super::rng::fingerprint;
use super::super::text::{stamp, stamp_in_text};
use super::super::wire::{HttpRequest, HttpResponse};
use super::accounts::Access;
use super::balances;
use super::faults::{FaultKind, Place, Subject};
use super::input::{parameter, query};
use super::ledger::Phase;
use super::limits::Standing;
use super::problems::{BankProblem, FieldErrors, flat, not_found, rate_limit};
use super::quirks::Quirk;
use super::rows::{Writer, Written};
use super::{Answer, Scope, World};

/// One row of the truth: what the bank would show of a movement now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruthRow {
    /// The movement, unique on the bank's account and the same over all links.
    pub key: u64,
    /// Booked or pending.
    pub phase: Phase,
    /// The row's JSON exactly as answers hold it.
    pub raw: String,
}

#[derive(Serialize)]
struct Lists<'a> {
    booked: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Vec<&'a RawValue>>,
}

#[derive(Serialize)]
struct Body<'a> {
    transactions: Lists<'a>,
    last_updated: String,
}

/// The window of a request, by day.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    from: Option<BankDate>,
    to: Option<BankDate>,
}

impl Window {
    /// A row matches when either of its dates lies in the range; without any date it matches only
    /// without a filter.
    fn holds(self, dates: [Option<BankDate>; 2]) -> bool {
        let inside = |date: BankDate| {
            self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
        };
        (self.from.is_none() && self.to.is_none()) || dates.into_iter().flatten().any(inside)
    }
}

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
        if let Some(FaultKind::Bank { problem }) = self.faults.take(Place::Bank, subject, now) {
            return Some(problem);
        }
        let account = self.accounts.get(id)?;
        let bank = self.bank.get(account.bank)?;
        if bank.closed_at.is_some_and(|at| at <= now) {
            return Some(BankProblem::AccountInactive);
        }
        (self.access(account, now) == Access::Revoked).then_some(BankProblem::AccessExpired)
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

    /// The instant whose state an account shows: now, or when its one-time history was read.
    fn seen_at(&self, now: UtcInstant, id: &str) -> UtcInstant {
        self.accounts.get(id).and_then(|own| own.frozen_at).map_or(now, |frozen| frozen.min(now))
    }

    fn transactions(&mut self, now: UtcInstant, id: &str, window: Window) -> Answer {
        let (at, account) = (self.seen_at(now, id), self.account(id)?);
        let (bank, first_day) = (account.bank, account.first_day);
        let rows: Vec<Written> = self
            .written(bank, at, first_day, window)
            .into_iter()
            .filter(|row| window.holds(row.dates))
            .collect();
        let no_pending =
            self.bank.get(bank).is_some_and(|own| own.institution.is(Quirk::NoPendingKey));
        let of = |phase: Phase| {
            rows.iter()
                .filter(move |row| row.phase == phase)
                .filter_map(|row| serde_json::from_str::<&RawValue>(&row.raw).ok())
                .collect::<Vec<_>>()
        };
        let pending = (!no_pending).then(|| of(Phase::Pending));
        let body = Body {
            transactions: Lists { booked: of(Phase::Booked), pending },
            last_updated: stamp(at),
        };
        let response = HttpResponse::json(200, &body);
        if self.config.remember_shown {
            let fingerprints = rows
                .iter()
                .filter(|row| row.phase == Phase::Booked || !no_pending)
                .map(|row| (row.key, row.phase, fingerprint(row.raw.as_bytes())));
            self.staged = fingerprints.collect();
        }
        Ok(response)
    }

    /// The rows that a bank shows at an instant, in its order, roughly cut to a window.
    fn written(
        &mut self,
        bank: usize,
        at: UtcInstant,
        first_day: i64,
        window: Window,
    ) -> Vec<Written> {
        let incidents = self.incidents(bank, at);
        let Some(account) = self.bank.get_mut(bank) else { return Vec::new() };
        account.ledger.until(at);
        let account = &*account;
        let pending_too = account.institution.has("pending_transactions")
            || account.institution.id == super::institutions::SANDBOX;
        // A row's value date lies at most SLACK_DAYS after its booking, except where it is absurd.
        let from_day = match window.from {
            Some(from) if !account.institution.is(Quirk::Year5207) => {
                from.epoch_days() - SLACK_DAYS
            }
            _ => i64::MIN,
        };
        let mut seen: Vec<_> = account
            .ledger
            .made()
            .iter()
            .filter(|row| row.booking_day >= first_day.max(from_day))
            .filter_map(|row| Some((row, row.phase(at)?)))
            .filter(|(_, phase)| pending_too || *phase == Phase::Booked)
            .collect();
        seen.sort_by_key(|(row, _)| std::cmp::Reverse((row.booking_day, row.key)));
        if account.institution.is(Quirk::OldestFirst) {
            seen.reverse();
        }
        let writer = Writer { account, incidents };
        seen.into_iter().map(|(row, phase)| writer.write(row, phase)).collect()
    }

    fn incidents(&self, bank: usize, at: UtcInstant) -> u64 {
        let Some(account) = self.bank.get(bank) else { return 0 };
        let own =
            self.incidents.iter().filter(|(id, when)| *id == account.institution.id && *when <= at);
        u64::try_from(own.count()).unwrap_or(0)
    }

    /// All rows that the bank would show of an account now, without any filter or limit; `None` if
    /// there is no such account.
    pub fn truth(&mut self, account: &str, now: UtcInstant) -> Option<Vec<TruthRow>> {
        let own = self.accounts.get(account)?;
        let (bank, first_day) = (own.bank, own.first_day);
        let at = self.seen_at(now, account);
        let rows = self.written(bank, at, first_day, Window::default()).into_iter();
        Some(rows.map(|row| TruthRow { key: row.key, phase: row.phase, raw: row.raw }).collect())
    }

    /// An incident at an institution: all internal ids of its rows change from now on, if it is one
    /// of those.
    pub fn incident(&mut self, institution: &'static str, now: UtcInstant) {
        self.incidents.push((institution, now));
    }

    /// The incidents that come without being called.
    pub(super) fn expected_incidents(start: UtcInstant) -> Vec<(&'static str, UtcInstant)> {
        super::institutions::CATALOG
            .iter()
            .filter(|institution| institution.is(Quirk::InternalIdsChange))
            .flat_map(|own| [100, 400].map(|days| (own.id, start.plus_ms(days * DAY_MS))))
            .collect()
    }
}

/// How far a row's value date may lie after its booking date (see `rows`), and a little more.
const SLACK_DAYS: i64 = 40;

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
