//! Faults by seed: what goes wrong in a single request, and what goes wrong for hours and days.
//!
//! [`Weather::Calm`] leaves everything alone. The rest of the faults are those that tests order
//! (`faults`): they come first.

use crate::model::time::{HOUR_MS, MINUTE_MS, UtcInstant};

use super::super::rng::Rng;
use super::deeds::{Deed, Plan};
use super::faults::{Fault, FaultKind, FaultMatch, Place, Shape, Spelling, Subject};
use super::problems::BankProblem;
use super::{Scope, World};

/// How much goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    #[default]
    Calm,
    /// What a year with the provider brings.
    Usual,
    /// All of it, several times a week.
    Storm,
}

/// What turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    BankDown,
    ProviderDown,
    TokensEnd,
    OtherApp,
    Suspension,
    Closing,
    Incident,
    Headers,
    CompanyBusy,
    Refusal,
    Processing,
    Address,
}

impl Turn {
    const ALL: [Self; 12] = [
        Self::BankDown,
        Self::ProviderDown,
        Self::TokensEnd,
        Self::OtherApp,
        Self::Suspension,
        Self::Closing,
        Self::Incident,
        Self::Headers,
        Self::CompanyBusy,
        Self::Refusal,
        Self::Processing,
        Self::Address,
    ];

    /// Mean days between two of them, in ordinary weather and in a storm.
    const fn mean_days(self, weather: Weather) -> i64 {
        let (usual, storm) = match self {
            Self::BankDown => (15, 4),
            Self::ProviderDown => (90, 20),
            Self::TokensEnd => (60, 6),
            Self::OtherApp => (20, 2),
            Self::Suspension => (500, 120),
            Self::Closing => (900, 500),
            Self::Incident => (200, 60),
            Self::Headers => (60, 10),
            Self::CompanyBusy => (30, 3),
            Self::Refusal => (150, 30),
            Self::Processing => (120, 40),
            Self::Address => (600, 150),
        };
        if matches!(weather, Weather::Storm) { storm } else { usual }
    }
}

/// The chance behind the faults.
#[derive(Clone, Debug)]
pub(super) struct Sky(pub(super) Rng);

impl World {
    /// The fault that a request meets at a place: an ordered one, else one of the weather's.
    pub(super) fn fault(
        &mut self,
        place: Place,
        subject: &Subject,
        now: UtcInstant,
    ) -> Option<FaultKind> {
        if let Some(ordered) = self.faults.take(place, subject, now) {
            return Some(ordered);
        }
        let (edge, bank, answer) = match self.society.weather {
            Weather::Calm => return None,
            Weather::Usual => (4, 4, 6),
            Weather::Storm => (25, 25, 40),
        };
        if self.society.ends_at.is_none_or(|end| end <= now) {
            return None;
        }
        let rng = &mut self.sky.0;
        match place {
            Place::Edge => rng.chance(edge).then(|| at_the_edge(rng)),
            Place::Bank => rng.chance(bank).then(|| at_the_bank(rng)),
            // A token that is lost on the way would have to be made again, and nobody could tell
            // that from a needless one.
            Place::Answer if subject.path.starts_with("/api/v2/token/") => None,
            Place::Answer => rng.chance(answer).then(|| on_the_way(rng)),
        }
    }

    /// Plans the first turn of every kind.
    pub(super) fn plan_weather(&mut self, start: UtcInstant) {
        for turn in Turn::ALL {
            self.plan_turn(start, turn);
        }
    }

    fn plan_turn(&mut self, after: UtcInstant, turn: Turn) {
        if self.society.weather == Weather::Calm {
            return;
        }
        let hours = turn.mean_days(self.society.weather) * 24;
        let wait_ms = self.sky.0.between(HOUR_MS, 2 * hours * HOUR_MS);
        self.plan_within(after.plus_ms(wait_ms), Plan::Turn(turn));
    }

    /// The weather turns, and the next turn of the kind is planned.
    pub(super) fn turn(&mut self, at: UtcInstant, turn: Turn) {
        self.plan_turn(at, turn);
        match turn {
            Turn::BankDown => self.bank_down(at),
            Turn::ProviderDown => {
                let until = self.for_a_while(at, 10 * MINUTE_MS, 30 * HOUR_MS);
                let status = self.sky.0.pick(&[502, 503, 504, 520]).copied().unwrap_or(503);
                self.spell(FaultKind::Html { status }, FaultMatch::default(), until);
                self.done(at, Deed::Outage { institution: None, until });
            }
            Turn::TokensEnd => {
                let refresh_too = self.sky.0.chance(400);
                self.revoke_tokens(refresh_too);
                self.done(at, Deed::TokensRevoked { refresh_too });
            }
            Turn::Headers => {
                let until = self.for_a_while(at, HOUR_MS, 60 * HOUR_MS);
                let kind = headers(&mut self.sky.0);
                self.spell(kind, FaultMatch::default(), until);
                self.done(at, Deed::HeadersOdd { until });
            }
            Turn::CompanyBusy => {
                self.gates.use_up(super::route::Class::Accounts, &self.config.limits, at);
                self.done(at, Deed::CompanyBusy);
            }
            Turn::Address => {
                let until = self.for_a_while(at, 20 * MINUTE_MS, 20 * HOUR_MS);
                self.set_address_allowed(false);
                self.agenda.plan(until, Plan::AddressBack);
                self.done(at, Deed::AddressDenied { until });
            }
            Turn::OtherApp
            | Turn::Suspension
            | Turn::Closing
            | Turn::Incident
            | Turn::Refusal
            | Turn::Processing => self.turn_for_account(at, turn),
        }
    }

    fn bank_down(&mut self, at: UtcInstant) {
        let Some(account) = self.some_account(at) else { return };
        let Some(institution) = self.institution_of(&account) else { return };
        let until = self.for_a_while(at, HOUR_MS, 72 * HOUR_MS);
        let problems = [
            BankProblem::ServiceUnavailable,
            BankProblem::ConnectionFailed,
            BankProblem::UnknownRequest,
        ];
        let problem = self.sky.0.pick(&problems).copied().unwrap_or(problems[0]);
        let matching =
            FaultMatch { institution: Some(institution.to_owned()), ..FaultMatch::default() };
        self.spell(FaultKind::Bank { problem }, matching, until);
        self.done(at, Deed::Outage { institution: Some(institution), until });
    }

    fn turn_for_account(&mut self, at: UtcInstant, turn: Turn) {
        let Some(account) = self.some_account(at) else { return };
        let scope = self.sky.0.pick(&Scope::ALL).copied().unwrap_or(Scope::Transactions);
        let deed = match turn {
            Turn::OtherApp => {
                let calls = u32::try_from(self.sky.0.between(1, 4)).unwrap_or(1);
                // There is such an account; it was picked from the list.
                let used = self.other_app_uses(&account, scope, calls, at);
                used.ok().map(|()| Deed::OtherApp { account, scope, calls })
            }
            Turn::Suspension => {
                let suspended = self.suspend(&account, at);
                self.after_suspension(&account, at);
                suspended.ok().map(|()| Deed::Suspended { account })
            }
            Turn::Closing => {
                self.close_account(&account, at).ok().map(|()| Deed::Closed { account })
            }
            Turn::Incident => {
                let Some(institution) = self.institution_of(&account) else { return };
                self.incident(institution, at);
                Some(Deed::Incident { institution })
            }
            Turn::Refusal => {
                let until = self.for_a_while(at, HOUR_MS, 48 * HOUR_MS);
                let problem = if self.sky.0.chance(500) {
                    BankProblem::AccessForbidden
                } else {
                    BankProblem::ResourceUnavailable
                };
                let matching = FaultMatch {
                    account: Some(account.clone()),
                    scope: Some(scope),
                    ..FaultMatch::default()
                };
                self.spell(FaultKind::Bank { problem }, matching, until);
                Some(Deed::Refused { account, scope, until })
            }
            _ => {
                let until = self.for_a_while(at, HOUR_MS, 48 * HOUR_MS);
                if let Some(own) = self.accounts.get_mut(&account) {
                    own.ready_at = own.ready_at.max(until);
                }
                Some(Deed::Processing { account, until })
            }
        };
        if let Some(deed) = deed {
            self.done(at, deed);
        }
    }

    /// A fault that lasts until an instant.
    fn spell(&mut self, what: FaultKind, matching: FaultMatch, until: UtcInstant) {
        self.faults.add(Fault { matching, what, times: None, from: None, until: Some(until) });
    }

    /// Mostly short, sometimes long: an instant within these bounds.
    fn for_a_while(&mut self, at: UtcInstant, low_ms: i64, high_ms: i64) -> UtcInstant {
        let long = self.sky.0.chance(300);
        let high = if long { high_ms } else { high_ms.div_euclid(6).max(low_ms) };
        at.plus_ms(self.sky.0.between(low_ms, high))
    }

    /// One of the accounts that can be read now.
    fn some_account(&mut self, at: UtcInstant) -> Option<String> {
        let open = |own: &&super::accounts::Account| {
            own.suspended_at.is_none() && self.access(own, at) == super::accounts::Access::Open
        };
        let ids: Vec<String> =
            self.accounts.values().filter(open).map(|own| own.id.clone()).collect();
        self.sky.0.pick(&ids).cloned()
    }

    fn institution_of(&self, account: &str) -> Option<&'static str> {
        let bank = self.accounts.get(account)?.bank;
        self.bank.get(bank).map(|own| own.institution.id)
    }
}

fn at_the_edge(rng: &mut Rng) -> FaultKind {
    let status = |status, shape| FaultKind::Status { status, shape, summary: None, detail: None };
    match rng.below(10) {
        0 => FaultKind::Html { status: 502 },
        1 => FaultKind::Html { status: 520 },
        2 => FaultKind::Html { status: 403 },
        3 => FaultKind::Empty { status: 403 },
        4 => FaultKind::Silent { processed: false },
        5 | 6 => FaultKind::Reset { processed: false },
        7 => status(500, Shape::Flat),
        8 => status(503, Shape::FlatWithoutStatus),
        _ => status(500, Shape::NotJson),
    }
}

fn at_the_bank(rng: &mut Rng) -> FaultKind {
    let problem = match rng.below(10) {
        0..4 => BankProblem::UnknownRequest,
        4..7 => BankProblem::ServiceUnavailable,
        7..9 => BankProblem::ConnectionFailed,
        _ => BankProblem::DailyLimit,
    };
    FaultKind::Bank { problem }
}

fn on_the_way(rng: &mut Rng) -> FaultKind {
    match rng.below(12) {
        0 => FaultKind::Silent { processed: true },
        1 => FaultKind::Reset { processed: true },
        2..5 => {
            let keep = u16::try_from(rng.below(1_000)).unwrap_or(500);
            FaultKind::Truncated { keep_permille: keep }
        }
        5..7 => FaultKind::Slow { delay_ms: rng.below(20_000) },
        7 => FaultKind::ContentType { value: "text/plain".to_owned() },
        _ => headers(rng),
    }
}

fn headers(rng: &mut Rng) -> FaultKind {
    match rng.below(6) {
        0 => FaultKind::HeaderSpelling { spelling: Spelling::Dashes },
        1 => FaultKind::HeaderSpelling { spelling: Spelling::Short },
        2 => FaultKind::HeaderSpelling { spelling: Spelling::Capitals },
        3 => FaultKind::WrongHeaders { value: "-1".to_owned() },
        4 => FaultKind::WrongHeaders { value: "soon".to_owned() },
        _ => FaultKind::MissingHeaders,
    }
}
