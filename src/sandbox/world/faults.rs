//! Faults on request: rules that spoil answers, for a number of times or until an instant.
//!
//! Each kind acts at one of three places. At the edge, before the API has seen the request: nothing
//! is counted. At the bank, in the middle of a data call: the failure counts as the bank's. On the
//! answer, after everything was done and counted: the work is lost on the way. A request meets at
//! most one fault per place.

use serde::Deserialize;
use serde_json::json;

use crate::model::time::UtcInstant;

use super::super::wire::{Delivery, HttpResponse};
use super::Scope;
use super::problems::BankProblem;

/// Which requests a fault concerns: all given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultMatch {
    /// The path begins with this, such as `/api/v2/token/`.
    pub path_prefix: Option<String>,
    /// In capitals.
    pub method: Option<String>,
    /// An account's id.
    pub account: Option<String>,
    /// A data endpoint.
    pub scope: Option<Scope>,
    /// The institution of the account in the path.
    pub institution: Option<String>,
}

/// The JSON shapes of errors seen live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `{"summary", "detail", "status_code"}`.
    #[default]
    Flat,
    /// The same without `status_code`.
    FlatWithoutStatus,
    /// The same with lists of texts.
    FlatLists,
    /// Field → object.
    FieldObject,
    /// Field → list of objects.
    FieldObjects,
    /// Field → list of texts.
    FieldStrings,
    /// Several fields, each in another shape.
    Mixed,
    /// An account object instead of an error.
    AccountObject,
    /// Broken JSON under a JSON content type.
    NotJson,
}

/// Other spellings of the rate headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelling {
    /// `http-x-ratelimit-…`.
    Dashes,
    /// `x-ratelimit-…`.
    Short,
    /// `HTTP_X_RATELIMIT_…`.
    Capitals,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Between provider and bank; only data calls that get that far.
    Bank {
        /// Which of the typed errors.
        problem: BankProblem,
    },
    /// Any status with a body of any shape, from the edge.
    Status {
        /// HTTP status.
        status: u16,
        /// How the body looks.
        #[serde(default)]
        shape: Shape,
        /// In the body; a plain sentence if absent.
        #[serde(default)]
        summary: Option<String>,
        /// In the body; a plain sentence if absent.
        #[serde(default)]
        detail: Option<String>,
    },
    /// A page instead of JSON, from the edge.
    Html {
        /// HTTP status.
        status: u16,
    },
    /// No body, from the edge.
    Empty {
        /// HTTP status.
        status: u16,
    },
    /// No answer ever.
    Silent {
        /// Whether the request was carried out and counted all the same.
        processed: bool,
    },
    /// The connection breaks without an answer.
    Reset {
        /// Whether the request was carried out and counted all the same.
        processed: bool,
    },
    /// The body ends early although everything was counted.
    Truncated {
        /// How much of it arrives, in thousandths.
        keep_permille: u16,
    },
    /// The rate headers are missing.
    MissingHeaders,
    /// The rate headers are spelled otherwise.
    HeaderSpelling {
        /// How.
        spelling: Spelling,
    },
    /// The rate headers all hold this text.
    WrongHeaders {
        /// Such as `-1` or `soon`.
        value: String,
    },
    /// The answer comes late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
    /// The answer is followed by blanks up to this length.
    Oversized {
        /// Length of the body.
        bytes: usize,
    },
    /// The answer has another content type.
    ContentType {
        /// Such as `text/plain`.
        value: String,
    },
    /// The `Date` header is off by this much.
    DateSkew {
        /// Seconds, negative for a server clock that is behind.
        seconds: i64,
    },
}

/// Where in the life of a request a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Edge,
    Bank,
    Answer,
}

impl FaultKind {
    const fn place(&self) -> Place {
        match self {
            Self::Bank { .. } => Place::Bank,
            Self::Status { .. }
            | Self::Html { .. }
            | Self::Empty { .. }
            | Self::Silent { processed: false }
            | Self::Reset { processed: false } => Place::Edge,
            Self::Silent { processed: true }
            | Self::Reset { processed: true }
            | Self::Truncated { .. }
            | Self::MissingHeaders
            | Self::HeaderSpelling { .. }
            | Self::WrongHeaders { .. }
            | Self::Slow { .. }
            | Self::Oversized { .. }
            | Self::ContentType { .. }
            | Self::DateSkew { .. } => Place::Answer,
        }
    }

    /// The answer of a fault at the edge.
    pub(super) fn edge_answer(&self) -> HttpResponse {
        let mut response = HttpResponse::html(502, "");
        match self {
            Self::Status { status, shape, summary, detail } => {
                let summary = summary.as_deref().unwrap_or("Fault on request");
                let detail = detail.as_deref().unwrap_or("This fault was ordered");
                return shaped(*status, *shape, summary, detail);
            }
            Self::Html { status } => {
                let page = format!("<html><body><h1>{status}</h1><p>edge</p></body></html>");
                return HttpResponse::html(*status, &page);
            }
            Self::Empty { status } => response.status = *status,
            Self::Silent { .. } => response.delivery = Delivery::Silent,
            _ => response.delivery = Delivery::Reset,
        }
        response
    }

    /// What a fault on the way does to an answer.
    pub(super) fn spoil(&self, response: &mut HttpResponse) {
        match self {
            Self::Silent { .. } => response.delivery = Delivery::Silent,
            Self::Reset { .. } => response.delivery = Delivery::Reset,
            Self::Truncated { keep_permille } => {
                let kept =
                    usize::from((*keep_permille).min(999)).saturating_mul(response.body.len());
                response.delivery = Delivery::Cut { bytes: kept.div_euclid(1_000) };
            }
            Self::Slow { delay_ms } => response.delivery = Delivery::Late { delay_ms: *delay_ms },
            Self::Oversized { bytes } => {
                response.body.resize((*bytes).max(response.body.len()), b' ');
            }
            Self::ContentType { value } => {
                for (name, own) in &mut response.headers {
                    if name == "content-type" {
                        own.clone_from(value);
                    }
                }
            }
            Self::MissingHeaders => response.headers.retain(|(name, _)| !is_rate(name)),
            Self::HeaderSpelling { spelling } => {
                for (name, _) in response.headers.iter_mut().filter(|(name, _)| is_rate(name)) {
                    *name = spelling.of(name);
                }
            }
            Self::WrongHeaders { value } => {
                for (_, own) in response.headers.iter_mut().filter(|(name, _)| is_rate(name)) {
                    own.clone_from(value);
                }
            }
            // The date is set by the world; the rest acts elsewhere.
            Self::DateSkew { .. }
            | Self::Bank { .. }
            | Self::Status { .. }
            | Self::Html { .. }
            | Self::Empty { .. } => {}
        }
    }
}

fn is_rate(name: &str) -> bool {
    name.starts_with("http_x_ratelimit")
}

impl Spelling {
    fn of(self, name: &str) -> String {
        let dashes = name.replace('_', "-");
        match self {
            Self::Dashes => dashes,
            Self::Short => dashes.strip_prefix("http-").unwrap_or(&dashes).to_owned(),
            Self::Capitals => name.to_ascii_uppercase(),
        }
    }
}

fn shaped(status: u16, shape: Shape, summary: &str, detail: &str) -> HttpResponse {
    let pair = json!({"summary": summary, "detail": detail});
    let body = match shape {
        Shape::Flat => json!({"summary": summary, "detail": detail, "status_code": status}),
        Shape::FlatWithoutStatus => pair,
        Shape::FlatLists => {
            json!({"summary": [summary], "detail": [detail], "status_code": status})
        }
        Shape::FieldObject => json!({"institution_id": pair, "status_code": status}),
        Shape::FieldObjects => json!({"access_scope": [pair], "status_code": status}),
        Shape::FieldStrings => json!({"redirect": [summary], "status_code": status}),
        Shape::Mixed => {
            json!({"institution_id": [summary], "access_valid_for_days": pair,
                "status_code": status})
        }
        Shape::AccountObject => json!({
            "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "created": "2025-10-31 07:58:23.836351+00:00",
            "last_accessed": "2025-10-31 07:58:23.836360+00:00", "iban": "", "aspsp_identifier": "",
            "status": "ERROR"}),
        Shape::NotJson => {
            let body = format!("{{\"summary\": \"{summary}\", ");
            return HttpResponse::of(status, "application/json", body.into_bytes());
        }
    };
    HttpResponse::json(status, &body)
}

/// A rule: which requests, what happens, how often or how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests; all of the API if left out.
    #[serde(default)]
    pub matching: FaultMatch,
    /// What happens.
    pub what: FaultKind,
    /// How many requests; `None`: any number.
    #[serde(default)]
    pub times: Option<u32>,
    /// Not before this instant (milliseconds since 1970 in JSON).
    #[serde(default)]
    pub from: Option<UtcInstant>,
    /// Not from this instant on.
    #[serde(default)]
    pub until: Option<UtcInstant>,
}

impl Fault {
    /// A fault that meets every request of the API as many times as said.
    pub fn times(what: FaultKind, times: u32) -> Self {
        Self { matching: FaultMatch::default(), what, times: Some(times), from: None, until: None }
    }

    /// The same for some requests only.
    #[must_use]
    pub fn matching(mut self, matching: FaultMatch) -> Self {
        self.matching = matching;
        self
    }
}

/// What a fault looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) account: Option<String>,
    pub(super) scope: Option<Scope>,
    pub(super) institution: Option<&'static str>,
}

impl FaultMatch {
    fn meets(&self, subject: &Subject) -> bool {
        let path = self.path_prefix.as_ref().is_none_or(|own| subject.path.starts_with(own));
        let method = self.method.as_ref().is_none_or(|own| *own == subject.method);
        let account = self.account.is_none() || self.account == subject.account;
        let scope = self.scope.is_none() || self.scope == subject.scope;
        let institution =
            self.institution.is_none() || self.institution.as_deref() == subject.institution;
        path && method && account && scope && institution
    }
}

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first rule that meets a request at a place; used-up and outlived ones go.
    pub(super) fn take(
        &mut self,
        place: Place,
        subject: &Subject,
        now: UtcInstant,
    ) -> Option<FaultKind> {
        self.0
            .retain(|fault| fault.times != Some(0) && fault.until.is_none_or(|until| now < until));
        let found = self.0.iter_mut().find(|fault| {
            fault.what.place() == place
                && fault.from.is_none_or(|from| from <= now)
                && fault.matching.meets(subject)
        })?;
        if let Some(times) = &mut found.times {
            *times -= 1;
        }
        Some(found.what.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_or_outlived() {
        let now = UtcInstant::EPOCH;
        let subject = Subject { path: "/api/v2/x/".to_owned(), ..Subject::default() };
        let mut faults = Faults::default();
        faults.add(Fault::times(FaultKind::Html { status: 502 }, 1));
        faults.add(Fault {
            until: Some(now.plus_s(5)),
            ..Fault::times(FaultKind::MissingHeaders, 9)
        });
        assert!(faults.take(Place::Bank, &subject, now).is_none());
        assert!(faults.take(Place::Edge, &subject, now).is_some());
        assert!(faults.take(Place::Edge, &subject, now).is_none());
        assert!(faults.take(Place::Answer, &subject, now).is_some());
        assert!(faults.take(Place::Answer, &subject, now.plus_s(5)).is_none());
    }

    #[test]
    fn faults_are_read_from_json() {
        let text = r#"{"matching":{"scope":"balances"},
            "what":{"kind":"bank","problem":"unknown_request"},"times":2}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.what, FaultKind::Bank { problem: BankProblem::UnknownRequest });
        assert_eq!(fault.matching.scope, Some(Scope::Balances));
        assert!(serde_json::from_str::<Fault>(r#"{"what":{"kind":"bank"}}"#).is_err());
    }
}
