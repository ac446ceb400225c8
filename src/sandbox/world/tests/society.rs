//! An inhabited world over years: a plain-minded client that does what people ask and calls twice a
//! day, and what then has happened.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Follows wishes to the letter and pulls whatever it is allowed to.
struct Client {
    world: World,
    now: UtcInstant,
    token: String,
    /// Answers by status.
    statuses: BTreeMap<u16, u32>,
    references: u32,
}

impl Client {
    fn new(seed: u64, weather: Weather, accounts: u32, days: u32) -> Self {
        let limits = Limits { accounts_per_minute: 9_999, ..Limits::default() };
        let start = UtcInstant::from_ms(1_772_442_000_000);
        let config = WorldConfig { seed, limits, past_days: 120, ..WorldConfig::default() };
        let mut world = World::new(config, start);
        assert!(world.inhabit(accounts, days, weather) >= accounts.min(40));
        let statuses = BTreeMap::new();
        Self { world, now: start, token: String::new(), statuses, references: 0 }
    }

    fn once(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = HttpRequest::new(method, &format!("/api/v2/{target}"))
            .with_header("authorization", &format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.with_json(body);
        }
        let answer = self.world.handle(self.now, &request);
        *self.statuses.entry(answer.status).or_default() += 1;
        (answer.status, answer.parsed().unwrap_or(Value::Null))
    }

    fn send(&mut self, method: &str, target: &str, body: Option<&Value>) {
        let (_, answer) = self.once(method, target, body);
        if answer["summary"] == "Invalid token" {
            let secrets = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
            let (_, pair) = self.once("POST", "token/new/", Some(&secrets));
            pair["access"].as_str().unwrap_or("").clone_into(&mut self.token);
            self.once(method, target, body);
        }
    }

    fn link(&mut self, institution: &str) {
        self.references += 1;
        let body = json!({"institution_id": institution, "redirect": "https://host.example/back",
            "reference": format!("r-{}", self.references)});
        self.send("POST", "requisitions/", Some(&body));
    }

    fn half_day(&mut self) {
        self.now = self.now.plus_hours(12);
        for wish in self.world.take_wishes(self.now) {
            match wish {
                Wish::Link { institution, .. } => self.link(&institution),
                Wish::Renew { requisition } => {
                    let all = self.world.requisitions(self.now);
                    let old = all.iter().find(|own| own.id == requisition).unwrap();
                    self.link(old.institution);
                }
                Wish::Unlink { requisition } => {
                    self.send("DELETE", &format!("requisitions/{requisition}/"), None);
                }
                Wish::Reconfirm { .. } | Wish::Sync { .. } => {}
            }
        }
        let readable = |own: &AccountView| matches!(own.status, "READY" | "ERROR");
        let accounts: Vec<_> = self.world.accounts(self.now).into_iter().filter(readable).collect();
        for account in accounts {
            let from = self.now.utc_date().plus_days(-5).unwrap();
            for scope in ["balances/", &format!("transactions/?date_from={from}")] {
                self.send("GET", &format!("accounts/{}/{scope}", account.id), None);
            }
        }
    }

    fn live(&mut self, days: u32) {
        for _ in 0..days * 2 {
            self.half_day();
        }
    }
}

fn word(deed: &Deed) -> String {
    format!("{deed:?}").split([' ', '{']).next().unwrap().to_owned()
}

#[test]
fn a_calm_world_has_data_and_no_trouble() {
    let mut client = Client::new(3, Weather::Calm, 6, 100);
    client.live(100);
    assert!(client.world.deeds().iter().all(|(_, deed)| matches!(deed, Deed::Linked { .. })));
    assert!(client.world.deeds().len() >= 4, "each renewed in time");
    let of = |status: u16| client.statuses.get(&status).copied().unwrap_or_default();
    assert!(of(200) > 6 * 90 * 4, "{:?}", client.statuses);
    assert_eq!(of(500) + of(502) + of(503), 0);
}

#[test]
fn years_of_storms_have_everything() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut statuses: BTreeSet<u16> = BTreeSet::new();
    for seed in 0..2 {
        let mut client = Client::new(seed, Weather::Storm, 8, 400);
        client.live(400);
        seen.extend(client.world.deeds().iter().map(|(_, deed)| word(deed)));
        statuses.extend(client.statuses.keys());
        assert!(client.world.deeds().windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(!client.world.take_callbacks(client.now).is_empty());
    }
    let all = [
        "Linked",
        "Cancelled",
        "Left",
        "BrokeDown",
        "Revoked",
        "Suspended",
        "Closed",
        "Outage",
        "Refused",
        "Processing",
        "TokensRevoked",
        "OtherApp",
        "CompanyBusy",
        "HeadersOdd",
        "AddressDenied",
        "Incident",
    ];
    for word in all {
        assert!(seen.contains(word), "{word}: {seen:?}");
    }
    for status in [200, 201, 401, 403, 409, 429, 500, 502, 503] {
        assert!(statuses.contains(&status), "{status}: {statuses:?}");
    }
}

#[test]
fn a_storm_is_the_same_for_the_same_seed() {
    let deeds = |seed: u64| {
        let mut client = Client::new(seed, Weather::Storm, 5, 60);
        client.live(60);
        format!("{:?} {:?}", client.world.deeds(), client.statuses)
    };
    assert_eq!(deeds(9), deeds(9));
    assert_ne!(deeds(9), deeds(10));
}

#[test]
fn the_next_deed_is_announced() {
    let mut client = Client::new(1, Weather::Usual, 2, 100);
    let first = client.world.next_deed_at().unwrap();
    assert!(client.world.take_wishes(first.plus_ms(-1)).is_empty());
    let wishes = client.world.take_wishes(first.plus_hours(24));
    assert!(matches!(wishes[0], Wish::Link { .. }));
    assert!(client.world.next_deed_at().unwrap() > first.plus_hours(24));
}

#[test]
fn a_person_answers_a_reconfirmation_when_asked() {
    let mut client = Client::new(2, Weather::Calm, 100, 300);
    let terms = json!({"institution_id": "ALBIONCARDS_ALBNGB21", "access_valid_for_days": 365,
        "reconfirmation": true});
    client.send("GET", "institutions/", None);
    let (_, agreement) = client.once("POST", "agreements/enduser/", Some(&terms));
    let id = agreement["id"].as_str().unwrap().to_owned();
    let wish = json!({"institution_id": "ALBIONCARDS_ALBNGB21", "agreement": id,
        "redirect": "https://host.example/back"});
    assert_eq!(client.once("POST", "requisitions/", Some(&wish)).0, 201);
    client.now = client.now.plus_days(80);
    client.send("GET", "institutions/", None);
    let target = format!("agreements/enduser/{id}/reconfirm/");
    assert_eq!(client.once("POST", &target, Some(&json!({}))).0, 201);
    client.now = client.now.plus_days(14);
    client.world.live_until(client.now);
    let answered = |(_, deed): &(UtcInstant, Deed)| {
        *deed == Deed::Reconfirmed { agreement: id.clone(), rejected: Vec::new() }
    };
    assert!(client.world.deeds().iter().any(answered));
}
