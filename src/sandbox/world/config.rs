//! What a world is made with. All of it has defaults that a plain sandbox wants.

/// How the daily limit per account and scope gives calls back; the provider does not publish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaRule {
    /// A window opens with the first successful call and lasts 24 h; then all calls are back. Fits
    /// the waits seen live.
    FromFirstUse,
    /// Each call comes back 24 h after it was made.
    Sliding,
}

/// Company limits (knowledge base article 11529637772188, read 2026-11) and the daily limit per
/// account and scope (article 11529584398236).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All `accounts/` calls together.
    pub accounts_per_minute: u32,
    /// Both institution endpoints.
    pub institutions_per_minute: u32,
    /// POST of agreements, and of requisitions: each.
    pub creations_per_minute: u32,
    /// GET of agreements, and of requisitions: each.
    pub reads_per_minute: u32,
    /// DELETE and PUT: each resource.
    pub changes_per_minute: u32,
    /// `token/new/`.
    pub tokens_per_hour: u32,
    /// `token/refresh/`.
    pub refreshes_per_minute: u32,
    /// Successful calls per account and scope.
    pub daily: u32,
    /// How those come back.
    pub rule: QuotaRule,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts_per_minute: 100,
            institutions_per_minute: 300,
            creations_per_minute: 100,
            reads_per_minute: 300,
            changes_per_minute: 100,
            tokens_per_hour: 100,
            refreshes_per_minute: 100,
            daily: 4,
            rule: QuotaRule::FromFirstUse,
        }
    }
}

/// How a world is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldConfig {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Pairs of secret id and secret key that get tokens.
    pub secrets: Vec<(String, String)>,
    /// Accounts at each institution; `None`: as many as the institution usually has.
    pub accounts_per_institution: Option<u32>,
    /// For how many days before its start the world's accounts have existed.
    pub past_days: u32,
    /// Card payments in percent of the usual (about 1.5 a day on a current account).
    pub activity_percent: u32,
    /// The person authorises by itself this long after a requisition was made, or when the link is
    /// opened.
    pub auto_authorise_after_s: Option<i64>,
    /// Time between the steps of the consent, in seconds: 0 links at once.
    pub consent_step_s: i64,
    /// How long the first reading of more than 90 days of history takes.
    pub processing_s: i64,
    /// Limits.
    pub limits: Limits,
    /// Life of an access token.
    pub access_token_s: i64,
    /// Life of a refresh token.
    pub refresh_token_s: i64,
    /// Counted failures in a row after which the metadata say `ERROR`.
    pub error_after: u32,
    /// Counted failures in a row after which an account is suspended.
    pub suspend_after: u32,
    /// Whether a 429 for the daily limit carries the account's headers; live answers are said to.
    pub account_headers_on_429: bool,
    /// Linked requisitions beyond which creation is refused with 402; the public test bank is free.
    pub free_connections: Option<u32>,
    /// Whether the company may use reconfirmation.
    pub reconfirmation_allowed: bool,
    /// How many requests the log keeps; older ones are dropped, counters are not.
    pub log_capacity: usize,
    /// Whether the world remembers each row that an answer showed.
    pub remember_shown: bool,
}

/// The secret id of a world with default configuration.
pub const SECRET_ID: &str = "sandbox-secret-id";
/// The secret key of a world with default configuration.
pub const SECRET_KEY: &str = "sandbox-secret-key";

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            secrets: vec![(SECRET_ID.to_owned(), SECRET_KEY.to_owned())],
            accounts_per_institution: None,
            past_days: 760,
            activity_percent: 100,
            auto_authorise_after_s: None,
            consent_step_s: 0,
            processing_s: 60,
            limits: Limits::default(),
            access_token_s: 86_400,
            refresh_token_s: 2_592_000,
            error_after: 3,
            suspend_after: 10,
            account_headers_on_429: true,
            free_connections: None,
            reconfirmation_allowed: true,
            log_capacity: 100_000,
            remember_shown: true,
        }
    }
}
