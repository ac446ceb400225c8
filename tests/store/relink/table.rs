//! Thirty ways in which accounts come back through a new link, and what each of them has to become.

use banksyncd::config::AccountRule;
use banksyncd::model::account::ProviderStatus;
use banksyncd::model::agreement::Scope;
use banksyncd::model::id::AccountId;
use banksyncd::model::notice::EventCode;
use banksyncd::model::time::MINUTE_MS;

use super::{Life, Shown, rows, shown};

/// What a new handle has to become.
#[derive(Clone, Copy)]
enum Is {
    /// The old account in this place.
    Old(usize),
    /// A new account.
    New,
    /// A new account, and a person is asked whether it is one of the old ones in these places.
    Asked(&'static [usize]),
}
use Is::{Asked, New, Old};

/// How the new link comes about.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// As the successor of the old one.
    Renewal,
    /// On its own, while the old one works.
    Link,
    /// On its own, after the old one has ended.
    LinkAfterEnd,
}
use By::{Link, LinkAfterEnd, Renewal};

struct Case {
    name: &'static str,
    by: By,
    old: Vec<Shown>,
    new: Vec<Shown>,
    is: Vec<Is>,
    /// Old accounts in these places are switched off.
    off: Vec<usize>,
}

fn case(name: &'static str, by: By, old: Vec<Shown>, new: Vec<Shown>, is: Vec<Is>) -> Case {
    Case { name, by, old, new, is, off: Vec::new() }
}

const IBAN: &str = "DE89370400440532013000";
const OTHER: &str = "DE02120300000000202051";

/// One account, known by its IBAN.
fn giro(handle: &str) -> Shown {
    shown(handle, "a").iban(IBAN)
}

fn by_iban() -> Vec<Case> {
    vec![
        case("new ids", Renewal, vec![giro("p1")], vec![giro("n1")], vec![Old(0)]),
        case("the same ids", Renewal, vec![giro("p1")], vec![giro("p1")], vec![Old(0)]),
        case(
            "a link of its own, while the old one works",
            Link,
            vec![giro("p1")],
            vec![giro("n1")],
            vec![Old(0)],
        ),
        case(
            "a link after the end",
            LinkAfterEnd,
            vec![giro("p1")],
            vec![giro("n1")],
            vec![Old(0)],
        ),
        case(
            "IBAN in small letters and groups",
            Renewal,
            vec![giro("p1")],
            vec![shown("n1", "a").iban("de89 3704 0044 0532 0130 00 ")],
            vec![Old(0)],
        ),
        case(
            "another institution id of the same bank",
            Link,
            vec![giro("p1")],
            vec![giro("n1").at("BANK_BUSINESS")],
            vec![Old(0)],
        ),
        case(
            "names and product changed",
            Renewal,
            vec![giro("p1").name("Giro").product("Basic")],
            vec![giro("n1").name("Main account").product("Premium")],
            vec![Old(0)],
        ),
        case(
            "a card on the account's IBAN",
            Renewal,
            vec![giro("p1").kind("CACC"), shown("p2", "c").iban(IBAN).kind("CARD").card("**4572")],
            vec![shown("n2", "c").iban(IBAN).kind("CARD").card("**4572"), giro("n1").kind("CACC")],
            vec![Old(1), Old(0)],
        ),
        case(
            "one account closed and another opened",
            Renewal,
            vec![giro("p1")],
            vec![shown("n1", "b").iban(OTHER)],
            vec![New],
        ),
        case(
            "one added",
            Renewal,
            vec![giro("p1")],
            vec![shown("n2", "b").iban(OTHER), giro("n1")],
            vec![New, Old(0)],
        ),
    ]
}

fn by_currency() -> Vec<Case> {
    let in_currencies = |prefix: &str, codes: &[&str]| -> Vec<Shown> {
        codes
            .iter()
            .map(|code| shown(&format!("{prefix}-{code}"), code).iban(IBAN).currency(code))
            .collect()
    };
    vec![
        case(
            "four currencies on one IBAN, in another order",
            Renewal,
            in_currencies("p", &["EUR", "USD", "GBP", "SEK"]),
            in_currencies("n", &["SEK", "EUR", "GBP", "USD"]),
            vec![Old(3), Old(0), Old(2), Old(1)],
        ),
        case(
            "a fifth currency on the IBAN",
            Renewal,
            in_currencies("p", &["EUR", "USD", "GBP", "SEK"]),
            in_currencies("n", &["EUR", "USD", "GBP", "SEK", "NOK"]),
            vec![Old(0), Old(1), Old(2), Old(3), New],
        ),
        case(
            "the same IBAN, now in another currency",
            Renewal,
            vec![giro("p1")],
            vec![shown("n1", "b").iban(IBAN).currency("USD")],
            vec![New],
        ),
        case(
            "the currency is not told any more",
            Renewal,
            vec![giro("p1")],
            vec![giro("n1").currency("XXX")],
            vec![Old(0)],
        ),
        case(
            "two currencies, and neither is told any more",
            Renewal,
            in_currencies("p", &["EUR", "USD"]),
            vec![giro("n1").currency(""), giro("n2").currency("")],
            vec![Asked(&[0, 1]), Asked(&[0, 1])],
        ),
        case(
            "a third currency on the IBAN, whose details cannot be had",
            Renewal,
            in_currencies("p", &["EUR", "USD"]),
            vec![giro("n1"), shown("n3", "g").iban(IBAN).without_details()],
            vec![Old(0), New],
        ),
        case(
            "a second currency on the IBAN, whose details cannot be had, but its rows",
            Renewal,
            in_currencies("p", &["EUR", "USD"]),
            vec![giro("n1"), shown("n2", "USD").iban(IBAN).without_details()],
            vec![Old(0), Old(1)],
        ),
        case(
            "two currencies not told, but the names are the same",
            Renewal,
            vec![giro("p1").name("Euros"), giro("p2").currency("USD").name("Dollars")],
            vec![giro("n1").currency("").name("Dollars"), giro("n2").currency("").name("Euros")],
            vec![Old(1), Old(0)],
        ),
    ]
}

fn without_iban() -> Vec<Case> {
    let named = |handle: &str, name: &str, letter: &str| shown(handle, letter).name(name);
    vec![
        case(
            "the domestic number, in another spelling",
            Renewal,
            vec![shown("p1", "a").bban("3704 0044-0532013000")],
            vec![shown("n1", "a").bban("370400440532013000")],
            vec![Old(0)],
        ),
        case(
            "the domestic number is the IBAN's end",
            Renewal,
            vec![shown("p1", "a").bban("370400440532013000")],
            vec![giro("n1")],
            vec![Old(0)],
        ),
        case(
            "another domestic number",
            Renewal,
            vec![shown("p1", "a").bban("370400440532013000").name("Giro")],
            vec![shown("n1", "a").bban("370400440532013001").name("Giro")],
            vec![New],
        ),
        case(
            "the domestic number at another bank",
            Link,
            vec![shown("p1", "a").bban("370400440532013000")],
            vec![shown("n1", "b").bban("370400440532013000").at("OTHER_BANK")],
            vec![New],
        ),
        case(
            "masked card numbers, two of them",
            Renewal,
            vec![
                shown("p1", "a").card("525412******3241"),
                shown("p2", "b").card("525412******4572"),
            ],
            vec![shown("n2", "b").card("525412XXXXXX4572"), shown("n1", "a").card("**3241")],
            vec![Old(1), Old(0)],
        ),
        case(
            "the card number stands for the IBAN",
            Renewal,
            vec![shown("p1", "a").iban("**4572")],
            vec![shown("n1", "a").card("525412******4572")],
            vec![Old(0)],
        ),
        case(
            "currency, product and name",
            Renewal,
            vec![named("p1", "Purse", "a"), named("p2", "Savings", "b")],
            vec![named("n2", "savings", "b"), named("n1", "Purse", "a")],
            vec![Old(1), Old(0)],
        ),
        case(
            "the same name while the old link works: another person's, perhaps",
            Link,
            vec![named("p1", "Purse", "a")],
            vec![named("n1", "Purse", "b")],
            vec![New],
        ),
        case(
            "twins that nothing tells apart",
            Renewal,
            vec![named("p1", "Purse", "a"), named("p2", "Purse", "b")],
            vec![named("n1", "Purse", "a"), named("n2", "Purse", "b")],
            vec![Asked(&[0, 1]), Asked(&[0, 1])],
        ),
        case(
            "pairing waits for the details",
            Renewal,
            vec![named("p1", "Purse", "a"), named("p2", "Savings", "b")],
            vec![named("n1", "Purse", "a").processing(), named("n2", "Savings", "b")],
            vec![Old(0), Old(1)],
        ),
        case(
            "details are refused, the metadata's IBAN is enough",
            Renewal,
            vec![giro("p1")],
            vec![giro("n1").without_details()],
            vec![Old(0)],
        ),
    ]
}

fn by_elimination() -> Vec<Case> {
    let renamed =
        |days: std::ops::RangeInclusive<u32>| shown("n1", "z").name("Wallet").rows(rows("a", days));
    let known = || shown("p1", "a").name("Purse");
    vec![
        case(
            "the last one left, three rows shared",
            Renewal,
            vec![known()],
            vec![renamed(3..=5)],
            vec![Old(0)],
        ),
        case(
            "the last one left, two rows shared",
            Renewal,
            vec![known()],
            vec![renamed(4..=5)],
            vec![Asked(&[0])],
        ),
        case(
            "the last one left, no row shared",
            Renewal,
            vec![known()],
            vec![renamed(6..=9)],
            vec![New],
        ),
        case(
            "the last one left, but of another currency",
            Renewal,
            vec![known()],
            vec![renamed(1..=5).currency("USD")],
            vec![New],
        ),
        case(
            "the last one left, but of another kind",
            Renewal,
            vec![known().kind("CACC")],
            vec![renamed(1..=5).kind("CARD")],
            vec![New],
        ),
        case(
            "one is known, and so the other is the last one left",
            Renewal,
            vec![giro("p0"), known()],
            vec![renamed(1..=5), giro("n0")],
            vec![Old(1), Old(0)],
        ),
        case(
            "two are left",
            Renewal,
            vec![known(), shown("p2", "b").name("Savings")],
            vec![renamed(1..=5), shown("n2", "b").name("Pot")],
            vec![Asked(&[0, 1]), Asked(&[0, 1])],
        ),
    ]
}

fn switched_off() -> Vec<Case> {
    let named = |handle: &str, letter: &str| shown(handle, letter).name("Purse");
    vec![
        Case {
            off: vec![0],
            ..case(
                "one that is switched off",
                Renewal,
                vec![giro("p1")],
                vec![giro("n1")],
                vec![Old(0)],
            )
        },
        Case {
            off: vec![0],
            ..case(
                "twins, one of them switched off",
                Renewal,
                vec![named("p1", "a"), named("p2", "b")],
                vec![named("n1", "a"), named("n2", "b")],
                vec![Asked(&[0, 1]), Asked(&[0, 1])],
            )
        },
        Case {
            off: vec![0],
            ..case(
                "the last one left is switched off",
                Renewal,
                vec![shown("p1", "a").name("Purse")],
                vec![shown("n1", "a").name("Wallet")],
                vec![Asked(&[0])],
            )
        },
    ]
}

#[test]
fn known_by_their_ibans() {
    by_iban().iter().chain(&by_currency()).for_each(holds);
}

#[test]
fn known_without_an_iban() {
    without_iban().iter().for_each(holds);
}

#[test]
fn known_by_elimination() {
    by_elimination().iter().for_each(holds);
}

#[test]
fn what_is_switched_off_stays_off() {
    switched_off().iter().for_each(holds);
}

#[test]
fn there_are_thirty_cases_at_least() {
    let cases = [by_iban(), by_currency(), without_iban(), by_elimination(), switched_off()];
    assert!(cases.iter().map(Vec::len).sum::<usize>() >= 30);
}

/// Plays a case.
fn holds(case: &Case) {
    let name = case.name;
    let mut life = Life::new();
    let link = life.link(&case.old, None);
    let old: Vec<AccountId> =
        case.old.iter().map(|shown| life.through(&shown.handle).unwrap().id).collect();
    let off: Vec<AccountId> = case.off.iter().map(|place| old[*place]).collect();
    life.rules(rules(&old, &off));
    let ids: Vec<_> = old.iter().map(|id| ids(&life, *id)).collect();
    if case.by == LinkAfterEnd {
        life.run_for(91 * 24 * 60 * MINUTE_MS);
    }
    let used: Vec<u32> = old.iter().map(|id| life.used(*id, Scope::Transactions)).collect();
    life.link(&case.new, (case.by == Renewal).then_some(link));
    for shown in case.new.iter().filter(|shown| shown.status == ProviderStatus::Processing) {
        assert!(life.through(&shown.handle).unwrap().identifying.is_some(), "{name}");
        life.change(&shown.handle, |shown| shown.status = ProviderStatus::Ready);
        life.run_for(120 * MINUTE_MS);
    }
    for (shown, is) in case.new.iter().zip(&case.is) {
        let account =
            life.through(&shown.handle).unwrap_or_else(|| panic!("{name}: {}", shown.handle));
        let asked: Vec<AccountId> = match is {
            Old(place) => {
                assert_eq!(account.id, old[*place], "{name}: {}", shown.handle);
                Vec::new()
            }
            New => Vec::new(),
            Asked(places) => places.iter().map(|place| old[*place]).collect(),
        };
        assert_eq!(account.may_continue, asked, "{name}: {}", shown.handle);
        if !matches!(is, Old(_)) {
            assert!(!old.contains(&account.id), "{name}: {}", shown.handle);
            let may_be_off = asked.iter().any(|id| off.contains(id));
            assert_eq!(life.planner.policy().is_enabled(account), !may_be_off, "{name}");
        }
        let enabled = life.planner.policy().is_enabled(account);
        if enabled {
            life.assert_listed(&shown.handle);
        }
        let Old(place) = *is else { continue };
        assert_eq!(life.planner.policy().nickname(account), Some(&*format!("n{place}")), "{name}");
        assert_eq!(enabled, !case.off.contains(&place), "{name}");
        // Rows that both links show keep their ids; the quota goes on.
        let now = ids_by_text(&life, account.id);
        for (text, id) in &ids[place] {
            assert!(now.get(text).is_none_or(|found| found == id), "{name}: {text}");
        }
        if enabled && case.by != LinkAfterEnd {
            assert_eq!(life.used(account.id, Scope::Transactions), used[place] + 1, "{name}");
        }
    }
    let asked = case.is.iter().filter(|is| matches!(is, Asked(_))).count();
    let events = life.events(EventCode::AccountsAmbiguous);
    assert_eq!(events.len(), asked, "{name}");
    for event in &events {
        let id = event.notice.account_id.unwrap();
        assert!(
            event.notice.message.contains(&format!("banksyncd accounts merge {} {id}", old[0])),
            "{name}"
        );
    }
    life.verified();
    life.replayed();
    life.assert_remembered(name);
}

/// A nickname for each account, and a switch.
fn rules(old: &[AccountId], off: &[AccountId]) -> Vec<AccountRule> {
    let rule = |(place, id): (usize, &AccountId)| AccountRule {
        matches: id.to_string(),
        nickname: Some(format!("n{place}")),
        enabled: !off.contains(id),
        ledger: None,
    };
    old.iter().enumerate().map(rule).collect()
}

fn ids(life: &Life, account: AccountId) -> Vec<(String, String)> {
    life.rows_of(account, false).into_iter().map(|row| (row.raw, row.id.to_string())).collect()
}

fn ids_by_text(life: &Life, account: AccountId) -> std::collections::BTreeMap<String, String> {
    ids(life, account).into_iter().collect()
}
