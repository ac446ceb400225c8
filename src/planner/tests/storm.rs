//! Random years in a hostile world: seeds decide what the bank, the network, people and the power supply do, and every
//! promise is checked while it happens. No I/O; the bank below shares nothing with the planner but the ports' types.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::model::notice::Notice;
use crate::model::time::{DAY_MS, SECOND_MS};
use crate::planner::effect::{PlannedCall, Ticket};

/// Days of trouble, then days in which everything must come right again.
const STORMY_DAYS: i64 = 50;
const CALM_DAYS: i64 = 10;
/// No wish waits longer.
const WISH_MS: i64 = 3 * HOUR_MS;
/// Far more than any day needs; a planner that spins passes it in one instant.
const CALLS_A_DAY_MAX: usize = 4_000;

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }
}

#[derive(Clone, Debug)]
struct Req {
    id: String,
    reference: String,
    /// When the person is done, and what comes of it.
    decided_at: UtcInstant,
    fate: RequisitionStatus,
    accounts: Vec<String>,
    days: i64,
}

#[derive(Clone, Debug, Default)]
struct Books {
    failures: u32,
    successes: BTreeMap<Scope, Vec<UtcInstant>>,
}

/// The bank and the provider.
struct World {
    dice: Dice,
    requisitions: Vec<Req>,
    books: BTreeMap<String, Books>,
    outage_until: UtcInstant,
    bad_until: UtcInstant,
    calm: bool,
    /// The world counts in true time; with clocks that lie it refuses instead of trusting us.
    enforces: bool,
}

fn iban_of(handle: &str) -> String {
    // `a0r3` is the account a0 through the requisition r3.
    let number: u64 = handle[1..2].parse().unwrap();
    format!("DE8937040044053201300{number}")
}

impl World {
    fn answer(&mut self, call: &ApiCall, now: UtcInstant) -> Result<Answered, Failure> {
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
    }
}

fn seen(made: &Req, now: UtcInstant) -> Requisition {
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

fn handle_of(call: &ApiCall) -> Option<String> {
    match call {
        ApiCall::Metadata(id)
        | ApiCall::Details(id)
        | ApiCall::Balances(id)
        | ApiCall::Transactions { account: id, .. } => Some(id.0.clone()),
        _ => None,
    }
}

fn scope_of(call: &ApiCall) -> Option<Scope> {
    match call {
        ApiCall::Details(_) => Some(Scope::Details),
        ApiCall::Balances(_) => Some(Scope::Balances),
        ApiCall::Transactions { .. } => Some(Scope::Transactions),
        _ => None,
    }
}

struct InFlight {
    ticket: Ticket,
    handle: Option<String>,
    done_at: UtcInstant,
    result: Result<Answered, Failure>,
}

/// The daemon around the planner, its disk, and what is checked.
struct Life {
    seed: u64,
    world: World,
    driver: Driver,
    flights: Vec<InFlight>,
    wishes: BTreeMap<AccountId, UtcInstant>,
    told: BTreeSet<(EventCode, String)>,
    links: u64,
    calls_today: usize,
    /// The last calls, for the message of a failure.
    recent: VecDeque<(UtcInstant, String)>,
    /// Our clock minus the true one, and the time that the running clock has slept.
    skew_ms: i64,
    slept_ms: i64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let world = World {
            dice: Dice(seed),
            requisitions: Vec::new(),
            books: BTreeMap::new(),
            outage_until: T0,
            bad_until: T0,
            calm: false,
            enforces: seed % 3 == 0,
        };
        Self {
            seed,
            world,
            driver: Driver::new(),
            flights: Vec::new(),
            wishes: BTreeMap::new(),
            told: BTreeSet::new(),
            links: 0,
            calls_today: 0,
            recent: VecDeque::new(),
            skew_ms: 0,
            slept_ms: 0,
        }
    }

    fn clock(&self) -> Now {
        let truth = self.driver.now;
        Now { wall: truth.plus_ms(self.skew_ms), mono_ms: truth.ms() - self.slept_ms }
    }

    fn crashes(&mut self) -> bool {
        !self.world.calm && self.world.dice.one_in(300)
    }

    fn restart(&mut self) {
        self.flights.clear();
        self.wishes.clear();
        let documents = self.driver.documents.clone();
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.world.dice.next().to_le_bytes());
        self.driver.planner = Planner::restore(documents, policy(), seed);
        self.driver.planner.on(self.clock(), Event::Started);
    }

    fn run_until(&mut self, end: UtcInstant) {
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < 5_000, "seed {}: the planner spins", self.seed);
            match self.driver.planner.next(self.clock()) {
                Step::Do(effect) => self.carry_out(effect),
                Step::SleepUntil(at) => {
                    assert!(at > self.clock().wall, "a sleep must end later");
                    self.check_documents();
                    let at = at.plus_ms(-self.skew_ms).min(self.driver.now.plus_hours(1));
                    let flight = self.flights.iter().map(|flight| flight.done_at).min();
                    let wake = flight.map_or(at, |flight| at.min(flight));
                    if wake > end {
                        self.driver.now = end;
                        return;
                    }
                    if wake > self.driver.now {
                        turns = 0;
                    }
                    self.driver.now = wake;
                    self.land();
                    let late = self.wishes.values().find(|at| wake.since(**at) > WISH_MS);
                    assert!(
                        late.is_none(),
                        "seed {}: a wish is never answered: {:?} {:#?} {:#?}",
                        self.seed,
                        self.wishes,
                        self.driver.planner.provider(),
                        self.driver.planner.accounts().collect::<Vec<_>>()
                    );
                }
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let crash = self.crashes();
        match effect {
            Effect::Call(call) => self.send(*call, crash),
            Effect::Apply(batch) => {
                if crash && self.world.dice.one_in(2) {
                    return self.restart();
                }
                for notice in &batch.notices {
                    self.hear(notice);
                }
                self.commit(*batch, crash);
            }
            Effect::Pulled(result) => {
                self.wishes.remove(&result.account_id);
            }
            Effect::Told(..) => {}
        }
    }

    fn commit(&mut self, batch: Batch, crash: bool) {
        let (number, at) = (batch.number, batch.at.unwrap());
        self.driver.keep(batch, at);
        if crash {
            return self.restart();
        }
        self.driver.planner.on(self.clock(), Event::Applied { number, rows: None });
    }

    fn send(&mut self, planned: PlannedCall, crash: bool) {
        self.calls_today += 1;
        let PlannedCall { ticket, call, spends, .. } = planned;
        self.recent.push_back((self.driver.now, name(&call)));
        if self.recent.len() > 20 {
            self.recent.pop_front();
        }
        assert!(
            self.calls_today < CALLS_A_DAY_MAX,
            "seed {}: too many calls, at last {:?}",
            self.seed,
            self.recent
        );
        let handle = handle_of(&call);
        let doubled = self.flights.iter().any(|flight| handle.is_some() && flight.handle == handle);
        assert!(!doubled, "two calls of one account at once");
        if let Some((account_id, scope)) = spends {
            let account = self.driver.planner.account(account_id).unwrap();
            let link = self.driver.planner.link(account.link_id).unwrap();
            assert_eq!(link.status, LinkStatus::Linked, "no data call without access");
            assert!(link.access_expires_at.unwrap() > self.clock().wall, "nor after its end");
            if !crash && self.world.dice.one_in(500) {
                return self.driver.planner.on(self.clock(), Event::NotReserved { ticket });
            }
            self.driver.next_call_id += 1;
            let call_id = CallId(self.driver.next_call_id);
            let at = self.clock().wall;
            let row = LedgerRow { call_id, account_id, scope, at, unsettled: true };
            self.driver.documents.ledger.push(row);
            self.driver.planner.on(self.clock(), Event::Reserved { ticket, call_id });
        }
        if crash && self.world.dice.one_in(2) {
            return self.restart();
        }
        let takes_ms = 200 + i64::try_from(self.world.dice.below(3_000)).unwrap();
        let mut result = self.world.answer(&call, self.driver.now.plus_ms(takes_ms));
        if crash {
            return self.restart();
        }
        let lost = !self.world.calm && result.is_ok() && self.world.dice.one_in(100);
        let takes_ms = if lost { 120 * SECOND_MS } else { takes_ms };
        if lost {
            result = Err(failure(FailureClass::Edge(EdgeFault::NoAnswer), None, spends.is_some()));
        }
        let done_at = self.driver.now.plus_ms(takes_ms);
        self.flights.push(InFlight { ticket, handle, done_at, result });
    }

    fn land(&mut self) {
        let now = self.driver.now;
        let (landed, flying): (Vec<_>, Vec<_>) =
            self.flights.drain(..).partition(|flight| flight.done_at <= now);
        self.flights = flying;
        for InFlight { ticket, result, .. } in landed {
            let event = Event::Answered { ticket, result: Box::new(result) };
            self.driver.planner.on(self.clock(), event);
        }
    }

    /// What is told once is told once, over all restarts.
    fn hear(&mut self, notice: &Notice) {
        let link = notice.link_id.map(|id| id.to_string()).unwrap_or_default();
        let days = notice.details.get("days").map(ToString::to_string).unwrap_or_default();
        let once = match notice.code {
            EventCode::AccessExpired | EventCode::AccessRevoked => "end".to_owned(),
            EventCode::AccessExpiring => days,
            EventCode::LinkCreated | EventCode::LinkCompleted | EventCode::LinkReplaced => {
                "once".to_owned()
            }
            _ => return,
        };
        let first = self.told.insert((notice.code, format!("{link} {once}")));
        assert!(first, "seed {}: told twice: {:?} {link} {once}", self.seed, notice.code);
    }

    /// What is in memory is what a restart would find.
    fn check_documents(&self) {
        let planner = &self.driver.planner;
        if !self.flights.is_empty() {
            return;
        }
        assert_eq!(self.driver.documents.accounts.len(), planner.accounts().count());
        for (kept, account) in self.driver.documents.accounts.iter().zip(planner.accounts()) {
            // That a pull has begun is written with its first answer.
            assert!(
                account.pull.is_some() || kept == account,
                "seed {}: {kept:?} {account:?}",
                self.seed
            );
        }
        let links: Vec<_> = planner.links().cloned().collect();
        assert_eq!(self.driver.documents.links, links, "seed {}", self.seed);
    }

    /// People, weather and power, once an hour.
    fn happen(&mut self) {
        let now = self.driver.now;
        let dice = &mut self.world.dice;
        let hours = |dice: &mut Dice, n: u64| i64::try_from(1 + dice.below(n)).unwrap();
        if dice.one_in(150) {
            self.world.outage_until = now.plus_hours(hours(dice, 30));
        }
        if dice.one_in(200) {
            self.world.bad_until = now.plus_hours(hours(dice, 120));
        }
        if self.world.enforces && dice.one_in(200) {
            let skew = dice.pick(&[0, 0, -HOUR_MS, HOUR_MS, -DAY_MS]);
            self.skew_ms = skew;
        }
        if dice.one_in(300) {
            let slept_ms = hours(dice, 80) * HOUR_MS;
            self.slept_ms += slept_ms;
            self.driver.now = now.plus_ms(slept_ms);
            self.flights.iter_mut().for_each(|flight| flight.done_at = now.plus_ms(slept_ms));
            self.wishes.clear();
        }
        if self.world.dice.one_in(30) {
            self.wish();
        }
        if self.world.dice.one_in(400) {
            self.renew();
        }
        if self.world.dice.one_in(900) {
            let links: Vec<_> = self.driver.planner.links().map(|link| link.id).collect();
            if !links.is_empty() {
                let link_id = self.world.dice.pick(&links);
                self.driver.planner.on(self.clock(), Event::UnlinkWanted { link_id });
            }
        }
    }

    fn wish(&mut self) {
        let planner = &self.driver.planner;
        let accounts: Vec<_> = planner.accounts().map(|account| account.id).collect();
        let force = self.world.dice.one_in(2);
        for id in &accounts {
            self.wishes.insert(*id, self.driver.now);
        }
        self.driver.planner.on(self.clock(), Event::PullWanted { accounts, force });
    }

    fn renew(&mut self) {
        let replaces = self.driver.planner.links().last().map(|link| link.id);
        let replaces = replaces.filter(|_| !self.world.dice.one_in(4));
        self.links += 1;
        let now = self.clock();
        let link_id = self.driver.planner.new_link_id(now.wall);
        let wish = Event::LinkWanted {
            link_id,
            institution: InstitutionId::from("TEST_BANK"),
            history_days: None,
            access_days: Some(30),
            replaces,
        };
        self.driver.planner.on(now, wish);
    }

    fn live(mut self) {
        self.driver.planner.on(self.clock(), Event::Started);
        self.renew();
        for hour in 0..(STORMY_DAYS * 24) {
            if hour % 24 == 0 {
                self.calls_today = 0;
            }
            let end = self.driver.now.plus_hours(1);
            self.run_until(end);
            self.happen();
        }
        self.world.calm = true;
        self.world.outage_until = self.driver.now;
        self.skew_ms = 0;
        self.restart();
        self.renew();
        for _ in 0..CALM_DAYS {
            self.calls_today = 0;
            self.wish();
            self.run_until(self.driver.now.plus_days(1));
        }
        self.all_is_well();
    }

    fn all_is_well(&self) {
        let (planner, now, seed) = (&self.driver.planner, self.driver.now, self.seed);
        assert!(self.wishes.is_empty(), "seed {seed}");
        assert!(planner.provider().fault.is_none() && planner.provider().outage_since.is_none());
        let live: Vec<_> =
            planner.links().filter(|link| link.status == LinkStatus::Linked).collect();
        assert!(!live.is_empty(), "seed {seed}: the last link was made in good weather");
        let mut fresh = 0;
        for account in
            planner.accounts().filter(|account| live.iter().any(|link| link.id == account.link_id))
        {
            assert!(account.identifying.is_none(), "seed {seed}: who is this? {account:#?}");
            assert_eq!(account.status, AccountStatus::Ready, "seed {seed}");
            let synced = account.last_synced_at.expect("pulled at least once");
            assert!(now.since(synced) < 26 * HOUR_MS, "seed {seed}: stale {account:#?}");
            fresh += 1;
        }
        assert!(fresh >= 2, "seed {seed}");
        assert_eq!(
            planner.accounts().filter(|account| account.identifying.is_none()).count(),
            2,
            "seed {seed}: two accounts, whatever the number of links"
        );
        // One requisition per link at most, and none for links that are over.
        let requisitions = &self.world.requisitions;
        assert!(u64::try_from(requisitions.len()).unwrap() <= self.links + 1, "seed {seed}");
        for made in requisitions {
            let ours = planner.links().filter(|link| link.reference == made.reference).count();
            assert_eq!(ours, 1, "seed {seed}: a requisition that nobody knows");
        }
    }
}

#[test]
fn promises_hold_in_any_weather() {
    let seeds = match std::env::var("BANKSYNCD_STORM_SEEDS") {
        Ok(text) => {
            let (from, to) = text.split_once("..").unwrap();
            from.parse().unwrap()..to.parse().unwrap()
        }
        Err(_) => 0..40,
    };
    for seed in seeds {
        Life::new(seed).live();
    }
}
