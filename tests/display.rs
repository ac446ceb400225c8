//! The display rules that come with the program, each against a row and balances as its bank sends them (shapes as in the
//! per-bank files of Actual Budget; names and amounts are invented), and what a broken file of one's own is told.

use std::collections::BTreeSet;
use std::fs;

use banksyncd::config::{Defaults, LoadError, display_rules, load};
use banksyncd::display::{Rules, SHIPPED};
use banksyncd::gocardless::Rows;
use banksyncd::model::balance::Balance;
use banksyncd::model::money::{Amount, Currency, Money};
use banksyncd::model::port::RowReader as _;
use banksyncd::model::transaction::BookingStatus::{self, Booked, Pending};

/// Amount, date, payee and notes; empty for none.
type Expected = [&'static str; 4];

const ROWS: [(&str, BookingStatus, &str, Expected); 32] = [
    // Nobody's rule: the bank's columns without needless blanks.
    (
        "UNKNOWN_BANK",
        Booked,
        r#"{"transactionAmount":{"amount":"-3.50","currency":"EUR"},"bookingDate":"2026-03-02","valueDate":"2026-03-09",
            "creditorName":"  Backhaus   Lindt ","debtorName":"Holder","remittanceInformationUnstructured":"Brot\n und Kuchen"}"#,
        ["-3.50", "2026-03-02", "Backhaus Lindt", "Brot und Kuchen"],
    ),
    (
        "UNKNOWN_BANK",
        Booked,
        r#"{"transactionAmount":{"amount":"3.50","currency":"EUR"},"valueDateTime":"2026-03-09T10:00:00","creditorName":"Holder","debtorName":"Payer"}"#,
        ["3.50", "2026-03-09", "Payer", ""],
    ),
    ("UNKNOWN_BANK", Booked, "[]", ["", "", "", ""]),
    (
        "EUROCARD_SE_SKHSFI21",
        Booked,
        r#"{"transactionAmount":{"amount":"120.00","currency":"SEK"},"bookingDate":"2026-03-02","additionalInformation":"Kaffebaren"}"#,
        ["-120.00", "2026-03-02", "Kaffebaren", "Kaffebaren"],
    ),
    (
        "SEB_ESSESESS_PRIVATE",
        Booked,
        r#"{"transactionAmount":{"amount":"-12.00","currency":"SEK"},"bookingDate":"2026-03-02","additionalInformation":"Kaffebaren"}"#,
        ["-12.00", "2026-03-02", "Kaffebaren", "Kaffebaren"],
    ),
    (
        "NBG_ETHNGRAAXXX",
        Pending,
        r#"{"transactionAmount":{"amount":"7.20","currency":"EUR"},"bookingDate":"2026-03-02","remittanceInformationUnstructured":"ΑΓΟΡΑ SHOP"}"#,
        ["-7.20", "2026-03-02", "", "SHOP"],
    ),
    (
        "NBG_ETHNGRAAXXX",
        Booked,
        r#"{"transactionAmount":{"amount":"7.20","currency":"EUR"},"bookingDate":"2026-03-02","remittanceInformationUnstructured":"SHOP"}"#,
        ["7.20", "2026-03-02", "", "SHOP"],
    ),
    (
        "TRIODOS_TRIONL2U",
        Booked,
        r#"{"transactionAmount":{"amount":"12.30","currency":"EUR"},"bookingDate":"2026-03-02","creditorName":"Bakker Bart"}"#,
        ["-12.30", "2026-03-02", "Bakker Bart", ""],
    ),
    (
        "TRIODOS_TRIONL2U",
        Booked,
        r#"{"transactionAmount":{"amount":"12.30","currency":"EUR"},"bookingDate":"2026-03-02","debtorName":"Anna de Vries"}"#,
        ["12.30", "2026-03-02", "Anna de Vries", ""],
    ),
    (
        "TRIODOS_TRIONL2U",
        Booked,
        r#"{"transactionAmount":{"amount":"-12.30","currency":"EUR"},"bookingDate":"2026-03-02","creditorAccount":{"iban":"NL02"}}"#,
        ["-12.30", "2026-03-02", "", ""],
    ),
    (
        "ENTERCARD_SWEDNOKK",
        Booked,
        r#"{"transactionAmount":{"amount":"-10.00","currency":"EUR"},"bookingDate":"2026-03-04","valueDate":"2026-03-02",
            "creditorName":"Hotel","remittanceInformationUnstructured":"billingAmount: -114.55"}"#,
        ["-114.55", "2026-03-02", "Hotel", "billingAmount: -114.55"],
    ),
    (
        "NORWEGIAN_SE_NORWNOK1",
        Pending,
        r#"{"transactionAmount":{"amount":"-5","currency":"SEK"},"remittanceInformationStructured":"KORT 2026-03-02 SHOP"}"#,
        ["-5", "2026-03-02", "", "KORT 2026-03-02 SHOP"],
    ),
    (
        "ISYBANK_ITBBITMM",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","valueDate":"2026-03-02"}"#,
        ["-5", "2026-03-02", "", ""],
    ),
    (
        "HYPE_HYEEIT22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","valueDate":"2026-03-02",
            "remittanceInformationUnstructured":"PAGAMENTO PRESSO BAR ROMA"}"#,
        ["-5", "2026-03-02", "BAR ROMA", "PAGAMENTO PRESSO BAR ROMA"],
    ),
    (
        "HYPE_HYEEIT22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructured":"HAI INVIATO UN BONIFICO A ANNA BIANCHI - affitto marzo"}"#,
        ["-5", "2026-03-04", "", "affitto marzo"],
    ),
    (
        "ABNAMRO_ABNANL2A",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","valueDateTime":"2026-03-02T11:12:13",
            "debtorName":"Holder","remittanceInformationUnstructuredArray":["BEA, Betaalpas","CCV*Bakker Bart,PAS123","NR:X"]}"#,
        ["-5", "2026-03-02", "Bakker Bart", "BEA, Betaalpas CCV*Bakker Bart,PAS123 NR:X"],
    ),
    (
        "LHV_LHVBEE22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructured":"(..1234) 2026-03-02 09:32 CrustumOU\\Poordi 3\\Tallinn"}"#,
        ["-5", "2026-03-02", "CrustumOU", r"(..1234) 2026-03-02 09:32 CrustumOU\Poordi 3\Tallinn"],
    ),
    (
        "SWEDBANK_HABALV22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","creditorName":"RIMI",
            "remittanceInformationUnstructured":"PIRKUMS 1234******5678 02.03.2026 5.00 EUR RIMI"}"#,
        ["-5", "2026-03-02", "RIMI", "PIRKUMS 1234******5678 02.03.2026 5.00 EUR RIMI"],
    ),
    (
        "ALIOR_ALBPPLPW",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"PLN"},"bookingDate":"2026-03-04","debtorName":"Holder",
            "remittanceInformationUnstructured":"Transakcja kartą debetową, Lodziarnia Firm"}"#,
        ["-5", "2026-03-04", "Lodziarnia Firm", "Transakcja kartą debetową, Lodziarnia Firm"],
    ),
    (
        "BANCSABADELL_BSABESBB",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructuredArray":["BAR","PEPE"]}"#,
        ["-5", "2026-03-04", "BAR PEPE", "BAR PEPE"],
    ),
    (
        "FORTUNEO_FTNOFRP1XXX",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructuredArray":["CARTE 03/03","BOULANGERIE"]}"#,
        ["-5", "2026-03-04", "BOULANGERIE", "CARTE 03/03 BOULANGERIE"],
    ),
    (
        "REVOLUT_REVOLT21",
        Booked,
        r#"{"transactionAmount":{"amount":"5","currency":"EUR"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructuredArray":["Bizum payment from: ANA","cena"]}"#,
        ["5", "2026-03-04", "ANA", "cena"],
    ),
    (
        "BNP_BE_GEBABEBB",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "additionalInformation":"atmPosName: DELHAIZE, narrative: ['DELHAIZE GENT', 'KAART 1']"}"#,
        [
            "-5",
            "2026-03-04",
            "DELHAIZE",
            "atmPosName: DELHAIZE, narrative: ['DELHAIZE GENT', 'KAART 1']",
        ],
    ),
    (
        "FINTRO_BE_GEBABEBB",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04",
            "additionalInformation":"narrative: ['BAKKER', 'KAART 1']"}"#,
        ["-5", "2026-03-04", "BAKKER", "narrative: ['BAKKER', 'KAART 1']"],
    ),
    (
        "COMMERZBANK_COBADEFF",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","creditorName":"Shop",
            "remittanceInformationUnstructured":"Kauf","remittanceInformationUnstructuredArray":["Kauf","von Brot","End-to-End-Ref.: NOTPROVIDED"]}"#,
        ["-5", "2026-03-04", "Shop", "Kauf von Brot"],
    ),
    (
        "ING_INGDDEFF",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","creditorName":"Shop      ",
            "remittanceInformationUnstructured":"mandatereference:,creditorid:,remittanceinformation:Kauf Brot"}"#,
        ["-5", "2026-03-04", "Shop", "Kauf Brot"],
    ),
    (
        "SPARNORD_SPNODK22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"DKK"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructured":"x","additionalInformation":"Dankort Netto"}"#,
        ["-5", "2026-03-04", "", "Dankort Netto"],
    ),
    (
        "DANSKEBANK_DABADKKK",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"DKK"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructured":"Netto\nEndToEndID: NOTPROVIDED"}"#,
        ["-5", "2026-03-04", "", "Netto"],
    ),
    (
        "SPK_KARLSRUHE_KARSDE66XXX",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04","creditorName":"Zahldienst",
            "ultimateCreditor":"Buchladen"}"#,
        ["-5", "2026-03-04", "Buchladen", ""],
    ),
    (
        "VIRGIN_NRNBGB22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"GBP"},"bookingDate":"2026-03-04T00:00:00Z",
            "remittanceInformationUnstructured":"FPS, Jo Bloggs, rent"}"#,
        ["-5", "2026-03-04", "Jo Bloggs", "rent"],
    ),
    (
        "VIRGIN_NRNBGB22",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"GBP"},"bookingDate":"2026-03-04",
            "remittanceInformationUnstructured":"Card 11, TESCO"}"#,
        ["-5", "2026-03-04", "TESCO", "Card 11, TESCO"],
    ),
    (
        "AMERICAN_EXPRESS_AESUDEF1",
        Booked,
        r#"{"transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-03-04"}"#,
        ["-5", "2026-03-04", "", ""],
    ),
];

/// What an account has, and which of it is on it.
const BALANCES: [(&str, &[&str], Option<usize>); 9] = [
    ("UNKNOWN_BANK", &["interimAvailable", "InterimBooked"], Some(1)),
    ("UNKNOWN_BANK", &["nonInvoiced"], None),
    ("UNKNOWN_BANK", &[], None),
    ("SAS_MASTERCARD_NO_SKHSFI21", &["interimAvailable", "expected", "nonInvoiced"], Some(1)),
    ("NORWEGIAN_NO_NORWNOK1", &["interimAvailable", "expected"], Some(1)),
    ("NBG_ETHNGRAAXXX", &["interimBooked", "interimAvailable"], Some(1)),
    ("DANSKEBANK_DABANO22", &["interimBooked", "interimAvailable"], Some(1)),
    ("ABNAMRO_ABNANL2A", &["closingBooked", "interimBooked"], Some(1)),
    ("AMERICAN_EXPRESS_AESUDEF1", &["information"], Some(0)),
];

fn shipped() -> Rules {
    display_rules(true, None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn every_rule_shows_its_bank_as_people_expect() {
    let rules = shipped();
    for (institution, status, raw, [amount, date, payee, notes]) in ROWS {
        let shown = rules.of(institution).unwrap().show(&Rows.read(raw), status, (&Rows, raw));
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        assert_eq!(shown.display_amount, Amount::parse(amount), "{institution} {raw}");
        let shown_date = shown.display_date.map(|date| date.to_string());
        assert_eq!(shown_date, text(date), "{institution} {raw}");
        assert_eq!(shown.display_payee, text(payee), "{institution} {raw}");
        assert_eq!(shown.display_notes, text(notes), "{institution} {raw}");
        let currency = if institution == "ENTERCARD_SWEDNOKK" { "SEK" } else { "" };
        if !currency.is_empty() {
            assert_eq!(shown.display_currency.as_deref(), Some(currency));
        }
    }
}

#[test]
fn every_rule_knows_the_balance_that_counts() {
    let rules = shipped();
    for (institution, types, expected) in BALANCES {
        let balance = |balance_type: &&str| Balance {
            balance_type: (*balance_type).to_owned(),
            money: Some(Money {
                amount: Amount::parse("1").unwrap(),
                currency: Currency("EUR".to_owned()),
            }),
            reference_date: None,
            raw: "{}".to_owned(),
        };
        let balances: Vec<Balance> = types.iter().map(balance).collect();
        let found =
            rules.of(institution).unwrap().ledger_balance(&balances.iter().collect::<Vec<_>>());
        assert_eq!(found, expected, "{institution}");
    }
}

#[test]
fn no_rule_is_without_a_row() {
    let rules = shipped();
    let tried: BTreeSet<&str> = ROWS.iter().map(|(institution, ..)| *institution).collect();
    for entry in SHIPPED.split("[[institution]]").skip(1) {
        let ids: Vec<&str> =
            entry.split(']').next().unwrap().split('"').skip(1).step_by(2).collect();
        assert!(!ids.is_empty(), "{entry}");
        assert!(ids.iter().any(|id| tried.contains(id)), "no row for {ids:?}");
        assert!(ids.iter().all(|id| rules.institutions().any(|known| known == *id)), "{ids:?}");
    }
}

#[test]
fn rules_can_be_switched_off_and_replaced() {
    let own = "[[institution]]\nids = [\"ISYBANK_ITBBITMM\", \"NEW_BANK\"]\nsign = \"inverted\"\n";
    let rules = display_rules(true, Some(("display.toml", own))).unwrap();
    let raw = r#"{"transactionAmount":{"amount":"5","currency":"EUR"},"bookingDate":"2026-03-04","valueDate":"2026-03-02"}"#;
    for institution in ["ISYBANK_ITBBITMM", "NEW_BANK"] {
        let shown = rules.of(institution).unwrap().show(&Rows.read(raw), Booked, (&Rows, raw));
        assert_eq!(shown.display_amount, Amount::parse("-5"));
        assert_eq!(
            shown.display_date.unwrap().to_string(),
            "2026-03-04",
            "the whole rule is replaced"
        );
    }
    assert!(rules.of("HYPE_HYEEIT22").is_some());
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
