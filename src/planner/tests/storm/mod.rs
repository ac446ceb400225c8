//! Random years in a hostile world: seeds decide what the bank, the network, people and the power supply do, and every
//! promise is checked while it happens. No I/O; the bank below shares nothing with the planner but the ports' types.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

mod world;

use super::*;
use crate::model::notice::Notice;
use crate::model::time::{DAY_MS, SECOND_MS};
use crate::planner::effect::{PlannedCall, Ticket};
use world::{Dice, World, handle_of};

/// Days of trouble, then days in which everything must come right again.
const STORMY_DAYS: i64 = 50;
const CALM_DAYS: i64 = 10;
/// No wish waits longer.
const WISH_MS: i64 = 3 * HOUR_MS;
/// Far more than any day needs; a planner that spins passes it in one instant.
const CALLS_A_DAY_MAX: usize = 4_000;

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
            enforces: seed.is_multiple_of(3),
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
        self.driver.planner.on(self.clock(), Event::Applied { number, rows: None, compared: None });
    }

    fn send(&mut self, planned: PlannedCall, crash: bool) {
        self.calls_today += 1;
        let PlannedCall { ticket, call, spends, at, .. } = planned;
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
        if let Some((part, scope)) = spends {
            let account_id = self.driver.whole(part);
            let account = self.driver.planner.account(account_id).unwrap();
            let link = self.driver.planner.link(account.link_id).unwrap();
            assert_eq!(link.status, LinkStatus::Linked, "no data call without access");
            assert!(link.access_expires_at.unwrap() > self.driver.now, "nor after its end");
            if !crash && self.world.dice.one_in(500) {
                return self.driver.planner.on(self.clock(), Event::NotReserved { ticket });
            }
            self.driver.next_call_id += 1;
            let call_id = CallId(self.driver.next_call_id);
            let row = LedgerRow { call_id, account_id, part, scope, at, unsettled: true };
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
        if dice.one_in(200) {
            let skew = dice.pick(&[0, 0, 0, -HOUR_MS, HOUR_MS, -DAY_MS, 30 * DAY_MS]);
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
        assert!(
            !live.is_empty(),
            "seed {seed}: the last link was made in good weather: {now} {:#?}",
            planner.links().last()
        );
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
    (0..40).for_each(|seed| Life::new(seed).live());
}

#[test]
#[ignore = "minutes in a debug build: before a release"]
fn promises_hold_in_any_weather_for_long() {
    (1_000..3_000).for_each(|seed| Life::new(seed).live());
}
