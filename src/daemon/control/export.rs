//! Files for other programs, written while they are read: `GET /v1/export` for curl, `POST /v1/export` for the verb, which also
//! knows what its file has already.
//!
//! A file that goes on from an earlier one is asked for with that one's cursor; the answer's header names the next. How
//! many rows the format could not express stands in a trailer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Pieces, Refusal};
use super::resolve;
use super::rows::{self, Switch};
use crate::config::Export;
use crate::daemon::view;
use crate::display::Rule;
use crate::exit::Code;
use crate::export::{self, Account, Balance, Form, Format, Row, Style};
use crate::model::iban::Iban;
use crate::model::id::AccountId;
use crate::model::ledger::LedgerAccount;
use crate::model::port::RowReader;
use crate::observe::Chain;
use crate::planner::state;
use crate::store::{
    self, Arrivals, BalanceFilter, Cursor, Listing, TransactionFilter, TransactionRow,
};
use crate::sync::Report;

/// What the file has, once this answer is added.
const CURSOR: HeaderName = HeaderName::from_static("banksyncd-cursor");
/// How many rows the format could not express.
const LEFT_OUT: HeaderName = HeaderName::from_static("banksyncd-left-out");
/// Longest cursor; a header has to hold it. It grows with rows that are stored but not listed.
const CURSOR_BYTES_MAX: usize = 300_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportRequest {
    format: String,
    account: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    pending: Switch,
    /// What the file has; an empty text: nothing, but say what it will have.
    cursor: Option<String>,
    /// Wait until there is something that the file lacks.
    #[serde(default)]
    wait: Switch,
}

pub(super) async fn get(
    State(shared): State<Shared>,
    Query(request): Query<ExportRequest>,
) -> Result<Response, Refusal> {
    export(shared, request).await
}

pub(super) async fn post(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    export(shared, reply::parse(&body)?).await
}

async fn export(shared: Shared, request: ExportRequest) -> Result<Response, Refusal> {
    let format = Format::from_word(&request.format).ok_or_else(|| {
        let known = Format::ALL.map(Format::as_str).join(", ");
        Refusal::usage("there is no such format").hint(format!("one of {known}"))
    })?;
    let report = shared.engine.report().await?;
    let account_id = resolve::optional_account(&report, request.account.as_deref())?;
    let (from, to) = rows::days(request.from.as_deref(), request.to.as_deref())?;
    let filter = TransactionFilter { account_id, from, to, pending: request.pending.0, all: false };
    let sources = match &request.cursor {
        None => Sources::Whole(filter),
        Some(text) => {
            if !format.grows() || request.pending.0 {
                let message = "a file of this kind cannot go on from an earlier one";
                return Err(Refusal::usage(message).hint("write it anew"));
            }
            arrivals(&shared, filter, text, request.wait.0).await?
        }
    };
    let continued = request.cursor.as_ref().is_some_and(|cursor| !cursor.is_empty());
    let config = shared.reloader.config();
    let Export { expenses, income } = config.export.clone();
    let style = Style { expenses, income, continued };
    let accounts = accounts(&shared, &report, account_id, format).await?;
    if format == Format::Beancount {
        beancount_names(&accounts, &style)?;
    }
    let (pieces, mut response) = reply::stream_of(format.content_type());
    let headers = response.headers_mut();
    headers.insert(header::TRAILER, HeaderValue::from_static("banksyncd-left-out"));
    if let Sources::Since(arrivals) = &sources {
        headers.insert(CURSOR, cursor_header(&arrivals.cursor)?);
    }
    let file = File {
        by_account: format.by_account(),
        accounts: accounts.iter().map(|account| account.id).collect(),
        store: shared.store.clone(),
        sheet: Arc::new(Mutex::new(Sheet {
            form: export::form(format, style),
            accounts: accounts.into_iter().map(|account| (account.id, account)).collect(),
            reader: Arc::clone(&shared.reader),
            rules: rows::rules(&shared, &report),
            left_out: 0,
            length: 0,
        })),
    };
    shared.write_along(file.write(pieces, sources));
    Ok(response)
}

/// Where the rows come from.
enum Sources {
    /// All that the filter lets through.
    Whole(TransactionFilter),
    /// What an earlier file lacks.
    Since(Arrivals),
}

async fn arrivals(
    shared: &Shared,
    filter: TransactionFilter,
    text: &str,
    wait: bool,
) -> Result<Sources, Refusal> {
    let known = match text {
        "" => None,
        text => Some(text.parse::<Cursor>().map_err(|error| Refusal::usage(error.to_string()))?),
    };
    // Watched from before the look, so that nothing between the two is missed.
    let mut newest = shared.store.event_watch();
    loop {
        newest.borrow_and_update();
        let arrivals = shared.store.arrivals(filter, known.clone()).await.map_err(foreign)?;
        if arrivals.any || !wait {
            return Ok(Sources::Since(arrivals));
        }
        tokio::select! {
            () = shared.stop.cancelled() => return Err(crate::sync::Gone.into()),
            changed = newest.changed() => changed.map_err(|_closed| crate::sync::Gone)?,
        }
    }
}

/// The store refuses a cursor for one reason.
fn foreign(error: store::Error) -> Refusal {
    if error.kind() != store::Kind::Refused {
        return error.into();
    }
    Refusal::new(StatusCode::CONFLICT, Code::Usage, Chain(&error).to_string())
        .hint("write to a new file")
}

fn cursor_header(cursor: &Cursor) -> Result<HeaderValue, Refusal> {
    let text = cursor.to_string();
    HeaderValue::from_str(&text).ok().filter(|_| text.len() <= CURSOR_BYTES_MAX).ok_or_else(|| {
        let message =
            "too many rows are stored but not listed for a file to go on from an earlier one";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, Code::DataErr, message)
            .hint("write the file anew, without `--append`")
    })
}

/// The accounts of the file, as it shows them, in the order of their ids.
async fn accounts(
    shared: &Shared,
    report: &Report,
    only: Option<AccountId>,
    format: Format,
) -> Result<Vec<Account>, Refusal> {
    let mut accounts = Vec::new();
    for account in &report.accounts {
        if account.identifying.is_none() && only.is_none_or(|id| id == account.id) {
            let mut account = shown(shared, report, account).await?;
            // All rows have to be looked at for that, and forms in the order of dates have no place for it.
            if format.by_account() {
                account.days = shared.store.days(account.id).await?;
            }
            accounts.push(account);
        }
    }
    accounts.sort_unstable_by_key(|account| account.id);
    Ok(accounts)
}

async fn shown(
    shared: &Shared,
    report: &Report,
    account: &state::Account,
) -> Result<Account, Refusal> {
    let facts = &account.facts;
    let (id, nickname) = (account.id, report.policy.nickname(account));
    let filter = BalanceFilter { account_id: Some(id), history: false };
    let stored = shared.store.balances(filter).collect().await?;
    let balances: Vec<Balance> = stored
        .into_iter()
        .filter_map(|row| {
            let date = row.balance.reference_date.unwrap_or_else(|| row.fetched_at.utc_date());
            let (balance_type, money) = (row.balance.balance_type, row.balance.money?);
            Some(Balance { balance_type, money, date })
        })
        .collect();
    let currency = facts.currency.clone();
    let currency = currency.or_else(|| Some(balances.first()?.money.currency.0.clone()));
    let iban = facts.iban.as_ref().map(Iban::normalised);
    let bban = facts.bban.as_ref().map(Iban::normalised);
    let number = iban.as_deref().or(bban.as_deref());
    let name = facts.name.as_deref().or(facts.product.as_deref());
    let id_text = id.to_string();
    let ledger = report.policy.rule(account).and_then(|rule| rule.ledger.clone());
    Ok(Account {
        id,
        title: nickname.or(name).or(number).unwrap_or(&id_text).to_owned(),
        ledger: ledger.unwrap_or_else(|| {
            LedgerAccount::default_for(nickname, number, currency.as_deref(), &id_text)
        }),
        currency,
        owner_name: facts.owner_name.clone(),
        institution_id: account.institution_id.0.clone(),
        balances,
        days: None,
        synced_at: account.last_synced_at,
        iban,
        bban,
    })
}

/// Beancount's names are stricter than hledger's, and the configuration takes both.
fn beancount_names(accounts: &[Account], style: &Style) -> Result<(), Refusal> {
    let own = accounts.iter().map(|account| &account.ledger);
    let bad = own.chain([&style.expenses, &style.income]).find(|name| !name.is_beancount());
    bad.map_or(Ok(()), |name| {
        let message = format!("`{name}` is not a name that Beancount takes");
        Err(Refusal::new(StatusCode::CONFLICT, Code::Config, message)
            .hint("its names look like `Assets:Bank:Giro`; change `ledger` in the configuration"))
    })
}

/// A file being written.
struct File {
    /// Also with the thread that reads rows, which writes them.
    sheet: Arc<Mutex<Sheet>>,
    by_account: bool,
    accounts: Vec<AccountId>,
    store: store::Store,
}

/// What rows are written with.
struct Sheet {
    /// `None`: JSON Lines.
    form: Option<Box<dyn Form>>,
    accounts: BTreeMap<AccountId, Account>,
    reader: Arc<dyn RowReader>,
    rules: BTreeMap<AccountId, Arc<Rule>>,
    left_out: u64,
    /// About how long the next piece will be, in bytes.
    length: usize,
}

/// Why a file ends early.
enum Ended {
    /// Nobody reads it.
    Unread,
    /// The database fails, or a row cannot be written.
    Failed,
}

impl From<store::Error> for Ended {
    fn from(_error: store::Error) -> Self {
        Self::Failed
    }
}

impl File {
    async fn write(self, mut pieces: Pieces, sources: Sources) {
        let poured = self.pour(&mut pieces, sources).await;
        let left_out = self.sheet().left_out;
        match poured {
            Ok(()) => pieces.end_with(LEFT_OUT, HeaderValue::from(left_out)).await,
            Err(Ended::Unread) => {}
            Err(Ended::Failed) => pieces.cut_short(),
        }
    }

    async fn pour(&self, pieces: &mut Pieces, sources: Sources) -> Result<(), Ended> {
        let begin = self.sheet().begin();
        send(pieces, begin).await?;
        match sources {
            Sources::Since(arrivals) => self.rows(pieces, arrivals.rows).await?,
            Sources::Whole(filter) if self.by_account => {
                for id in &self.accounts {
                    let filter = TransactionFilter { account_id: Some(*id), ..filter };
                    let open =
                        self.sheet().around(*id, |form, out, account| form.open(out, account));
                    send(pieces, open).await?;
                    self.rows(pieces, self.store.transactions(filter)).await?;
                    let close =
                        self.sheet().around(*id, |form, out, account| form.close(out, account));
                    send(pieces, close).await?;
                }
            }
            Sources::Whole(filter) => self.rows(pieces, self.store.transactions(filter)).await?,
        }
        let end = self.sheet().end();
        send(pieces, end).await
    }

    async fn rows(
        &self,
        pieces: &mut Pieces,
        listing: Listing<TransactionRow>,
    ) -> Result<(), Ended> {
        let sheet = Arc::clone(&self.sheet);
        let mut texts = listing.turned(move |rows| locked(&sheet).rows(&rows));
        while let Some(texts) = texts.next().await? {
            for text in texts {
                send(pieces, text.ok_or(Ended::Failed)?).await?;
            }
        }
        Ok(())
    }

    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        locked(&self.sheet)
    }
}

fn locked(sheet: &Mutex<Sheet>) -> MutexGuard<'_, Sheet> {
    sheet.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn send(pieces: &mut Pieces, piece: Vec<u8>) -> Result<(), Ended> {
    if piece.is_empty() || pieces.send(piece).await { Ok(()) } else { Err(Ended::Unread) }
}

impl Sheet {
    /// What stands before everything.
    fn begin(&mut self) -> Vec<u8> {
        let accounts: Vec<Account> = self.accounts.values().cloned().collect();
        self.written(|form, out| form.begin(out, &accounts))
    }

    /// What stands behind everything.
    fn end(&mut self) -> Vec<u8> {
        self.written(|form, out| form.end(out))
    }

    /// What stands before or behind the rows of an account.
    fn around(
        &mut self,
        id: AccountId,
        write: fn(&mut dyn Form, &mut String, &Account),
    ) -> Vec<u8> {
        let Some(account) = self.accounts.get(&id).cloned() else { return Vec::new() };
        self.written(|form, out| write(form, out, &account))
    }

    fn written(&mut self, write: impl FnOnce(&mut dyn Form, &mut String)) -> Vec<u8> {
        let mut text = String::new();
        if let Some(form) = &mut self.form {
            write(form.as_mut(), &mut text);
        }
        text.into_bytes()
    }

    /// Some rows; `None` if one cannot be written.
    fn rows(&mut self, rows: &[TransactionRow]) -> Option<Vec<u8>> {
        let Self { form, accounts, reader, rules, left_out, length } = self;
        // What is set aside for a piece waits with it for the client; what is too small doubles, and that is too much.
        let aside = length.saturating_add(length.div_ceil(8));
        let (mut text, mut lines) = (String::new(), Vec::new());
        match form {
            Some(_) => text.reserve(aside),
            None => lines.reserve(aside),
        }
        for row in rows {
            let rule = rules.get(&row.account_id).map(Arc::as_ref);
            rows::with_columns(row, (reader.as_ref(), rule), |row, shown| match form {
                None => view::transaction_line(&mut lines, row, shown, None).ok(),
                Some(form) => {
                    let account = accounts.get(&row.account_id);
                    let row = account.map(|account| Row { account, listed: row, shown });
                    let left = row.is_some_and(|row| !form.row(&mut text, &row));
                    *left_out = left_out.saturating_add(u64::from(left));
                    Some(())
                }
            })?;
        }
        let piece = if form.is_some() { text.into_bytes() } else { lines };
        *length = piece.len();
        Some(piece)
    }
}
