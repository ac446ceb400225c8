//! Identifiers: ours (prefix + ULID, for ever) and the provider's (text, may die with a link).
//!
//! Ours are `acc_`, `lnk_`, `txn_` and `run_` followed by 26 lower-case characters of a ULID
//! (<https://github.com/ulid/spec>). The provider's ids are opaque text; they are compared, sent back and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::time::UtcInstant;

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What the written form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// From the instant of creation (milliseconds) and 80 random bits.
            pub fn new(created_ms: i64, random: u128) -> Self {
                Self(Ulid::from_parts(created_ms.max(0).unsigned_abs(), random).0)
            }

            /// When it was made.
            pub fn created_at(self) -> UtcInstant {
                let ms = Ulid(self.0).timestamp_ms();
                UtcInstant::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
            }

            /// The 80 random bits.
            pub fn random(self) -> u128 {
                Ulid(self.0).random()
            }

            /// The 128 bits.
            pub const fn bits(self) -> u128 {
                self.0
            }

            /// From the 128 bits.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; ulid::ULID_LEN];
                let text = Ulid(self.0).array_to_str(&mut buffer);
                text.make_ascii_lowercase();
                f.write_str(Self::PREFIX)?;
                f.write_str(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                let body = text.strip_prefix(Self::PREFIX).ok_or(())?;
                Ulid::from_string(body).map(|id| Self(id.0)).map_err(|_: ulid::DecodeError| ())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|()| serde::de::Error::custom(concat!("expected an id ", $prefix, "…")))
            }
        }
    };
}

own_id!(
    /// An account as we know it: stays when a new link gives it new provider ids.
    AccountId, "acc_");
own_id!(
    /// A link: agreement + requisition + the accounts it opened.
    LinkId, "lnk_");
own_id!(
    /// One payment, for ever.
    TransactionId, "txn_");
own_id!(
    /// One pass over one account.
    RunId, "run_");
own_id!(
    /// One event on its way to one target: the same however often it is sent.
    MessageId, "msg_");

/// A row of the call ledger: an increasing integer, as the store hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub i64);

macro_rules! provider_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

provider_id!(
    /// The bank that holds the account, such as `N26_NTSBDEB1`.
    InstitutionId);
provider_id!(
    /// Terms of access at the provider.
    AgreementId);
provider_id!(
    /// A linking process at the provider.
    RequisitionId);
provider_id!(
    /// The provider's handle of an account; may change with every link.
    ProviderAccountId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_form_is_prefix_and_26_lower_case_characters() {
        let id = AccountId::new(1_761_897_503_836, 7);
        let text = id.to_string();
        assert_eq!(text.len(), 4 + 26);
        assert_eq!(text, text.to_lowercase());
        assert_eq!(text.parse(), Ok(id));
        assert_eq!("lnk_x".parse::<LinkId>(), Err(()));
        assert_eq!(text.parse::<LinkId>(), Err(()));
    }
}
