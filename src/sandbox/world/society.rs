//! The people of an inhabited world: who links what, and who renews in time, late or never, cancels
//! half-way, leaves, revokes at the bank, chooses other accounts, answers reconfirmations.
//!
//! Everything is decided by seed and by the requisitions that appear; nobody here knows the daemon.

use std::collections::BTreeSet;

use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcInstant};

use super::super::rng::Rng;
use super::agreements::Agreement;
use super::deeds::{Deed, Plan, Way, Wish};
use super::people::{Outcome, Refused};
use super::weather::Weather;
use super::{World, institutions, reconfirm};

/// The accounts that one person has at one institution.
#[derive(Debug)]
pub(super) struct Household {
    institution: &'static str,
    /// Places of the accounts that the person lets the daemon see.
    places: Vec<usize>,
    /// The requisition in use.
    current: Option<String>,
    rng: Rng,
    /// Whether a renewal or a new link has been asked for and is not through yet.
    wants: bool,
    /// When it was asked for, until there is a link to open.
    asked_at: Option<UtcInstant>,
    /// Days of history that the person wants where the institution gives a long one apart.
    history_days: Option<u32>,
    /// Requisitions that bring nothing but that, each once.
    histories: BTreeSet<String>,
}

impl Household {
    /// Where access has to be confirmed, people ask for enough of it to be asked more than once.
    fn link_wish(&self) -> Wish {
        let confirms = institutions::find(self.institution).and_then(|own| own.reconfirmation_days);
        Wish::Link {
            institution: self.institution.to_owned(),
            history_days: self.history_days,
            access_days: confirms.map(|longest| longest.min(365)),
        }
    }
}

/// Accounts of one person at one institution, if there are institutions enough.
const FEW_ACCOUNTS: usize = 3;
/// Days of history that people ask for where a long one is given apart.
const HISTORIES: [u32; 3] = [180, 365, 730];
/// How long somebody waits for a link to open before asking again.
const PATIENCE_MS: i64 = 3 * DAY_MS;

/// All people, and how often they go astray.
#[derive(Debug, Default)]
pub(super) struct Society {
    pub(super) weather: Weather,
    households: Vec<Household>,
    /// No plan is made for later than this.
    pub(super) ends_at: Option<UtcInstant>,
}

impl Society {
    fn of_institution(&mut self, institution: &str) -> Option<&mut Household> {
        self.households.iter_mut().find(|own| own.institution == institution)
    }

    /// How many times in a thousand something goes wrong that is said for ordinary weather.
    const fn scaled(&self, permille: u64) -> u64 {
        match self.weather {
            Weather::Calm => 0,
            Weather::Usual => permille,
            Weather::Storm => permille * 2,
        }
    }
}

/// How somebody deals with the end of a consent.
enum Renewal {
    InTime(i64),
    Late(i64),
    /// Links anew after this many days.
    Anew(i64),
    Never,
}

impl World {
    /// Lets people with about this many accounts live here for this many days, each at an
    /// institution of their own, all of them (in an order by seed) before any comes twice; gives
    /// how many accounts they have. Fewer than asked for only if there are no more.
    pub fn inhabit(&mut self, accounts: u32, days: u32, weather: Weather) -> u32 {
        let start = self.start;
        let mut rng = Rng::keyed(self.config.seed, &[30]);
        let mut order: Vec<(u64, &'static str)> =
            institutions::all().map(|own| (rng.bits(), own.id)).collect();
        order.sort_unstable();
        self.society.weather = weather;
        self.society.ends_at = Some(start.plus_days(i64::from(days)));
        let wanted = usize::try_from(accounts).unwrap_or(usize::MAX);
        let there = |institution: &str| {
            self.bank.iter().filter(|own| own.institution.id == institution).count()
        };
        let order: Vec<_> = order.into_iter().map(|(own, id)| (own, id, there(id))).collect();
        // A few accounts at many banks, as long as that is enough.
        let few = order.iter().map(|(.., there)| (*there).min(FEW_ACCOUNTS)).sum::<usize>();
        let most = if few >= wanted { FEW_ACCOUNTS } else { usize::MAX };
        let mut count = 0;
        for (number, institution, there) in order {
            let places: Vec<usize> =
                (0..there.min(most).min(wanted.saturating_sub(count))).collect();
            if places.is_empty() {
                continue;
            }
            count += places.len();
            let mut own = Rng::keyed(number, &[31]);
            let first = start.plus_ms(own.between(1, 6 * 60) * MINUTE_MS);
            if weather != Weather::Calm {
                self.plan_impatience(&mut own, start, days);
            }
            let apart = institutions::find(institution)
                .is_some_and(|own| own.has("separate_continuous_history_consent"));
            let history_days =
                (apart && own.chance(750)).then(|| own.pick(&HISTORIES).copied()).flatten();
            let household = Household {
                institution,
                places,
                current: None,
                rng: own,
                wants: false,
                asked_at: None,
                history_days,
                histories: BTreeSet::new(),
            };
            self.agenda.plan(first, Plan::Wish(household.link_wish()));
            self.society.households.push(household);
        }
        self.plan_weather(start);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Now and then somebody cannot wait for the next sync.
    fn plan_impatience(&mut self, rng: &mut Rng, start: UtcInstant, days: u32) {
        let mut day = rng.between(5, 60);
        while day < i64::from(days) {
            let at = start.plus_ms(day * DAY_MS + rng.between(0, DAY_MS));
            self.agenda.plan(at, Plan::Wish(Wish::Sync { force: rng.chance(500) }));
            day += rng.between(20, 80);
        }
    }

    /// A wish is told to the daemon if it still makes sense.
    pub(super) fn wish(&mut self, wish: Wish, at: UtcInstant) {
        let wish = match wish {
            Wish::Sync { .. } => wish,
            Wish::Unlink { requisition } => {
                let Some(own) = self.household_of(&requisition) else { return };
                if own.wants || own.current.as_deref() != Some(&*requisition) {
                    return;
                }
                own.current = None;
                Wish::Unlink { requisition }
            }
            Wish::Renew { requisition } => {
                let alive = self.requisitions.contains_key(&requisition);
                let Some(own) = self.household_of(&requisition) else { return };
                if own.current.as_deref() != Some(&*requisition) || own.wants {
                    return;
                }
                let (institution, anew) = (own.institution, own.link_wish());
                self.ask(institution, at);
                if alive { Wish::Renew { requisition } } else { anew }
            }
            Wish::Reconfirm { requisition } => {
                let own = self.household_of(&requisition);
                if own.is_none_or(|own| own.current.as_deref() != Some(&*requisition)) {
                    return;
                }
                Wish::Reconfirm { requisition }
            }
            Wish::Link { institution, .. } => {
                let Some(own) = self.society.of_institution(&institution) else { return };
                if own.wants {
                    return;
                }
                let (known, wish) = (own.institution, own.link_wish());
                self.ask(known, at);
                wish
            }
        };
        self.agenda.wishes.push(wish);
    }

    fn ask(&mut self, institution: &'static str, at: UtcInstant) {
        if let Some(own) = self.society.of_institution(institution) {
            (own.wants, own.asked_at) = (true, Some(at));
        }
        let plan = Plan::Remind { institution, asked_at: at };
        self.plan_within(at.plus_ms(PATIENCE_MS), plan);
    }

    /// Nobody has been given a link to open: the wish is told once more.
    pub(super) fn remind(
        &mut self,
        institution: &'static str,
        asked_at: UtcInstant,
        at: UtcInstant,
    ) {
        let own = self.society.of_institution(institution);
        if own.is_some_and(|own| own.asked_at == Some(asked_at)) {
            self.try_again(institution, at);
        }
    }

    fn household_of(&mut self, requisition: &str) -> Option<&mut Household> {
        let known = self.requisitions.get(requisition).map(|own| own.institution.id);
        let gone = || {
            let mut deleted = self.log.deletions().iter();
            deleted.find(|(_, own)| own.id == requisition).map(|(_, own)| own.institution)
        };
        let institution = known.or_else(gone)?;
        self.society.of_institution(institution)
    }

    /// Somebody has a new link to open.
    pub(super) fn meet(&mut self, requisition: &str, now: UtcInstant) {
        let Some(made) = self.requisitions.get(requisition) else { return };
        let institution = made.institution.id;
        let history = self.agreements.get(&made.agreement).is_some_and(Agreement::stands_still);
        let astray = self.society.scaled(1);
        let Some(own) = self.society.of_institution(institution) else { return };
        if history {
            own.histories.insert(requisition.to_owned());
        } else {
            (own.wants, own.asked_at) = (true, None);
        }
        let rng = &mut own.rng;
        let minutes = if rng.chance(100) { rng.between(120, 2_880) } else { rng.between(1, 90) };
        let at = now.plus_ms(minutes * MINUTE_MS);
        let again_ms =
            |rng: &mut Rng, low: i64, high: i64| rng.between(low * 24, high * 24) * HOUR_MS;
        // In a thousand visits, in ordinary weather.
        let (way, again) = match rng.below(1_000).checked_div(astray.max(1)).unwrap_or(0) {
            _ if astray == 0 => (Some(Way::Through), None),
            0..80 => (Some(Way::Cancels), Some(again_ms(rng, 1, 3))),
            80..130 => (Some(Way::Leaves), Some(again_ms(rng, 3, 8))),
            130..160 => (Some(Way::BreaksDown), Some(again_ms(rng, 1, 2))),
            160..200 => (None, Some(again_ms(rng, 8, 20))),
            _ => (Some(Way::Through), None),
        };
        let requisition = requisition.to_owned();
        if let Some(way) = way {
            self.agenda.plan(at, Plan::Open { requisition, way });
        }
        // Nobody takes more trouble about the past.
        if let Some(after_ms) = again.filter(|_ms| !history) {
            self.try_again(institution, at.plus_ms(after_ms));
        }
    }

    /// Asks for the same again later.
    fn try_again(&mut self, institution: &'static str, at: UtcInstant) {
        let Some(own) = self.society.of_institution(institution) else { return };
        (own.wants, own.asked_at) = (false, None);
        let wish = match own.current.clone() {
            Some(requisition) => Wish::Renew { requisition },
            None => own.link_wish(),
        };
        self.plan_within(at, Plan::Wish(wish));
    }

    pub(super) fn visit(&mut self, at: UtcInstant, requisition: String, way: Way) {
        let outcome = match way {
            Way::Through => self.person_goes_through(&requisition, at),
            Way::Cancels => self.person_cancels(&requisition, at),
            Way::BreaksDown => self.bank_breaks_down(&requisition, at),
            Way::Leaves => self.person_opens(&requisition, at),
        };
        if outcome.is_err() {
            // The link is over, or deleted: another one is needed.
            let own = self.household_of(&requisition);
            let own = own.filter(|own| !own.histories.contains(&requisition));
            let institution = own.map(|own| own.institution);
            if let Some(institution) = institution.filter(|_| way == Way::Through) {
                self.try_again(institution, at.plus_days(1));
            }
            return;
        }
        if matches!(way, Way::Cancels | Way::BreaksDown)
            && let Some(own) = self.requisitions.get(&requisition)
        {
            let url = Self::way_back(own, Outcome::Cancelled);
            self.agenda.callbacks.push((at, url));
        }
        match way {
            Way::Through => {}
            Way::Cancels => self.done(at, Deed::Cancelled { requisition }),
            Way::BreaksDown => self.done(at, Deed::BrokeDown { requisition }),
            Way::Leaves => self.done(at, Deed::Left { requisition }),
        }
    }

    fn person_goes_through(&mut self, requisition: &str, at: UtcInstant) -> Result<(), Refused> {
        let others = self.society.scaled(50);
        let institution = self.requisitions.get(requisition).map(|own| own.institution.id);
        let there = self.bank.iter().filter(|own| Some(own.institution.id) == institution).count();
        let household = institution.and_then(|id| self.society.of_institution(id));
        let household = household.ok_or(Refused::Unknown)?;
        if there > 1 && household.rng.chance(others) {
            // One account more, or one less; never none.
            if household.places.len() < there {
                household.places = (0..=household.places.len()).collect();
            } else {
                household.places.pop();
            }
        }
        let places = household.places.clone();
        self.person_selects(requisition, &places, at)
    }

    /// A requisition has just been linked.
    pub(super) fn settle_down(&mut self, requisition: &str, at: UtcInstant) {
        let Some(own) = self.requisitions.get(requisition) else { return };
        let institution = own.institution.id;
        let ends = self.agreements.get(&own.agreement).and_then(Agreement::ends_at);
        let url = Self::way_back(own, Outcome::Success);
        let (revokes, leaves) = (self.society.scaled(40), self.society.scaled(15));
        let astray = self.society.scaled(1);
        let known = self.society.of_institution(institution);
        let Some(history) = known.map(|own| own.histories.contains(requisition)) else { return };
        self.agenda.callbacks.push((at, url));
        self.done(at, Deed::Linked { requisition: requisition.to_owned() });
        // What brings its history once is not renewed.
        let household = self.society.of_institution(institution).filter(|_own| !history);
        let Some(household) = household else { return };
        household.wants = false;
        household.current = Some(requisition.to_owned());
        let rng = &mut household.rng;
        let days = ends.map_or(90, |end| end.since(at).div_euclid(DAY_MS));
        let some_day = |rng: &mut Rng| at.plus_ms(rng.between(2 * DAY_MS, days.max(3) * DAY_MS));
        let revoked_at = rng.chance(revokes).then(|| some_day(rng));
        let unlinked_at = rng.chance(leaves).then(|| (some_day(rng), rng.between(5, 40)));
        let renewal = renewal(rng, astray);
        let anew = household.link_wish();
        if let Some(when) = revoked_at {
            self.plan_within(when, Plan::Revoke { requisition: requisition.to_owned() });
        }
        if let Some((when, away_days)) = unlinked_at {
            let wish = Wish::Unlink { requisition: requisition.to_owned() };
            self.plan_within(when, Plan::Wish(wish));
            self.plan_within(when.plus_days(away_days), Plan::Wish(anew.clone()));
        }
        let renew = Wish::Renew { requisition: requisition.to_owned() };
        self.plan_confirmation(requisition);
        let Some(end) = ends else { return };
        match renewal {
            Renewal::InTime(days) => self.plan_within(end.plus_days(-days), Plan::Wish(renew)),
            Renewal::Late(days) => self.plan_within(end.plus_days(days), Plan::Wish(renew)),
            Renewal::Anew(days) => self.plan_within(end.plus_days(days), Plan::Wish(anew)),
            Renewal::Never => {}
        }
    }

    /// Somebody will confirm that access goes on: in time, late or never.
    fn plan_confirmation(&mut self, requisition: &str) {
        let (late, never) = (self.society.scaled(80), self.society.scaled(40));
        let Some(own) = self.requisitions.get(requisition) else { return };
        let terms = self.agreements.get(&own.agreement);
        let open = terms.map_or_else(Vec::new, |terms| reconfirm::days(terms, &own.accounts));
        let Some(due) = open.iter().find(|day| day.answered_at.is_none()) else { return };
        let due = due.due_at;
        let Some(household) = self.household_of(requisition) else { return };
        let rng = &mut household.rng;
        if rng.chance(never) {
            return;
        }
        let ms = rng.between(HOUR_MS, 10 * DAY_MS);
        let from = if rng.chance(late) { due } else { due.plus_days(-reconfirm::MARGIN_DAYS) };
        let wish = Wish::Reconfirm { requisition: requisition.to_owned() };
        self.plan_within(from.plus_ms(ms), Plan::Wish(wish));
    }

    /// Plans something unless it is after the end.
    pub(super) fn plan_within(&mut self, at: UtcInstant, plan: Plan) {
        if self.society.ends_at.is_some_and(|end| at < end) {
            self.agenda.plan(at, plan);
        }
    }

    pub(super) fn after_revocation(&mut self, requisition: &str, at: UtcInstant) {
        let Some(own) = self.household_of(requisition) else { return };
        let back = at.plus_ms(own.rng.between(DAY_MS, 30 * DAY_MS));
        self.plan_within(back, Plan::Wish(Wish::Renew { requisition: requisition.to_owned() }));
    }

    /// After a suspension, which only a new login ends.
    pub(super) fn after_suspension(&mut self, account: &str, at: UtcInstant) {
        let requisition = self.accounts.get(account).map(|own| own.requisition.clone());
        let Some(requisition) = requisition else { return };
        let Some(own) = self.household_of(&requisition) else { return };
        let back = at.plus_ms(own.rng.between(DAY_MS, 5 * DAY_MS));
        self.plan_within(back, Plan::Wish(Wish::Renew { requisition }));
    }

    /// Somebody is asked to reconfirm: in time, late, partly or not at all.
    pub(super) fn asked_again(&mut self, agreement: &str, window: (UtcInstant, UtcInstant)) {
        let (slow, rejects) = (self.society.scaled(100), self.society.scaled(30));
        let institution = self.agreements.get(agreement).map(|own| own.institution.id);
        let Some(own) = institution.and_then(|id| self.society.of_institution(id)) else { return };
        let (from, until) = window;
        let half_ms = until.since(from).div_euclid(2);
        let rng = &mut own.rng;
        if rng.chance(slow.div_euclid(2)) {
            return;
        }
        let late = rng.chance(slow);
        let wait_ms = rng.between(HOUR_MS, half_ms - HOUR_MS) + if late { half_ms } else { 0 };
        let rejects = rng.chance(rejects);
        let plan = Plan::Reconfirm { agreement: agreement.to_owned(), rejects };
        self.plan_within(from.plus_ms(wait_ms), plan);
    }

    pub(super) fn answer_again(&mut self, at: UtcInstant, agreement: String, rejects: bool) {
        let accounts = self.agreements.get(&agreement).map(|own| self.accounts_of(own).to_vec());
        let rejected: Vec<String> =
            accounts.unwrap_or_default().into_iter().filter(|_| rejects).take(1).collect();
        if self.person_reconfirms(&agreement, &rejected, at).is_ok() {
            let requisition =
                self.agreements.get(&agreement).and_then(|own| own.requisition.clone());
            self.done(at, Deed::Reconfirmed { agreement, rejected });
            if let Some(requisition) = requisition {
                self.plan_confirmation(&requisition);
            }
        }
    }
}

fn renewal(rng: &mut Rng, astray: u64) -> Renewal {
    // In a thousand consents, in ordinary weather.
    match rng.below(1_000).checked_div(astray.max(1)).unwrap_or(0) {
        _ if astray == 0 => Renewal::InTime(rng.between(1, 20)),
        0..150 => Renewal::Late(rng.between(0, 25)),
        150..220 => Renewal::Anew(rng.between(1, 60)),
        220..240 => Renewal::Never,
        _ => Renewal::InTime(rng.between(1, 20)),
    }
}
