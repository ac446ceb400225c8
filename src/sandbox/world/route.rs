//! The operations of the API by method and path, and which company limit each falls under.

use super::Scope;
use super::config::Limits;

/// One operation of the API, with the id in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    TokenNew,
    TokenRefresh,
    Institutions,
    Institution(String),
    Agreements,
    Agreement(String),
    Accept(String),
    Reconfirm(String),
    Requisitions,
    Requisition(String),
    Metadata(String),
    Data(String, Scope),
}

impl Route {
    /// From the path below `/api/v2/`, which ends with a slash.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_suffix('/')?.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        Some(match parts.as_slice() {
            ["token", "new"] => Self::TokenNew,
            ["token", "refresh"] => Self::TokenRefresh,
            ["institutions"] => Self::Institutions,
            ["institutions", id] => Self::Institution((*id).to_owned()),
            ["agreements", "enduser"] => Self::Agreements,
            ["agreements", "enduser", id] => Self::Agreement((*id).to_owned()),
            ["agreements", "enduser", id, "accept"] => Self::Accept((*id).to_owned()),
            ["agreements", "enduser", id, "reconfirm"] => Self::Reconfirm((*id).to_owned()),
            ["requisitions"] => Self::Requisitions,
            ["requisitions", id] => Self::Requisition((*id).to_owned()),
            ["accounts", id] => Self::Metadata((*id).to_owned()),
            ["accounts", id, scope] => Self::Data((*id).to_owned(), Scope::parse(scope)?),
            _ => return None,
        })
    }

    /// The methods it answers to.
    pub(super) const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::TokenNew | Self::TokenRefresh => &["POST"],
            Self::Institutions | Self::Institution(_) | Self::Metadata(_) | Self::Data(..) => {
                &["GET"]
            }
            Self::Agreements | Self::Requisitions | Self::Reconfirm(_) => &["GET", "POST"],
            Self::Agreement(_) | Self::Requisition(_) => &["GET", "DELETE"],
            Self::Accept(_) => &["PUT"],
        }
    }

    /// The limit it counts against.
    pub(super) fn class(&self, method: &str) -> Class {
        match (self, method) {
            (Self::TokenNew, _) => Class::TokenNew,
            (Self::TokenRefresh, _) => Class::TokenRefresh,
            (Self::Institutions | Self::Institution(_), _) => Class::Institutions,
            (Self::Metadata(_) | Self::Data(..), _) => Class::Accounts,
            (Self::Requisitions | Self::Requisition(_), "POST") => Class::CreateRequisition,
            (Self::Requisitions | Self::Requisition(_), "GET") => Class::ReadRequisitions,
            (Self::Requisitions | Self::Requisition(_), _) => Class::ChangeRequisitions,
            (_, "POST") => Class::CreateAgreement,
            (_, "GET") => Class::ReadAgreements,
            _ => Class::ChangeAgreements,
        }
    }
}

/// Resources that share one company limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    TokenNew,
    TokenRefresh,
    Institutions,
    Accounts,
    CreateAgreement,
    ReadAgreements,
    ChangeAgreements,
    CreateRequisition,
    ReadRequisitions,
    ChangeRequisitions,
}

impl Class {
    /// Calls, seconds, and the word for the period.
    pub(super) const fn limit(self, limits: &Limits) -> (u32, i64, &'static str) {
        let calls = match self {
            Self::TokenNew => return (limits.tokens_per_hour, 3_600, "hour"),
            Self::TokenRefresh => limits.refreshes_per_minute,
            Self::Institutions => limits.institutions_per_minute,
            Self::Accounts => limits.accounts_per_minute,
            Self::CreateAgreement | Self::CreateRequisition => limits.creations_per_minute,
            Self::ReadAgreements | Self::ReadRequisitions => limits.reads_per_minute,
            Self::ChangeAgreements | Self::ChangeRequisitions => limits.changes_per_minute,
        };
        (calls, 60, "minute")
    }
}

/// Whether a text is a UUID in its usual form.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_need_their_last_slash() {
        assert_eq!(Route::parse("accounts/x/"), Some(Route::Metadata("x".to_owned())));
        assert_eq!(
            Route::parse("accounts/x/balances/"),
            Some(Route::Data("x".to_owned(), Scope::Balances))
        );
        for path in
            ["accounts/x", "accounts/x/holdings/", "", "/", "accounts//", "accounts/premium/x/y/"]
        {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("2dea1b84-97b0-4cb4-8805-302c227587c8"));
        assert!(!is_uuid("272785d5-de45-4efb-aa1a-f8157ffa94"));
        assert!(!is_uuid("2dea1b84-97b0-4cb4-8805-302c227587c8-"));
        assert!(!is_uuid("2dea1b8497b04cb48805302c227587c8"));
    }
}
