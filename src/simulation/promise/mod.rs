//! Those who judge: one file for each promise, and none of them knows the planner.
//!
//! A promise sees every [`Fact`] in order and says after each whether there was something to judge and how it came out. What
//! can only be judged by looking into the database is judged by the driver and counted here under the promise's name.

mod announcements;
mod bounds;
mod catch_up;
mod consent;
mod freshness;
mod health;
mod pace;
mod quota;
mod reconfirmation;
mod renewal;
mod scene;
mod suspension;
mod token;
mod told;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::time::UtcInstant;

use super::fact::Fact;

pub(super) use scene::{Identities, Scene};

/// What the rows of an answer and the database are compared under.
pub(super) const VIEW: &str = "view";
/// What all answers and the database are compared under.
pub(super) const ROWS: &str = "stored_once";

/// What sizes are judged under.
pub(super) const BOUNDS: &str = "bounds";

/// How a judgment came out: `None` if there was nothing to judge, else what is wrong.
type Verdict = Option<Result<(), String>>;

/// One who judges.
trait Promise: Send {
    /// Under which name.
    fn name(&self) -> &'static str;
    /// Looks at a fact.
    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict;
    /// Looks around, once in a while.
    fn look(&mut self, _at: UtcInstant, _scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        Vec::new()
    }
    /// Days of movements that could have been had and were not.
    fn uncovered_days(&self) -> usize {
        0
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Broken {
    /// Which.
    pub promise: Cow<'static, str>,
    /// When, by the true time.
    pub at: UtcInstant,
    /// What is wrong.
    pub sentence: String,
    /// The last things that happened before, oldest first.
    pub effects: Vec<String>,
}

/// How a promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Judgments.
    pub checked: u64,
    /// Of these, broken.
    pub broken: u64,
}

impl Tally {
    /// One judgment.
    pub(super) fn count(&mut self, broken: bool) {
        self.checked += 1;
        self.broken += u64::from(broken);
    }
}

/// What the judges need to know of the configuration and the provider.
#[derive(Clone, Debug)]
pub(super) struct Agreed {
    /// Successful calls a day, per account and scope.
    pub(super) daily_limit: u32,
    /// Life of a refresh token.
    pub(super) refresh_life_ms: i64,
    /// No healthy account is older.
    pub(super) freshness_ms: i64,
    /// When to warn, in days before the end.
    pub(super) warn_days: Vec<u32>,
    /// Accounts.
    pub(super) accounts: u32,
    /// Calls for accounts a minute, for all of them together.
    pub(super) accounts_per_minute: u32,
}

/// All who judge.
#[derive(Default)]
pub(super) struct Bench {
    promises: Vec<Box<dyn Promise>>,
    tallies: BTreeMap<&'static str, Tally>,
}

impl Bench {
    /// Everybody, with what was agreed.
    pub(super) fn new(terms: &Agreed) -> Self {
        let promises: Vec<Box<dyn Promise>> = vec![
            Box::new(quota::Quota::new(terms.daily_limit)),
            Box::<suspension::Suspension>::default(),
            Box::<consent::Consent>::default(),
            Box::new(token::Token::new(terms.refresh_life_ms)),
            Box::new(freshness::Freshness::new(terms.freshness_ms)),
            Box::<catch_up::CatchUp>::default(),
            Box::new(announcements::Announcements::new(&terms.warn_days)),
            Box::<renewal::Renewal>::default(),
            Box::<reconfirmation::Reconfirmation>::default(),
            Box::new(bounds::Bounds::new(terms.accounts)),
            Box::new(pace::Pace::new(terms.accounts_per_minute)),
        ];
        let names = promises.iter().map(|promise| promise.name()).chain([VIEW, ROWS]);
        let tallies = names.map(|name| (name, Tally::default())).collect();
        Self { promises, tallies }
    }

    /// Lets everybody look around; the first sentence about something broken.
    pub(super) fn look(
        &mut self,
        at: UtcInstant,
        scene: &mut Scene<'_>,
    ) -> Option<(&'static str, String)> {
        let mut first = None;
        for promise in &mut self.promises {
            let name = promise.name();
            for verdict in promise.look(at, scene) {
                self.tallies.entry(name).or_default().count(verdict.is_err());
                if let Err(sentence) = verdict {
                    first.get_or_insert((name, sentence));
                }
            }
        }
        first
    }

    /// Days of movements that could have been had and were not.
    pub(super) fn uncovered_days(&self) -> usize {
        self.promises.iter().map(|promise| promise.uncovered_days()).sum()
    }

    /// Lets everybody see a fact; the first sentence about something broken.
    pub(super) fn see(&mut self, at: UtcInstant, fact: &Fact) -> Option<(&'static str, String)> {
        let mut first = None;
        for promise in &mut self.promises {
            let name = promise.name();
            let Some(verdict) = promise.see(at, fact) else { continue };
            self.tallies.entry(name).or_default().count(verdict.is_err());
            if let Err(sentence) = verdict {
                first.get_or_insert((name, sentence));
            }
        }
        first
    }

    /// Counts a judgment that was made elsewhere.
    pub(super) fn count(&mut self, name: &'static str, broken: bool) {
        self.tallies.entry(name).or_default().count(broken);
    }

    /// How often each promise was judged and broken, by name.
    pub(super) fn tallies(&self) -> &BTreeMap<&'static str, Tally> {
        &self.tallies
    }
}

#[cfg(test)]
mod testing {
    //! Facts for those who test a judge.

    use std::sync::Arc;

    use crate::model::time::UtcInstant;
    use crate::sandbox::{
        HttpRequest, SANDBOX, SECRET_ID, SECRET_KEY, Scope, Witness, World, WorldConfig,
    };
    use serde_json::json;

    use super::super::fact::Request;
    use super::super::shown::{self, Shown};

    /// So many hours after the beginning.
    pub(super) fn at_hour(hour: i64) -> UtcInstant {
        UtcInstant::EPOCH.plus_days(20_000).plus_hours(hour)
    }

    /// The same request with another account before and after it.
    pub(super) fn changed(
        mut request: Request,
        change: impl FnOnce(&mut Witness, &mut Witness),
    ) -> Request {
        change(request.before.as_mut().unwrap(), request.after.as_mut().unwrap());
        request
    }

    /// A transactions call of the one account, which is well, with consent for 90 days.
    pub(super) fn request(hour: i64, status: u16) -> Request {
        let witness = Witness {
            bank_account: 1,
            requisition: "r".to_owned(),
            consent_ends_at: Some(at_hour(90 * 24)),
            revoked: false,
            confirm_by: None,
            reopened_at: None,
            closed: false,
            suspended: false,
            failures: 0,
            status: "READY",
            stands_still: false,
        };
        Request {
            sent_at: at_hour(hour),
            method: "GET",
            path: "accounts/a/transactions/".to_owned(),
            account: Some("a".to_owned()),
            scope: Some(Scope::Transactions),
            before: Some(witness.clone()),
            after: Some(witness),
            wall_error_ms: 0,
            token_refused: false,
            nobody_served: false,
            filtered: false,
            status,
            daily_reset_at: None,
        }
    }

    /// A world with one linked account that has answered once.
    pub(super) struct Linked {
        pub(super) world: World,
        pub(super) begin: UtcInstant,
        pub(super) request: Arc<Request>,
        pub(super) shown: Shown,
    }

    fn post(
        world: &mut World,
        at: UtcInstant,
        path: &str,
        token: &str,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        let request = HttpRequest::new("POST", &format!("/api/v2/{path}"))
            .with_header("authorization", &format!("Bearer {token}"))
            .with_json(body);
        world.handle(at, &request).parsed().unwrap()
    }

    /// A world with one requisition whose access lasts 365 days and was confirmed on some day after its beginning, or never.
    pub(super) fn confirmed(on_day: Option<i64>) -> (World, UtcInstant, String) {
        let begin = at_hour(0);
        let auto_authorise_after_s = Some(0);
        let mut world =
            World::new(WorldConfig { auto_authorise_after_s, ..WorldConfig::default() }, begin);
        let bank = "ALBIONCARDS_ALBNGB21";
        let token = |world: &mut World, at| {
            let secrets = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
            post(world, at, "token/new/", "", &secrets)["access"].as_str().unwrap().to_owned()
        };
        let terms =
            json!({"institution_id": bank, "access_valid_for_days": 365, "reconfirmation": true});
        let access = token(&mut world, begin);
        let agreement = post(&mut world, begin, "agreements/enduser/", &access, &terms);
        let agreement = agreement["id"].as_str().unwrap();
        let wish = json!({"redirect": "http://localhost/", "institution_id": bank,
            "agreement": agreement});
        post(&mut world, begin, "requisitions/", &access, &wish);
        let requisition = world.requisitions(begin).remove(0).id;
        if let Some(day) = on_day {
            let at = begin.plus_days(day);
            let access = token(&mut world, at);
            let path = format!("agreements/enduser/{agreement}/reconfirm/");
            post(&mut world, at, &path, &access, &json!({}));
            world.person_reconfirms(agreement, &[], at).unwrap();
        }
        (world, begin, requisition)
    }

    pub(super) fn linked() -> Linked {
        let begin = at_hour(0);
        let config = WorldConfig {
            auto_authorise_after_s: Some(0),
            accounts_per_institution: Some(1),
            ..WorldConfig::default()
        };
        let mut world = World::new(config, begin);
        let secrets = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let token = post(&mut world, begin, "token/new/", "", &secrets)["access"].clone();
        let token = token.as_str().unwrap();
        let wish = json!({"redirect": "http://localhost/", "institution_id": SANDBOX});
        post(&mut world, begin, "requisitions/", token, &wish);
        let view = world.accounts(begin).remove(0);
        let path = format!("/api/v2/accounts/{}/transactions/", view.id);
        let ask =
            HttpRequest::new("GET", &path).with_header("authorization", &format!("Bearer {token}"));
        let response = world.handle(begin, &ask);
        assert_eq!(response.status, 200);
        let shown = Shown {
            arrived_at: begin,
            account: view.id.clone(),
            bank_account: view.bank_account,
            stands_still: false,
            date_from: None,
            rows: world.last_answer(&view.id).unwrap().rows.clone(),
            booked: shown::booked(&response.body).unwrap(),
        };
        let witness = world.witness(&view.id, begin);
        let request = Request {
            sent_at: begin,
            account: Some(view.id),
            before: witness.clone(),
            after: witness,
            ..request(0, 200)
        };
        Linked { world, begin, request: Arc::new(request), shown }
    }
}
