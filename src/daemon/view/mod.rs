//! What the outside sees: remembered documents and stored rows, turned into the JSON objects of the control socket.
//!
//! Pure: no clock, no store, no socket. Field names, their order and their nulls are an interface that scripts rely on:
//! fields may be added, none may be renamed or left out, and what is absent is `null`. Nothing here may show a token or a
//! secret. Transactions are written straight into the caller's buffer, because a listing can have a million of them.

pub mod explain;
pub mod history;
pub mod notify;
pub mod reconfirmation;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::config::AccountRule;
use crate::daemon::needs::Need;
use crate::display::Shown;
use crate::model::agreement::Scope;
use crate::model::iban::Iban;
use crate::model::id::{AccountId, LinkId, TransactionId};
use crate::model::institution::Institution;
use crate::model::json::compact;
use crate::model::money::Money;
use crate::model::time::{BankDate, UtcInstant, serialize_short};
use crate::model::transaction::{BookingStatus, Columns, Listed, RowState};
use crate::planner::effect::{PullResult, RunOutcome};
use crate::planner::state::{Account, AccountStatus, Link, LinkStatus, Purpose};
use crate::store::Check;
use reconfirmation::ReconfirmationView;

/// The only provider there is so far, by the name that objects carry.
pub const PROVIDER: &str = "gocardless";

/// What is said of a path that this version does not know; a client of a newer one recognises it.
pub const NO_SUCH_PATH: &str = "there is no such path";

/// The last instant that RFC 3339 can write: 9999-12-31T23:59:59.999Z.
const RFC3339_MAX: UtcInstant = UtcInstant::from_ms(253_402_300_799_999);

/// An instant as objects show it: RFC 3339 in UTC. What lies beyond its calendar ("never") is `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At(pub UtcInstant);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > RFC3339_MAX {
            return serializer.serialize_none();
        }
        serialize_short(&self.0, serializer)
    }
}

/// Wraps an optional instant.
fn at(instant: Option<UtcInstant>) -> Option<At> {
    instant.map(At)
}

/// An account.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView<'a> {
    id: AccountId,
    provider: &'static str,
    provider_account_id: &'a str,
    link_id: LinkId,
    institution_id: &'a str,
    iban: Option<&'a str>,
    bban: Option<&'a str>,
    currency: Option<&'a str>,
    name: Option<&'a str>,
    product: Option<&'a str>,
    owner_name: Option<&'a str>,
    nickname: Option<&'a str>,
    enabled: bool,
    status: AccountStatus,
    last_synced_at: Option<At>,
    access_expires_at: Option<At>,
    consecutive_failures: u32,
    next_pull_at: Option<At>,
    merged_from: Vec<&'a str>,
    may_continue: &'a [AccountId],
}

impl AccountView<'_> {
    /// Whether this is one of these.
    pub fn is_one_of(&self, ids: &[AccountId]) -> bool {
        ids.contains(&self.id)
    }
}

/// What the rules make of an account.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What the configuration says about it (see [`crate::planner::policy::rule_for`]).
    pub rule: Option<&'a AccountRule>,
    /// Whether it is pulled.
    pub enabled: bool,
    /// The planner's next instant for it.
    pub next_pull_at: Option<UtcInstant>,
}

/// Shows an account; `link` is its present one.
pub fn account<'a>(
    account: &'a Account,
    link: Option<&Link>,
    standing: &Standing<'a>,
) -> AccountView<'a> {
    let facts = &account.facts;
    let part = |name: &&str| name.starts_with("acc_");
    AccountView {
        id: account.id,
        provider: PROVIDER,
        provider_account_id: &account.provider_account_id.0,
        link_id: account.link_id,
        institution_id: &account.institution_id.0,
        iban: facts.iban.as_ref().map(Iban::as_str),
        bban: facts.bban.as_ref().map(Iban::as_str),
        currency: facts.currency.as_deref(),
        name: facts.name.as_deref(),
        product: facts.product.as_deref(),
        owner_name: facts.owner_name.as_deref(),
        nickname: standing.rule.and_then(|rule| rule.nickname.as_deref()),
        enabled: standing.enabled,
        status: account.status,
        last_synced_at: at(account.last_synced_at),
        access_expires_at: at(link.and_then(|link| link.access_expires_at)),
        consecutive_failures: account.consecutive_failures,
        next_pull_at: at(standing.next_pull_at),
        merged_from: account.former.iter().map(String::as_str).filter(part).collect(),
        may_continue: &account.may_continue,
    }
}

/// A link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkView<'a> {
    id: LinkId,
    provider: &'static str,
    institution_id: &'a str,
    requisition_id: Option<&'a str>,
    agreement_id: Option<&'a str>,
    purpose: Purpose,
    status: LinkStatus,
    url: Option<&'a str>,
    created_at: At,
    accepted_at: Option<At>,
    access_expires_at: Option<At>,
    replaced_by: Option<LinkId>,
    accounts: Vec<AccountId>,
    identifying: usize,
    history_days: u32,
    access_days: u32,
    replaces: Option<LinkId>,
    history_link: Option<LinkId>,
    history_of: Option<LinkId>,
    failure: Option<&'a str>,
    reconfirmation: Option<ReconfirmationView<'a>>,
}

/// Shows a link. Its URL is as good as a key and is shown only while it can still be used.
///
/// Of the accounts it opened, those still being identified are only counted: they may turn out to be known ones.
pub fn link<'a>(link: &'a Link, accounts: &'a [Account]) -> LinkView<'a> {
    let unknown = accounts.iter().filter(|account| account.identifying.is_some());
    let unknown: BTreeSet<AccountId> = unknown.map(|account| account.id).collect();
    let (identifying, known): (Vec<AccountId>, Vec<AccountId>) =
        link.accounts.iter().partition(|id| unknown.contains(id));
    let url = link.url.as_ref().filter(|_url| link.status.is_pending());
    LinkView {
        id: link.id,
        provider: PROVIDER,
        institution_id: &link.institution_id.0,
        requisition_id: link.requisition_id.as_ref().map(|id| id.0.as_str()),
        agreement_id: link.agreement_id.as_ref().map(|id| id.0.as_str()),
        purpose: link.purpose,
        status: link.status,
        url: url.map(|url| url.0.as_str()),
        created_at: At(link.created_at),
        accepted_at: at(link.accepted_at),
        access_expires_at: at(link.access_expires_at),
        replaced_by: link.replaced_by,
        accounts: known,
        identifying: identifying.len(),
        history_days: link.terms.history_days,
        access_days: link.access_days.unwrap_or(link.terms.access_days),
        replaces: link.replaces,
        history_link: link.history_link,
        history_of: link.history_of,
        failure: link.failure.as_deref(),
        reconfirmation: reconfirmation::reconfirmation(link, accounts),
    }
}

/// A balance.
#[derive(Clone, Debug, Serialize)]
pub struct BalanceView<'a> {
    account_id: AccountId,
    balance_type: &'a str,
    amount: Option<String>,
    currency: Option<&'a str>,
    reference_date: Option<BankDate>,
    fetched_at: At,
    display_balance: Option<String>,
}

/// Shows a stored balance; `is_ledger`: by the display rules it says what is on the account; `money` is `None` where the
/// bank's amount was not understood.
pub fn balance<'a>(
    account_id: AccountId,
    balance_type: &'a str,
    money: Option<&'a Money>,
    reference_date: Option<BankDate>,
    fetched_at: UtcInstant,
    is_ledger: bool,
) -> BalanceView<'a> {
    BalanceView {
        account_id,
        balance_type,
        display_balance: money.filter(|_| is_ledger).map(|money| money.amount.to_string()),
        amount: money.map(|money| money.amount.to_string()),
        currency: money.map(|money| money.currency.0.as_str()),
        reference_date,
        fetched_at: At(fetched_at),
    }
}

/// How the balance of an account went.
#[derive(Clone, Debug, Serialize)]
pub struct TrendView<'a> {
    /// Whose.
    pub account_id: AccountId,
    /// The bank's word for the kind of balance.
    pub balance_type: &'a str,
    /// ISO 4217.
    pub currency: Option<&'a str>,
    /// Day by day, today last.
    pub days: Vec<TrendDay>,
}

/// A balance at the end of a day.
#[derive(Clone, Debug, Serialize)]
pub struct TrendDay {
    /// The day, in the zone of the schedule.
    pub date: BankDate,
    /// The amount, a decimal string; `null` where nothing was known yet.
    pub amount: Option<String>,
}

#[derive(Serialize)]
struct TransactionView<'a> {
    id: TransactionId,
    account_id: AccountId,
    booking_status: BookingStatus,
    state: RowState,
    #[serde(flatten)]
    columns: &'a Columns<'a>,
    #[serde(flatten)]
    shown: &'a Shown<'a>,
    first_seen_at: At,
    last_seen_at: At,
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a RawValue>,
}

/// Appends one transaction to `buffer` as one line, newline included.
///
/// `raw` is the bank's row as it was received, if it is to be shown: a JSON value whose number lexemes stay as they are.
/// Blanks between its members are left out, since an object has one line; text that is not JSON shows as `null`.
pub fn transaction_line(
    buffer: &mut Vec<u8>,
    row: &Listed<'_>,
    shown: &Shown<'_>,
    raw: Option<&str>,
) -> serde_json::Result<()> {
    let one_line = raw.map(compact);
    let raw = one_line
        .as_deref()
        .map(|text| serde_json::from_str::<&RawValue>(text).unwrap_or(RawValue::NULL));
    let view = TransactionView {
        id: row.id,
        account_id: row.account_id,
        booking_status: row.booking_status,
        state: row.state,
        columns: row.columns,
        shown,
        first_seen_at: At(row.first_seen_at),
        last_seen_at: At(row.last_seen_at),
        revision: row.revision,
        raw,
    };
    line(buffer, &view)
}

/// Appends any object to `buffer` as one line, newline included.
pub fn line<T: Serialize>(buffer: &mut Vec<u8>, object: &T) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *buffer, object)?;
    buffer.push(b'\n');
    Ok(())
}

/// An event as it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct EventView<'a> {
    /// Increasing.
    pub id: i64,
    /// When it happened.
    pub at: At,
    /// The word of the contract.
    pub code: &'a str,
    /// `info`, `notice`, `warning` or `error`.
    pub level: &'a str,
    /// One sentence without personal data.
    pub message: &'a str,
    /// 32 hex digits: the journal's `MESSAGE_ID`.
    pub message_id: &'a str,
    /// Whose account.
    pub account_id: Option<AccountId>,
    /// Which link.
    pub link_id: Option<LinkId>,
    /// More, possibly personal: a JSON object.
    pub details: &'a RawValue,
}

/// Calls left of one account and scope.
#[derive(Clone, Debug, Serialize)]
pub struct QuotaView {
    account_id: AccountId,
    scope: Scope,
    limit: u32,
    used: u32,
    remaining: u32,
    next_allowed_at: Option<At>,
}

/// Shows a quota: `used` of `limit` calls in the last 24 hours, the next one allowed at `next_allowed_at`.
pub fn quota(
    account_id: AccountId,
    scope: Scope,
    limit: u32,
    used: u32,
    next_allowed_at: Option<UtcInstant>,
) -> QuotaView {
    let remaining = limit.saturating_sub(used);
    QuotaView { account_id, scope, limit, used, remaining, next_allowed_at: at(next_allowed_at) }
}

impl QuotaView {
    /// Whether this is of that account.
    pub fn is_of(&self, id: AccountId) -> bool {
        self.account_id == id
    }
}

/// What became of one account of a `sync`.
#[derive(Clone, Debug, Serialize)]
pub struct SyncResultView<'a> {
    account_id: AccountId,
    outcome: &'static str,
    reason: Option<&'a str>,
    next_allowed_at: Option<At>,
    rows_added: u64,
    rows_changed: u64,
}

/// Shows a result of `sync`. Changed rows are those with another text and those that left the listing or came back to it.
pub fn sync_result(result: &PullResult) -> SyncResultView<'_> {
    let rows = &result.rows;
    SyncResultView {
        account_id: result.account_id,
        outcome: result.outcome.map_or("skipped", RunOutcome::as_str),
        reason: result.reason.as_deref(),
        next_allowed_at: at(result.next_allowed_at),
        rows_added: rows.added,
        rows_changed: rows.changed.saturating_add(rows.revived).saturating_add(rows.missing),
    }
}

/// The plan of pulls.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleView {
    /// IANA name.
    pub timezone: String,
    /// The next slots; accounts are pulled a little later, each by its jitter.
    pub upcoming: Vec<At>,
    /// An account that is older than this many seconds is stale.
    pub freshness_s: i64,
}

/// What is going on, in one object.
#[derive(Clone, Debug, Serialize)]
pub struct StatusView<'a> {
    /// Of the daemon.
    pub version: &'static str,
    /// Of the daemon.
    pub pid: u32,
    /// When the daemon started.
    pub started_at: At,
    /// The earliest next pull of any account.
    pub next_pull_at: Option<At>,
    /// When pulls are planned.
    pub schedule: ScheduleView,
    /// Since when nothing answers at the provider; `null` while it does.
    pub provider_unavailable_since: Option<At>,
    /// All of them.
    pub accounts: Vec<AccountView<'a>>,
    /// All of them.
    pub links: Vec<LinkView<'a>>,
    /// What needs a person, the most urgent first.
    pub needs: Vec<Need>,
    /// Calls left, per account and scope.
    pub quota: Vec<QuotaView>,
    /// Rows that came without a readable amount or date: they are listed with nulls and flags.
    pub rows_not_understood: u64,
}

/// The outcome of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyView {
    /// Whether every check passed.
    pub ok: bool,
    /// In the order in which they ran.
    pub checks: Vec<CheckView>,
}

/// One check of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckView {
    /// Such as `cipher_pages`.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was found; `null` if there is nothing to say.
    pub detail: Option<String>,
}

/// Shows what the store found.
pub fn verify(checks: &[Check]) -> VerifyView {
    let shown = |check: &Check| CheckView {
        name: check.name.clone(),
        ok: check.ok,
        detail: Some(check.detail.clone()).filter(|detail| !detail.is_empty()),
    };
    VerifyView::new(checks.iter().map(shown).collect())
}

impl VerifyView {
    /// From its checks.
    pub fn new(checks: Vec<CheckView>) -> Self {
        Self { ok: checks.iter().all(|check| check.ok), checks }
    }
}

/// A bank that can be linked.
#[derive(Clone, Debug, Serialize)]
pub struct InstitutionView<'a> {
    id: &'a str,
    name: &'a str,
    bic: Option<&'a str>,
    countries: &'a [String],
    transaction_total_days: Option<u32>,
    max_access_valid_for_days: Option<u32>,
    max_access_valid_for_days_reconfirmation: Option<u32>,
    supported_features: Option<&'a [String]>,
}

/// Shows an institution.
pub fn institution(institution: &Institution) -> InstitutionView<'_> {
    InstitutionView {
        id: &institution.id.0,
        name: &institution.name,
        bic: Some(institution.bic.as_str()).filter(|bic| !bic.is_empty()),
        countries: &institution.countries,
        transaction_total_days: institution.transaction_total_days,
        max_access_valid_for_days: institution.max_access_valid_for_days,
        max_access_valid_for_days_reconfirmation: institution
            .max_access_valid_for_days_reconfirmation,
        supported_features: institution.supported_features.as_deref(),
    }
}

/// The body of every refusal: `{"error":{"exit","message","hint"}}`.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorView<'a> {
    error: ErrorBody<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct ErrorBody<'a> {
    exit: u8,
    message: &'a str,
    hint: Option<&'a str>,
}

/// Shows a refusal; `exit` is the code with which the client ends.
pub fn error<'a>(exit: u8, message: &'a str, hint: Option<&'a str>) -> ErrorView<'a> {
    ErrorView { error: ErrorBody { exit, message, hint } }
}

#[cfg(test)]
mod tests;
