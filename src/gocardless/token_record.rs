//! What is known of a pair of tokens, as the API grants it and as the vault keeps it.
//!
//! Lifetimes are durations on the wire and instants in the record. A record that is not understood, or that belongs to
//! another secret or server, is as good as none.

use serde::Serialize;

use super::token::{Credentials, TokenEvent};
use super::wire::{Json, count, filled, pick};
use crate::model::secret::Secret;
use crate::model::time::{HOUR_MS, SECOND_MS, UtcInstant};

/// What the documentation says, where an answer does not.
const ACCESS_LIFETIME_S: u32 = 86_400;
/// Likewise.
const REFRESH_LIFETIME_S: u32 = 2_592_000;
/// No token is believed to live shorter or longer.
const LIFETIME_S: std::ops::RangeInclusive<u32> = 60..=34_560_000;
/// How long before its end an access token is renewed; a quarter of its life if that is less.
const RENEWAL_LEAD_MS: i64 = HOUR_MS;
/// Longest token: it travels in a header.
const TOKEN_BYTES_MAX: usize = 8_192;
/// Separates this use of BLAKE3 from any other.
const FINGERPRINT_CONTEXT: &str = "banksyncd 2026-11-23 gocardless token fingerprint";

/// A 200 of the token endpoints. Only `token/new` brings a refresh token.
pub(super) struct Grant {
    access: Secret,
    access_lifetime_ms: i64,
    refresh: Option<(Secret, i64)>,
}

impl Grant {
    /// `None` if there is no access token in it.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let [access, access_expires, refresh, refresh_expires] =
            pick(body, ["access", "access_expires", "refresh", "refresh_expires"])?;
        let lifetime_ms = |seconds: Option<u32>, documented: u32| {
            let seconds =
                seconds.unwrap_or(documented).clamp(*LIFETIME_S.start(), *LIFETIME_S.end());
            i64::from(seconds).saturating_mul(SECOND_MS)
        };
        Some(Self {
            access: token(access)?,
            access_lifetime_ms: lifetime_ms(count(access_expires), ACCESS_LIFETIME_S),
            refresh: token(refresh)
                .map(|token| (token, lifetime_ms(count(refresh_expires), REFRESH_LIFETIME_S))),
        })
    }

    /// The access token alone.
    pub(super) fn access(self) -> Secret {
        self.access
    }
}

/// A text that can stand in a header.
fn token(raw: Option<Json<'_>>) -> Option<Secret> {
    let text = filled(raw)?;
    let fits = text.len() <= TOKEN_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(text.into_owned()))
}

/// How and when (monotonic) this process came by an access token.
pub(super) struct Obtained {
    pub(super) how: TokenEvent,
    pub(super) at_ms: i64,
}

/// A token with its end.
pub(super) struct Lasting {
    token: Secret,
    ends_at: UtcInstant,
}

/// The tokens held.
pub(super) struct Held {
    pub(super) access: Secret,
    renew_at: UtcInstant,
    ends_at: UtcInstant,
    /// The API said `Invalid token`.
    pub(super) refused: bool,
    pub(super) refresh: Option<Lasting>,
    /// `None` for one from the vault.
    pub(super) obtained: Option<Obtained>,
}

impl Held {
    /// From a grant; the former refresh token goes on where the grant has none.
    pub(super) fn new(
        grant: Grant,
        former: Option<Lasting>,
        now: UtcInstant,
        obtained: Obtained,
    ) -> Self {
        let quarter_ms = grant.access_lifetime_ms.div_euclid(4);
        let ends_at = now.plus_ms(grant.access_lifetime_ms);
        let granted = grant
            .refresh
            .map(|(token, lifetime_ms)| Lasting { token, ends_at: now.plus_ms(lifetime_ms) });
        Self {
            access: grant.access,
            renew_at: ends_at.plus_ms(RENEWAL_LEAD_MS.min(quarter_ms).saturating_neg()),
            ends_at,
            refused: false,
            refresh: granted.or(former),
            obtained: Some(obtained),
        }
    }

    /// The access token, if it can still be good.
    pub(super) fn usable(&self, now: UtcInstant) -> Option<&Secret> {
        (!self.refused && now < self.ends_at).then_some(&self.access)
    }

    /// Whether it is time for another access token.
    pub(super) fn renewal_is_due(&self, now: UtcInstant) -> bool {
        self.refused || now >= self.renew_at
    }

    /// The refresh token, if it can still be good.
    pub(super) fn usable_refresh(&self, now: UtcInstant) -> Option<&Secret> {
        self.refresh.as_ref().filter(|refresh| now < refresh.ends_at).map(|refresh| &refresh.token)
    }

    /// For the vault.
    pub(super) fn record(&self, fingerprint: &str) -> Secret {
        let record = Record {
            fingerprint,
            access: self.access.expose(),
            access_renew_at_ms: self.renew_at.ms(),
            access_ends_at_ms: self.ends_at.ms(),
            refresh: self.refresh.as_ref().map(|refresh| refresh.token.expose()),
            refresh_ends_at_ms: self.refresh.as_ref().map(|refresh| refresh.ends_at.ms()),
        };
        // Strings and numbers only: this cannot fail, and an empty record is read as none.
        Secret::new(serde_json::to_string(&record).unwrap_or_default())
    }

    /// From the vault; `None` if it is not for this fingerprint.
    pub(super) fn parse(record: &Secret, fingerprint: &str) -> Option<Self> {
        let [given, access, renew_at, ends_at, refresh, refresh_ends_at] = pick(
            record.expose(),
            [
                "fingerprint",
                "access",
                "access_renew_at_ms",
                "access_ends_at_ms",
                "refresh",
                "refresh_ends_at_ms",
            ],
        )?;
        if filled(given)? != fingerprint {
            return None;
        }
        let instant = |raw| filled(raw)?.parse().ok().map(UtcInstant::from_ms);
        let refresh = token(refresh).zip(instant(refresh_ends_at));
        Some(Self {
            access: token(access)?,
            renew_at: instant(renew_at)?,
            ends_at: instant(ends_at)?,
            refused: false,
            refresh: refresh.map(|(token, ends_at)| Lasting { token, ends_at }),
            obtained: None,
        })
    }
}

#[derive(Serialize)]
struct Record<'a> {
    fingerprint: &'a str,
    access: &'a str,
    access_renew_at_ms: i64,
    access_ends_at_ms: i64,
    refresh: Option<&'a str>,
    refresh_ends_at_ms: Option<i64>,
}

/// Tells one secret and server from another without giving either away.
pub(super) fn fingerprint(credentials: &Credentials) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(FINGERPRINT_CONTEXT);
    for part in [
        credentials.api_base.as_str(),
        credentials.secret_id.expose(),
        credentials.secret_key.expose(),
    ] {
        hasher.update(part.as_bytes());
        // No text holds this byte, so that the parts cannot run into each other.
        hasher.update(&[0xff]);
    }
    hasher.finalize().to_hex().to_string()
}
