//! The ports: what the brain and the hands need from the world, as traits with types of our own.
//!
//! Adapters implement them ([`crate::gocardless`], the sandbox glue, tests); no adapter sees another. A second provider is
//! a second implementation of [`Provider`] and [`RowReader`]; nothing above has to change for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::account::{AccountFacts, Metadata};
use super::agreement::{Agreement, Terms};
use super::balance::Balance;
use super::failure::{Failure, Rate};
use super::id::{AgreementId, InstitutionId, ProviderAccountId, RequisitionId};
use super::institution::Institution;
use super::notice::Notice;
use super::reconfirmation::Reconfirmation;
use super::requisition::Requisition;
use super::secret::Secret;
use super::time::{BankDate, Now, UtcInstant};
use super::transaction::{Answer, AnswerMark, Columns, RowKey, Texts};

/// One operation at the provider. It is sent once; only the planner decides to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiCall {
    /// All institutions, of one country (ISO 3166 alpha-2) or of all.
    Institutions {
        /// Capitals.
        country: Option<String>,
    },
    /// One institution with its features.
    Institution(InstitutionId),
    /// Make terms of access.
    CreateAgreement {
        /// With whom.
        institution: InstitutionId,
        /// What is asked for.
        terms: Terms,
    },
    /// Read terms of access.
    Agreement(AgreementId),
    /// Make the page on which a person confirms that access goes on.
    CreateReconfirmation(AgreementId),
    /// Read what the person has said there.
    Reconfirmation(AgreementId),
    /// Begin linking.
    CreateRequisition(NewRequisition),
    /// Read where linking stands.
    Requisition(RequisitionId),
    /// One page of all requisitions, to find one that an interrupted call may have made.
    Requisitions {
        /// How many to leave out.
        offset: u32,
    },
    /// Remove a requisition with its agreements.
    DeleteRequisition(RequisitionId),
    /// What the provider knows about an account; free of the daily quota.
    Metadata(ProviderAccountId),
    /// Product, currency, owner.
    Details(ProviderAccountId),
    /// What is on the account.
    Balances(ProviderAccountId),
    /// What happened on it.
    Transactions {
        /// Which account.
        account: ProviderAccountId,
        /// From this civil date on; `None` asks without any filter.
        date_from: Option<BankDate>,
        /// The last answer for the same window: if it comes again, the reply is [`Reply::Unchanged`].
        known: Option<AnswerMark>,
    },
}

/// What a new requisition needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequisition {
    /// With whom.
    pub institution: InstitutionId,
    /// On which terms.
    pub agreement: AgreementId,
    /// Where the browser goes afterwards.
    pub redirect: String,
    /// Unguessable, unique.
    pub reference: String,
    /// Let the user choose accounts.
    pub account_selection: bool,
    /// Send the browser back before all history was read.
    pub redirect_immediate: bool,
}

/// A successful answer.
#[derive(Debug)]
pub enum Reply {
    /// Of [`ApiCall::Institutions`].
    Institutions(Vec<Institution>),
    /// Of [`ApiCall::Institution`].
    Institution(Institution),
    /// Of [`ApiCall::CreateAgreement`] and [`ApiCall::Agreement`].
    Agreement(Agreement),
    /// Of [`ApiCall::CreateReconfirmation`] and [`ApiCall::Reconfirmation`].
    Reconfirmation(Reconfirmation),
    /// Of [`ApiCall::CreateRequisition`] and [`ApiCall::Requisition`].
    Requisition(Requisition),
    /// Of [`ApiCall::Requisitions`].
    Requisitions {
        /// How many there are in all.
        count: u32,
        /// This page; those that could not be read are left out.
        results: Vec<Requisition>,
        /// Length of the page as sent.
        page_len: u32,
    },
    /// Of [`ApiCall::DeleteRequisition`].
    Deleted,
    /// Of [`ApiCall::Metadata`].
    Metadata(Metadata),
    /// Of [`ApiCall::Details`].
    Details(AccountFacts),
    /// Of [`ApiCall::Balances`].
    Balances(Vec<Balance>),
    /// Of [`ApiCall::Transactions`].
    Transactions(Answer),
    /// Of [`ApiCall::Transactions`]: the known answer again, byte for byte.
    Unchanged {
        /// When the provider last asked the bank, as given.
        last_updated: Option<String>,
    },
}

/// A reply and what came with it.
#[derive(Debug)]
pub struct Answered {
    /// The content.
    pub reply: Reply,
    /// The rate headers.
    pub rate: Rate,
    /// The server's clock.
    pub server_date: Option<UtcInstant>,
}

/// A data provider. Sends each call once, without retry.
pub trait Provider {
    /// Makes one call. Dropping the future abandons the answer, not the call.
    fn call(&self, call: ApiCall) -> impl Future<Output = Result<Answered, Failure>> + Send;

    /// What the adapter has to tell besides answers (such as "a token was issued"), since it was last asked.
    fn take_notices(&self) -> Vec<Notice>;

    /// No call is due for a while: what was kept for the next one can be given up.
    fn rest(&self);
}

/// How a provider's raw rows are read. Pure; never fails: what is not understood is null and flagged.
pub trait RowReader: Send + Sync + fmt::Debug {
    /// Dates and whether the row was understood: cheap.
    fn key(&self, raw: &str) -> RowKey;
    /// All columns.
    fn read<'r>(&self, raw: &'r str) -> Columns<'r>;
    /// Its single texts.
    fn texts(&self, raw: &str) -> Texts;
    /// Whether a raw balance counts an unused credit limit as money.
    fn includes_credit_limit(&self, balance: &str) -> bool;
}

/// HTTP methods the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

impl Method {
    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request without the host: the transport knows the one origin that may be called.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Below the API's base, no leading slash, query included, percent-encoded.
    pub path: String,
    /// For the `Authorization` header.
    pub bearer: Option<Secret>,
    /// JSON text.
    pub body: Option<Secret>,
}

/// An answer in full.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, values as text; those that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Body,
}

/// Lends the memory of bodies, and counts it.
pub trait Lender: Send + Sync {
    /// Takes the memory of a body back, whatever is in it.
    fn take_back(&self, bytes: Vec<u8>);
}

/// A decoded body. When it is dropped, its memory goes back to whom it belongs.
pub struct Body {
    bytes: Vec<u8>,
    lender: Option<Box<dyn Lender>>,
}

impl Body {
    /// A body, and whose its memory is, if it counts against a limit.
    pub fn new(bytes: Vec<u8>, lender: Option<Box<dyn Lender>>) -> Self {
        Self { bytes, lender }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same memory as text, checked once; `None` if it is not UTF-8.
    pub fn into_text(mut self) -> Option<TextBody> {
        let text = String::from_utf8(std::mem::take(&mut self.bytes)).ok()?;
        Some(TextBody { text, lender: self.lender.take() })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(lender) = &self.lender {
            lender.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// A decoded body that is UTF-8.
pub struct TextBody {
    text: String,
    lender: Option<Box<dyn Lender>>,
}

impl TextBody {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Drop for TextBody {
    fn drop(&mut self) {
        if let Some(lender) = &self.lender {
            lender.take_back(std::mem::take(&mut self.text).into_bytes());
        }
    }
}

impl fmt::Debug for TextBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextBody({} bytes)", self.text.len())
    }
}

/// Why there is no [`Response`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No connection was made: the request did not leave.
    Unreachable,
    /// A time-out after the request may have left.
    TimedOut,
    /// The connection broke.
    Broken,
    /// The body is over the limit.
    TooLarge,
    /// The request could not be built: a programming or configuration fault.
    Invalid,
}

/// Sends one request to the one origin. Boxed, so that a daemon can be built over any transport.
pub trait Transport: Send + Sync {
    /// Sends once: no redirect, no retry.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;

    /// No request is due for a while: what was kept for the next one can be given up.
    fn rest(&self) {}
}

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The time.
pub trait Clock: Send + Sync {
    /// Wall and monotonic time together.
    fn now(&self) -> Now;
    /// Resolves when the monotonic clock has passed `mono_ms`.
    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()>;
}

/// Random bits: ids, references and jitter come from here, so that a seed repeats bit for bit.
pub trait Entropy: Send + Sync {
    /// 128 random bits.
    fn bits(&self) -> u128;

    /// 256 of them, as a seed or a key.
    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        for half in seed.chunks_exact_mut(16) {
            half.copy_from_slice(&self.bits().to_be_bytes());
        }
        seed
    }
}

/// Where a provider keeps the few secrets that must outlive a restart (tokens): encrypted, by name.
pub trait Vault: Send + Sync {
    /// Reads a value; `None` if it was never written.
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, VaultError>>;
    /// Writes a value durably, or removes it.
    fn save<'a>(
        &'a self,
        name: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), VaultError>>;
}

/// The vault cannot be used now (disk full, database gone).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultError;
