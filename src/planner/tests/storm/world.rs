//! The bank, the provider and the network of the storm: what they answer, what they count, and what must not happen to them.

use std::collections::BTreeMap;

use super::super::*;
use crate::model::time::DAY_MS;

/// `SplitMix64`.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let sides = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.below(sides)).unwrap()].clone()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Req {
    pub(super) id: String,
    pub(super) reference: String,
    /// When the person is done, and what comes of it.
    pub(super) decided_at: UtcInstant,
    pub(super) fate: RequisitionStatus,
    pub(super) accounts: Vec<String>,
    pub(super) days: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) failures: u32,
    pub(super) successes: BTreeMap<Scope, Vec<UtcInstant>>,
}

/// The bank and the provider.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) requisitions: Vec<Req>,
    pub(super) books: BTreeMap<String, Books>,
    pub(super) outage_until: UtcInstant,
    pub(super) bad_until: UtcInstant,
    pub(super) calm: bool,
    /// The world counts in true time; with clocks that lie it refuses instead of trusting us.
    pub(super) enforces: bool,
}

fn iban_of(handle: &str) -> String {
    // `a0r3` is the account a0 through the requisition r3.
    let number: u64 = handle.get(1..2).unwrap().parse().unwrap();
    format!("DE8937040044053201300{number}")
}

impl World {
    /// The answer with the provider's date, which is right but for a rare liar on the way.
    pub(super) fn answer(&mut self, call: &ApiCall, now: UtcInstant) -> Result<Answered, Failure> {
        let date = match self.dice.below(40) {
            0 if !self.calm => None,
            1 if !self.calm => Some(now.plus_days(self.dice.pick(&[-400, -1, 1, 40]))),
            _ => Some(now),
        };
        let mut result = self.undated_answer(call, now);
        match &mut result {
            Ok(answered) => answered.server_date = date,
            Err(failure) => failure.server_date = failure.status.and(date),
        }
        result
    }

    fn undated_answer(&mut self, call: &ApiCall, now: UtcInstant) -> Result<Answered, Failure> {
        let data = matches!(
            call,
            ApiCall::Details(_) | ApiCall::Balances(_) | ApiCall::Transactions { .. }
        );
        if now < self.outage_until {
            let fault = self.dice.pick(&[
                EdgeFault::Unreachable,
                EdgeFault::NotTheApi,
                EdgeFault::NoAnswer,
            ]);
            if data && fault == EdgeFault::NoAnswer {
                // The bank may have been asked, and may have failed.
                self.count_failure(call);
            }
            let counts = data && fault == EdgeFault::NoAnswer;
            return Err(failure(FailureClass::Edge(fault), None, counts));
        }
        if !self.calm && self.dice.one_in(60) {
            let wait_s = self.dice.pick(&[None, Some(0), Some(40), Some(u32::MAX)]);
            return Err(match self.dice.below(6) {
                0 => failure(FailureClass::Token, Some(401), false),
                1 => failure(
                    FailureClass::Throttle { wait_s, whom: Throttled::Company },
                    Some(429),
                    false,
                ),
                2 => failure(
                    FailureClass::Configuration(ConfigurationFault::Credentials),
                    Some(401),
                    false,
                ),
                3 => {
                    // A page of a captive portal; a success that was counted, if the bank was asked.
                    self.spend(call, now);
                    failure(FailureClass::Edge(EdgeFault::NotUnderstood), Some(200), false)
                }
                4 => failure(FailureClass::Edge(EdgeFault::Unreachable), None, false),
                _ => failure(FailureClass::Bug(vec![Refusal::Field("x".into())]), Some(400), false),
            });
        }
        if let Some(handle) = handle_of(call) {
            return self.account_answer(call, &handle, data, now);
        }
        self.link_answer(call, now)
    }

    fn account_answer(
        &mut self,
        call: &ApiCall,
        handle: &str,
        data: bool,
        now: UtcInstant,
    ) -> Result<Answered, Failure> {
        let bad = now < self.bad_until && !self.calm;
        if data {
            if bad {
                let (class, status, counts) = match self.dice.below(5) {
                    0 | 1 => (FailureClass::InstitutionError, Some(500), true),
                    2 => (FailureClass::Wait { processing: false }, Some(503), true),
                    3 => (FailureClass::Wait { processing: true }, Some(409), false),
                    _ => (FailureClass::Edge(EdgeFault::NoAnswer), None, true),
                };
                if counts {
                    self.count_failure(call);
                }
                return Err(failure(class, status, counts));
            }
            if !self.spend(call, now) {
                let whom = Throttled::AccountScope;
                return Err(failure(
                    FailureClass::Throttle { wait_s: None, whom },
                    Some(429),
                    false,
                ));
            }
        }
        let status = if bad {
            self.dice.pick(&[
                ProviderStatus::Ready,
                ProviderStatus::Error,
                ProviderStatus::Processing,
            ])
        } else {
            ProviderStatus::Ready
        };
        let facts = AccountFacts { iban: Iban::new(&iban_of(handle)), ..AccountFacts::default() };
        let euro = AccountFacts { currency: Some("EUR".into()), ..AccountFacts::default() };
        good(match call {
            ApiCall::Metadata(_) => Reply::Metadata(Metadata { status: Some(status), facts }),
            ApiCall::Details(_) => Reply::Details(euro),
            ApiCall::Balances(_) => Reply::Balances(Vec::new()),
            _ => Reply::Unchanged { last_updated: None },
        })
    }

    /// Counts a success; `false` if that would be one too many and the world refuses it.
    fn spend(&mut self, call: &ApiCall, now: UtcInstant) -> bool {
        let (Some(handle), Some(scope)) = (handle_of(call), scope_of(call)) else { return true };
        let books = self.books.entry(handle).or_default();
        let instants = books.successes.entry(scope).or_default();
        instants.retain(|at| now.since(*at) < DAY_MS);
        if instants.len() >= 4 {
            assert!(self.enforces, "more than the limit in a day");
            return false;
        }
        instants.push(now);
        books.failures = 0;
        true
    }

    fn count_failure(&mut self, call: &ApiCall) {
        let Some(handle) = handle_of(call) else { return };
        let books = self.books.entry(handle).or_default();
        books.failures += 1;
        assert!(books.failures <= 8, "never more than eight counted failures in a row");
    }

    #[expect(clippy::panic_in_result_fn, reason = "a call that nobody plans is a broken test")]
    fn link_answer(&mut self, call: &ApiCall, now: UtcInstant) -> Result<Answered, Failure> {
        let not_found = || failure(FailureClass::Bug(vec![Refusal::NotFound]), Some(404), false);
        good(match call {
            ApiCall::Institution(id) => Reply::Institution(Institution {
                id: id.clone(),
                name: "Test".into(),
                bic: String::new(),
                countries: vec!["DE".into()],
                transaction_total_days: Some(90),
                max_access_valid_for_days: Some(90),
                max_access_valid_for_days_reconfirmation: None,
                supported_features: Some(Vec::new()),
            }),
            ApiCall::CreateAgreement { .. } => Reply::Agreement(agreement("agreement", None, 30)),
            ApiCall::Agreement(id) => {
                let made = self.requisitions.iter().find(|made| format!("agr-{}", made.id) == id.0);
                let made = made.ok_or_else(not_found)?;
                Reply::Agreement(agreement(&id.0, Some(made.decided_at), made.days))
            }
            ApiCall::CreateRequisition(new) => {
                if self.requisitions.iter().any(|made| made.reference == new.reference) {
                    let refused = FailureClass::Bug(vec![Refusal::ReferenceTaken]);
                    return Err(failure(refused, Some(400), false));
                }
                let made = self.make(new.reference.clone(), now);
                Reply::Requisition(seen(&made, now))
            }
            ApiCall::Requisitions { offset } => {
                let results: Vec<_> =
                    self.requisitions.iter().map(|made| seen(made, now)).collect();
                let count = u32::try_from(results.len()).unwrap();
                assert_eq!(*offset, 0);
                Reply::Requisitions { count, results, page_len: count }
            }
            ApiCall::Requisition(id) => {
                let made = self.requisitions.iter().find(|made| made.id == id.0);
                Reply::Requisition(seen(made.ok_or_else(not_found)?, now))
            }
            ApiCall::DeleteRequisition(id) => {
                self.requisitions.retain(|made| made.id != id.0);
                Reply::Deleted
            }
            other => panic!("nobody asked for this: {other:?}"),
        })
    }

    fn make(&mut self, reference: String, now: UtcInstant) -> Req {
        let number = self.books.len() + self.requisitions.len();
        let id = format!("r{}-{number}", self.dice.below(1 << 40));
        let fate = if self.calm || !self.dice.one_in(5) {
            RequisitionStatus::Linked
        } else {
            self.dice.pick(&[RequisitionStatus::Rejected, RequisitionStatus::Created])
        };
        let wait = i64::try_from(self.dice.below(3_600)).unwrap();
        let made = Req {
            accounts: (0..2).map(|number| format!("a{number}{id}")).collect(),
            id,
            reference,
            decided_at: now.plus_s(10 + wait),
            fate,
            days: i64::try_from(20 + self.dice.below(11)).unwrap(),
        };
        self.requisitions.push(made.clone());
        made
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every answer is a result")]
fn good(reply: Reply) -> Result<Answered, Failure> {
    Ok(Answered { reply, rate: Rate::default(), server_date: None })
}

fn agreement(id: &str, accepted: Option<UtcInstant>, days: i64) -> Agreement {
    Agreement {
        id: AgreementId::from(id),
        institution_id: None,
        max_historical_days: Some(90),
        access_valid_for_days: u32::try_from(days).ok(),
        access_scope: None,
        accepted,
        reconfirmation: None,
    }
}

pub(super) fn seen(made: &Req, now: UtcInstant) -> Requisition {
    let decided = now >= made.decided_at;
    let status = if decided { made.fate.clone() } else { RequisitionStatus::Created };
    let linked = status == RequisitionStatus::Linked;
    let handles = made.accounts.iter().map(|handle| ProviderAccountId::from(handle.as_str()));
    Requisition {
        id: RequisitionId::from(made.id.as_str()),
        status,
        institution_id: None,
        agreement: Some(AgreementId::from(format!("agr-{}", made.id).as_str())),
        reference: made.reference.clone(),
        accounts: handles.filter(|_| linked).collect(),
        link: Some(ConsentUrl("https://example.invalid/".into())),
    }
}

pub(super) fn handle_of(call: &ApiCall) -> Option<String> {
    match call {
        ApiCall::Metadata(id)
        | ApiCall::Details(id)
        | ApiCall::Balances(id)
        | ApiCall::Transactions { account: id, .. } => Some(id.0.clone()),
        _ => None,
    }
}

pub(super) fn scope_of(call: &ApiCall) -> Option<Scope> {
    match call {
        ApiCall::Details(_) => Some(Scope::Details),
        ApiCall::Balances(_) => Some(Scope::Balances),
        ApiCall::Transactions { .. } => Some(Scope::Transactions),
        _ => None,
    }
}
