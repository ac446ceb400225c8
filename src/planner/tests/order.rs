//! What to call next where not all can be called at once: compared with every order there is, and with hundreds of accounts.

use super::*;
use crate::model::time::{DAY_MS, MINUTE_MS};

/// 07:00, an hour after the one slot of a day.
const WAKE: UtcInstant = UtcInstant::from_ms(1_790_060_400_000);
/// One call a minute.
const GAP_MS: i64 = MINUTE_MS + 1;
const MARGIN_MS: i64 = MINUTE_MS;
const HORIZON_MS: i64 = 2 * DAY_MS - 2 * HOUR_MS;

/// An account before the daemon wakes up.
#[derive(Clone, Copy, Debug)]
struct Own {
    pulled_at: UtcInstant,
    ends_at: UtcInstant,
}

impl Own {
    fn may_be_called(&self, at: UtcInstant) -> bool {
        at.plus_ms(MARGIN_MS) < self.ends_at
    }
}

/// A planner that wakes up with accounts at banks of their own.
fn awake(all: &[Own], accounts_per_minute: u32) -> (Driver, Vec<AccountId>) {
    let (template, _, _) = Driver::linked();
    let (link, account) =
        (template.documents.links[0].clone(), template.documents.accounts[0].clone());
    let mut driver = Driver::new();
    for (place, own) in all.iter().enumerate() {
        let number = u128::try_from(place).unwrap() + 1;
        let (mut link, mut account) = (link.clone(), account.clone());
        link.id = LinkId::from_bits(number);
        account.id = AccountId::from_bits(number);
        account.provider_account_id = ProviderAccountId(format!("p{number}"));
        (account.link_id, link.accounts) = (link.id, vec![account.id]);
        link.handles = vec![account.provider_account_id.clone()];
        link.access_expires_at = Some(own.ends_at);
        link.next_at = WAKE.plus_days(9);
        link.warned_days = Some(1);
        account.last_synced_at = Some(own.pulled_at);
        account.full_pull_at = Some(own.pulled_at);
        (account.slot_served, account.details_at) = (Some(own.pulled_at), Some(WAKE));
        driver.documents.accounts.push(account);
        driver.documents.links.push(link);
    }
    let patterns = ["0 0 6 * * *".to_owned()];
    let schedule = Schedule::new(&patterns, Zone::UTC, 0).unwrap();
    let policy = Policy { schedule, accounts_per_minute, ..policy() };
    driver.planner = Planner::restore(driver.documents.clone(), policy, [7; 32]);
    driver.now = WAKE;
    driver.planner.on(driver.at(), Event::Started);
    let ids = driver.documents.accounts.iter().map(|account| account.id).collect();
    (driver, ids)
}

/// Data calls of a planner until an instant: when, for whom, and whether for transactions. Answers come at once.
fn calls(driver: &mut Driver, until: UtcInstant) -> Vec<(UtcInstant, AccountId, bool)> {
    let mut made = Vec::new();
    while driver.now < until {
        match driver.planner.next(driver.at()) {
            Step::Do(Effect::Apply(batch)) => driver.apply(*batch),
            Step::Do(Effect::Call(call)) => {
                if let Some((id, scope)) = call.spends {
                    made.push((driver.now, id, scope == Scope::Transactions));
                }
                let reply = match &call.call {
                    ApiCall::Metadata(_) => Reply::Metadata(Metadata {
                        status: Some(ProviderStatus::Ready),
                        facts: AccountFacts::default(),
                    }),
                    ApiCall::Balances(_) => Reply::Balances(Vec::new()),
                    _ => Reply::Unchanged { last_updated: None },
                };
                let server_date = Some(driver.now);
                let answered = Answered { reply, rate: Rate::default(), server_date };
                let result = Box::new(Ok(answered));
                driver.planner.on(driver.at(), Event::Answered { ticket: call.ticket, result });
            }
            Step::Do(_) => {}
            Step::SleepUntil(at) => driver.now = at,
        }
    }
    made
}

/// Uncovered days, the largest age over the objective, and calls.
type Cost = (i64, i64, usize);

/// How things stand while calls are made.
#[derive(Clone, Debug)]
struct State {
    accounts: Vec<Own>,
    /// Transactions and balances that the present slot asks for.
    wanted: Vec<[bool; 2]>,
    covered_at: Vec<UtcInstant>,
    age_over_ms: i64,
    calls: usize,
}

impl State {
    fn new(accounts: &[Own]) -> Self {
        Self {
            accounts: accounts.to_vec(),
            wanted: vec![[true; 2]; accounts.len()],
            covered_at: accounts.iter().map(|own| own.pulled_at).collect(),
            age_over_ms: 0,
            calls: 0,
        }
    }

    fn aged(&mut self, place: usize, at: UtcInstant) {
        let age_ms = at.since(self.accounts[place].pulled_at);
        self.age_over_ms = self.age_over_ms.max(age_ms - 26 * HOUR_MS);
    }

    fn call(&mut self, at: UtcInstant, place: usize, transactions: bool) {
        self.calls += 1;
        self.wanted[place][usize::from(!transactions)] = false;
        if transactions {
            self.covered_at[place] = at;
        }
        if self.wanted[place] == [false; 2] {
            self.aged(place, at);
            self.accounts[place].pulled_at = at;
        }
    }

    /// What all of it has cost when the two days are over.
    fn cost(mut self) -> Cost {
        let mut uncovered_days = 0;
        for place in 0..self.accounts.len() {
            let end = self.accounts[place].ends_at.min(WAKE.plus_ms(HORIZON_MS));
            let covered = self.covered_at[place];
            uncovered_days += end.utc_date().epoch_days() - covered.utc_date().epoch_days();
            self.aged(place, end.plus_ms(-MARGIN_MS - 1));
        }
        (uncovered_days, self.age_over_ms, self.calls)
    }

    /// The least cost of all orders from here on, through the rest of this slot and those to come.
    fn least(&self, at: UtcInstant, slots: &[UtcInstant]) -> Cost {
        let mut least: Option<Cost> = None;
        for (place, own) in self.accounts.iter().enumerate() {
            // Which of the two calls of an account goes first is tried only where it makes a difference: transactions do.
            let transactions = self.wanted[place][0];
            if own.may_be_called(at) && (transactions || self.wanted[place][1]) {
                let mut next = self.clone();
                next.call(at, place, transactions);
                let cost = next.least(at.plus_ms(GAP_MS), slots);
                least = Some(least.map_or(cost, |least| least.min(cost)));
            }
        }
        if let Some(least) = least {
            return least;
        }
        let mut next = self.clone();
        let Some((slot, later)) = slots.split_first() else { return next.cost() };
        next.wanted.fill([true; 2]);
        next.least(*slot, later)
    }
}

/// Numbers that look random and are always the same (Numerical Recipes' generator).
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: u32) -> i64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from((self.0 >> 8) % bound)
    }
}

#[test]
fn up_to_three_accounts_over_two_days_are_called_in_the_best_order_there_is() {
    let mut dice = Dice(4);
    let mut contested = 0;
    for round in 0..20 {
        let first_call = WAKE.plus_ms(GAP_MS);
        let slot = WAKE.plus_hours(23);
        let all: Vec<Own> = (0..=dice.below(3))
            .map(|_| {
                let pulled_at = WAKE.plus_ms(-(10 * HOUR_MS + dice.below(48 * 60) * MINUTE_MS));
                let soon = MARGIN_MS + dice.below(7) * GAP_MS + 500;
                let ends_at = match dice.below(4) {
                    0 => WAKE.plus_days(60),
                    1 => slot.plus_ms(soon),
                    _ => first_call.plus_ms(soon),
                };
                Own { pulled_at, ends_at }
            })
            .collect();
        let (mut driver, ids) = awake(&all, 1);
        let made = calls(&mut driver, WAKE.plus_ms(HORIZON_MS));
        assert_eq!(made[0].0, first_call, "after the time was asked for");
        let mut state = State::new(&all);
        let mut asked_again = false;
        for (at, id, transactions) in &made {
            let later = if *at < slot { &[slot][..] } else { &[] };
            if later.is_empty() && !std::mem::replace(&mut asked_again, true) {
                state.wanted.fill([true; 2]);
            }
            // From here on: what has been is the same for every order.
            (state.age_over_ms, state.calls) = (0, 0);
            let least = state.least(*at, later);
            state.call(*at, ids.iter().position(|own| own == id).unwrap(), *transactions);
            let chosen = state.least(at.plus_ms(GAP_MS), later);
            assert_eq!(chosen, least, "round {round}: {id} at {at}: {all:?} {made:?}");
        }
        let least = State::new(&all).least(first_call, &[slot]);
        assert_eq!(state.cost().0, least.0, "round {round}: {all:?} {made:?}");
        contested += i32::from(least.0 > 0);
    }
    assert!(contested > 2, "{contested}");
}

#[test]
fn hundreds_that_are_due_at_once_stay_within_the_limit_and_the_stalest_goes_first() {
    let all: Vec<Own> = (0..300)
        .map(|place| Own {
            pulled_at: WAKE.plus_ms(-(DAY_MS + place * 77_777 % HOUR_MS)),
            ends_at: WAKE.plus_days(60),
        })
        .collect();
    let (mut driver, ids) = awake(&all, 100);
    let made = calls(&mut driver, WAKE.plus_hours(20));
    assert_eq!(made.len(), 600);
    for (first, next) in made.iter().zip(made.iter().skip(100)) {
        assert!(next.0.since(first.0) > MINUTE_MS);
    }
    assert!(made[599].0.since(WAKE) < 7 * MINUTE_MS);
    let order: Vec<AccountId> =
        made.iter().filter(|(.., transactions)| *transactions).map(|(_, id, _)| *id).collect();
    let mut stalest: Vec<usize> = (0..300).collect();
    stalest.sort_by_key(|place| (all[*place].pulled_at, ids[*place]));
    assert_eq!(order, stalest.into_iter().map(|place| ids[place]).collect::<Vec<_>>());
}
