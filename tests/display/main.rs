//! The display rules that come with the program, against rows and balances as their banks send them, and what a broken file of
//! one's own is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

use std::borrow::Cow;
use std::fs;
use std::sync::Arc;

use banksyncd::config::{Defaults, LoadError, display_rules, load};
use banksyncd::display::{Rule, Rules, SHIPPED, Shown, Sign};
use banksyncd::gocardless::Rows;
use banksyncd::model::balance::Balance;
use banksyncd::model::money::{Amount, Currency, Money};
use banksyncd::model::port::RowReader as _;
use banksyncd::model::time::BankDate;
use banksyncd::model::transaction::BookingStatus;
use serde::Deserialize;

fn shipped() -> Rules {
    display_rules(true, None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// What is tried.
#[derive(Deserialize)]
struct Fixtures {
    row: Vec<RowFixture>,
    balances: Vec<BalancesFixture>,
}

/// A row, and what is shown of it; what is absent is null.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowFixture {
    bank: String,
    #[serde(default)]
    pending: bool,
    raw: String,
    amount: Option<String>,
    date: Option<String>,
    payee: Option<String>,
    notes: Option<String>,
    /// Where it is worth a word.
    currency: Option<String>,
}

/// The types of balances that an account has, and which of them is on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalancesFixture {
    bank: String,
    types: Vec<String>,
    ledger: Option<String>,
}

fn fixtures() -> Fixtures {
    toml::from_str(include_str!("../fixtures/display.toml")).unwrap()
}

impl RowFixture {
    /// What a rule makes of it, and what it should.
    fn try_with(&self, rule: &Rule) -> (Shown<'static>, Shown<'static>) {
        let status = if self.pending { BookingStatus::Pending } else { BookingStatus::Booked };
        let columns = Rows.read(&self.raw);
        let shown = rule.show(&columns, status, (&Rows, &self.raw));
        let own = |text: Option<&str>| text.map(|text| Cow::Owned(text.to_owned()));
        let amount = self.amount.as_deref().map(|text| Amount::parse(text).unwrap());
        let expected = Shown {
            display_amount: amount,
            display_currency: own(self.currency.as_deref().or(shown.display_currency.as_deref())),
            display_date: self.date.as_deref().map(|text| BankDate::parse(text).unwrap()),
            display_payee: own(self.payee.as_deref()),
            display_notes: own(self.notes.as_deref()),
        };
        let shown = Shown {
            display_amount: shown.display_amount,
            display_currency: own(shown.display_currency.as_deref()),
            display_date: shown.display_date,
            display_payee: own(shown.display_payee.as_deref()),
            display_notes: own(shown.display_notes.as_deref()),
        };
        (shown, expected)
    }
}

impl BalancesFixture {
    /// What a rule takes for what is on the account.
    fn try_with(&self, rule: &Rule) -> Option<&str> {
        let balance = |balance_type: &String| Balance {
            balance_type: balance_type.clone(),
            money: Some(Money {
                amount: Amount::parse("1").unwrap(),
                currency: Currency("EUR".to_owned()),
            }),
            reference_date: None,
            raw: "{}".to_owned(),
        };
        let balances: Vec<Balance> = self.types.iter().map(balance).collect();
        let place = rule.ledger_balance(&balances.iter().collect::<Vec<_>>());
        place.map(|place| self.types[place].as_str())
    }
}

#[test]
fn every_rule_shows_its_bank_as_people_expect() {
    let (rules, fixtures) = (shipped(), fixtures());
    for row in &fixtures.row {
        let (shown, expected) = row.try_with(&rules.of(&row.bank).unwrap());
        assert_eq!(shown, expected, "{row:#?}");
    }
    for balances in &fixtures.balances {
        let ledger = balances.try_with(&rules.of(&balances.bank).unwrap());
        assert_eq!(ledger, balances.ledger.as_deref(), "{balances:?}");
    }
}

/// The same rule without one of its parts, each with a word for it.
fn lessened(rule: &Rule) -> Vec<(String, Rule)> {
    let neutral = Rule::default();
    let mut all = vec![
        ("sign".to_owned(), Rule { sign: neutral.sign, ..rule.clone() }),
        ("amount".to_owned(), Rule { amount: None, ..rule.clone() }),
        ("date".to_owned(), Rule { dates: neutral.dates.clone(), ..rule.clone() }),
        ("escapes".to_owned(), Rule { escapes: false, ..rule.clone() }),
        (
            "ledger-balance".to_owned(),
            Rule { ledger_balance: neutral.ledger_balance.clone(), ..rule.clone() },
        ),
    ];
    let mut change = |what: String, change: &dyn Fn(&mut Rule)| {
        let mut less = rule.clone();
        change(&mut less);
        all.push((what, less));
    };
    if rule.dates != neutral.dates {
        for place in 0..rule.dates.len() {
            change(format!("date {place}"), &|less| drop(less.dates.remove(place)));
        }
    }
    if rule.ledger_balance != neutral.ledger_balance {
        for place in 0..rule.ledger_balance.len() {
            change(format!("balance {place}"), &|less| drop(less.ledger_balance.remove(place)));
        }
    }
    for place in 0..rule.payees.len() {
        change(format!("payee {place}"), &|less| drop(less.payees.remove(place)));
        change(format!("payee {place}, only"), &|less| less.payees[place].only = None);
    }
    for place in 0..rule.notes.len() {
        change(format!("notes {place}"), &|less| drop(less.notes.remove(place)));
        change(format!("notes {place}, only"), &|less| less.notes[place].only = None);
    }
    for place in 0..rule.notes_without.len() {
        change(format!("without {place}"), &|less| drop(less.notes_without.remove(place)));
    }
    all.retain(|(_, less)| less != rule);
    all
}

#[test]
fn no_part_of_a_rule_is_without_a_row_or_balance_that_needs_it() {
    let (rules, fixtures) = (shipped(), fixtures());
    let mut idle = Vec::new();
    let mut parts = 0;
    for entry in SHIPPED.split("[[institution]]").skip(1) {
        let list = entry.split("\nids = [").nth(1).unwrap().split(']').next().unwrap();
        let ids: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert!(ids.iter().all(|id| rules.institutions().any(|known| known == *id)), "{ids:?}");
        let rule = rules.of(ids[0]).unwrap();
        let own = |bank: &str| Arc::ptr_eq(&rules.of(bank).unwrap(), &rule);
        let less = lessened(&rule);
        assert!(!less.is_empty(), "{ids:?} is no rule");
        for (part, less) in less {
            let rows = fixtures.row.iter().filter(|row| own(&row.bank));
            let wrong_row =
                rows.map(|row| row.try_with(&less)).any(|(shown, wanted)| shown != wanted);
            let mut balances = fixtures.balances.iter().filter(|one| own(&one.bank));
            let needed =
                wrong_row || balances.any(|one| one.try_with(&less) != one.ledger.as_deref());
            parts += 1;
            if !needed {
                idle.push(format!("{part} of {}", ids[0]));
            }
        }
    }
    assert!(idle.is_empty(), "nothing needs: {idle:#?}");
    assert!(parts > 80, "{parts}");
}

#[test]
fn rules_can_be_switched_off_and_replaced() {
    let own = "[[institution]]\nids = [\"ISYBANK_ITBBITMM\", \"NEW_BANK\"]\nsign = \"inverted\"\n";
    let rules = display_rules(true, Some(("display.toml", own))).unwrap();
    let raw = r#"{"transactionAmount":{"amount":"5","currency":"EUR"},"bookingDate":"2026-03-04","valueDate":"2026-03-02"}"#;
    for institution in ["ISYBANK_ITBBITMM", "NEW_BANK"] {
        let (rule, columns) = (rules.of(institution).unwrap(), Rows.read(raw));
        let shown = rule.show(&columns, BookingStatus::Booked, (&Rows, raw));
        assert_eq!(shown.display_amount, Amount::parse("-5"));
        assert_eq!(
            shown.display_date.unwrap().to_string(),
            "2026-03-04",
            "the whole rule is replaced"
        );
    }
    assert!(rules.of("HYPE_HYEEIT22").is_some());
    // A beginning stands for all ids that have it, a longer one and a whole id go before it, and one's own replaces both.
    let neutral = Rule::default();
    assert_ne!(*shipped().of("HSBC_HBUKGB4B").unwrap(), neutral);
    assert_eq!(*rules.of("CAISSEDEPARGNE").unwrap(), neutral);
    assert_ne!(*rules.of("CAISSEDEPARGNE_RHONE_ALPES").unwrap(), neutral);
    let own = "[[institution]]\nids = [\"HSBC_*\"]\nsign = \"inverted\"\n[[institution]]\nids = [\"HSBC_B*\"]\n\
               [[institution]]\nids = [\"HSBC_C\"]\nescapes = true\n";
    let rules = display_rules(true, Some(("display.toml", own))).unwrap();
    let inverted = Rule { sign: Sign::Inverted, ..neutral.clone() };
    let escaped = Rule { escapes: true, ..neutral.clone() };
    for (id, rule) in [
        ("HSBC_HBUKGB4B", &inverted),
        ("HSBC_", &inverted),
        ("HSBC_BUSINESS", &neutral),
        ("HSBC_C", &escaped),
        ("HSBC_CARDS", &inverted),
    ] {
        assert_eq!(*rules.of(id).unwrap(), *rule, "{id}");
    }
    assert!(display_rules(false, Some(("display.toml", own))).unwrap().of("NEW_BANK").is_none());
}

#[test]
fn a_broken_file_is_told_of_with_place_and_cure() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, "[log]\nlevel = \"lound\"\n").unwrap();
    let own = folder.path().join("display.toml");
    fs::write(
        &own,
        "[[institution]]\nids = [\"A\", \"no id\"]\nsing = \"inverted\"\npayee = [\"creditr\", { pattern = '(' }]\n\
         date = [\"value\"]\n[[institution]]\nids = [\"A\"]\nsign = \"upside\"\n[[institution]]\n",
    )
    .unwrap();
    let Err(error @ LoadError::Bad { .. }) = load(&config, &Defaults::default()) else {
        panic!("a broken file was taken")
    };
    let problems = error.problems();
    let lines: Vec<String> = problems
        .iter()
        .map(|one| format!("{}:{} {}", one.file.rsplit('/').next().unwrap(), one.line, one.key))
        .collect();
    assert_eq!(
        lines,
        [
            "config.toml:2 log.level",
            "display.toml:2 institution[0].ids[1]",
            "display.toml:3 institution[0].sing",
            "display.toml:4 institution[0].payee[0]",
            "display.toml:4 institution[0].payee[1].from",
            "display.toml:4 institution[0].payee[1].pattern",
            "display.toml:5 institution[0].date[0]",
            "display.toml:7 institution[1].ids",
            "display.toml:8 institution[1].sign",
            "display.toml:9 institution[2].ids",
        ],
        "{problems:#?}"
    );
    assert!(
        problems
            .iter()
            .skip(1)
            .any(|one| one.hint.as_deref() == Some("did you mean \"creditor\"?"))
    );
    fs::write(&own, "[[institution]\n").unwrap();
    fs::write(&config, "").unwrap();
    let problems = load(&config, &Defaults::default()).unwrap_err().problems();
    assert!(problems.iter().any(|one| one.message.starts_with("is not TOML")), "{problems:#?}");
    fs::remove_file(&own).unwrap();
    assert!(load(&config, &Defaults::default()).is_ok());
}
