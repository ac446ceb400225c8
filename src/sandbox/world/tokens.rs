//! Access and refresh tokens: shaped like the provider's JWTs, valid only because the world
//! remembers them.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::time::{SECOND_MS, UtcInstant};

use super::super::rng::Rng;
use super::super::wire::{HttpRequest, HttpResponse};
use super::input::Fields;
use super::problems::{FieldErrors, address_denied, flat, invalid_token};
use super::{Answer, World};

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Access,
    Refresh,
}

/// All tokens that are still valid.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, (Kind, UtcInstant)>);

impl Tokens {
    fn mint(&mut self, rng: &mut Rng, kind: Kind, now: UtcInstant, life_s: i64) -> String {
        // Ended ones go whenever a new one comes, so the map stays as small as the number of valid
        // ones.
        self.0.retain(|_, (_, until)| *until > now);
        let until = now.plus_s(life_s);
        let word = if kind == Kind::Access { "access" } else { "refresh" };
        let exp = until.ms().div_euclid(SECOND_MS);
        let claims = json!({"token_type": word, "exp": exp, "jti": rng.uuid()}).to_string();
        let signature: Vec<u8> = (0..4).flat_map(|_| rng.bits().to_be_bytes()).collect();
        let token = format!(
            "{}.{}.{}",
            base64url(br#"{"alg":"HS256","typ":"JWT"}"#),
            base64url(claims.as_bytes()),
            base64url(&signature)
        );
        self.0.insert(token.clone(), (kind, until));
        token
    }

    fn valid(&self, token: &str, kind: Kind, now: UtcInstant) -> bool {
        self.0.get(token).is_some_and(|(own, until)| *own == kind && *until > now)
    }
}

impl World {
    /// Whether the request may pass: its token first, then its address.
    pub(super) fn authenticate(
        &self,
        now: UtcInstant,
        request: &HttpRequest,
    ) -> Result<(), HttpResponse> {
        let bearer =
            request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if !bearer.is_some_and(|token| self.tokens.valid(token, Kind::Access, now)) {
            return Err(invalid_token());
        }
        self.check_address()
    }

    pub(super) fn check_address(&self) -> Result<(), HttpResponse> {
        if self.address_allowed { Ok(()) } else { Err(address_denied()) }
    }

    pub(super) fn token_new(&mut self, now: UtcInstant, request: &HttpRequest) -> Answer {
        let fields = Fields::of(request, &["secret_id", "secret_key"])?;
        let mut errors = FieldErrors::default();
        let id = fields.required_text("secret_id", &mut errors);
        let key = fields.required_text("secret_key", &mut errors);
        errors.answer(400)?;
        if !self.config.secrets.iter().any(|(own_id, own_key)| *own_id == id && *own_key == key) {
            let detail = "No active account found with the given credentials";
            return Err(flat(401, "Authentication failed", detail));
        }
        self.check_address()?;
        let (access_s, refresh_s) = (self.config.access_token_s, self.config.refresh_token_s);
        let access = self.tokens.mint(&mut self.rng, Kind::Access, now, access_s);
        let refresh = self.tokens.mint(&mut self.rng, Kind::Refresh, now, refresh_s);
        Ok(HttpResponse::json(
            200,
            &json!({"access": access, "access_expires": access_s,
                "refresh": refresh, "refresh_expires": refresh_s}),
        ))
    }

    pub(super) fn token_refresh(&mut self, now: UtcInstant, request: &HttpRequest) -> Answer {
        let fields = Fields::of(request, &["refresh"])?;
        let mut errors = FieldErrors::default();
        let refresh = fields.required_text("refresh", &mut errors);
        errors.answer(400)?;
        if !self.tokens.valid(&refresh, Kind::Refresh, now) {
            return Err(invalid_token());
        }
        self.check_address()?;
        let life_s = self.config.access_token_s;
        let access = self.tokens.mint(&mut self.rng, Kind::Access, now, life_s);
        Ok(HttpResponse::json(200, &json!({"access": access, "access_expires": life_s})))
    }

    /// Ends all access tokens before their time, and the refresh tokens too if asked.
    pub fn revoke_tokens(&mut self, refresh_too: bool) {
        self.tokens.0.retain(|_, (kind, _)| *kind == Kind::Refresh && !refresh_too);
    }

    /// Replaces the secrets that get tokens; tokens already given stay valid.
    pub fn set_secrets(&mut self, secrets: Vec<(String, String)>) {
        self.config.secrets = secrets;
    }

    /// Whether the caller's address is among those of its secret.
    pub fn set_address_allowed(&mut self, allowed: bool) {
        self.address_allowed = allowed;
    }
}

/// Base64 with the URL-safe alphabet and without padding (RFC 4648 section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, place| {
            (group << 8) | u32::from(chunk.get(place).copied().unwrap_or(0))
        });
        for place in 0..=chunk.len() {
            let shift = 18 - 6 * u32::try_from(place).unwrap_or(0);
            let digit = usize::try_from((group >> shift) & 63).unwrap_or(0);
            out.push(ALPHABET.get(digit).copied().map_or('A', char::from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")]
        {
            assert_eq!(base64url(plain.as_bytes()), coded);
        }
        assert_eq!(base64url(&[0xFB, 0xFF]), "-_8");
    }
}
