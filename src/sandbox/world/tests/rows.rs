//! Every oddity, written by the bank that has it.

use serde_json::Value;

use super::super::bank::open_all;
use super::super::faces::Face;
use super::super::ledger::{Cause, Phase};
use super::super::rows::{Writer, decimal};
use crate::model::time::UtcInstant;
use crate::sandbox::text;

const START_DAY: i64 = 20_000;

/// A year of rows of the first account of a bank: as booked, and as pending where it was.
fn year(institution: &str) -> Vec<(Cause, Phase, Value)> {
    let opened = text::instant(START_DAY, 0);
    let mut all = open_all(3, None, 100, opened);
    let place = all.iter().position(|own| own.institution.id == institution).unwrap();
    all[place].ledger.until(opened.plus_days(365));
    let account = &all[place];
    let writer = Writer { account };
    let mut rows = Vec::new();
    for row in account.ledger.made() {
        let booked = row.booked_at.map(|_| Phase::Booked);
        let pending = row.pending.map(|_| Phase::Pending);
        for phase in booked.into_iter().chain(pending) {
            let written = writer.write(row, Face::plain(phase));
            rows.push((row.cause, phase, serde_json::from_str(&written.raw).unwrap()));
        }
    }
    rows
}

fn cards(institution: &str, phase: Phase) -> Vec<Value> {
    let wanted = |(cause, own, row): (Cause, Phase, Value)| {
        (cause == Cause::CardPayment && own == phase).then_some(row)
    };
    let rows: Vec<Value> = year(institution).into_iter().filter_map(wanted).collect();
    assert!(rows.len() > 50, "{institution}");
    rows
}

fn amount(row: &Value) -> &str {
    row["transactionAmount"]["amount"].as_str().unwrap()
}

#[test]
fn a_plain_bank_writes_tidy_rows() {
    for row in cards("NORDLICHT_NOLIDEM1", Phase::Booked) {
        assert!(amount(&row).starts_with('-'));
        assert_eq!(row["internalTransactionId"].as_str().unwrap().len(), 32);
        assert_eq!(row["transactionId"].as_str().unwrap().len(), 18);
        assert_eq!(row["bookingDate"].as_str().unwrap().len(), 10);
    }
    for row in cards("NORDLICHT_NOLIDEM1", Phase::Pending) {
        assert!(row.get("internalTransactionId").is_none() && row.get("bookingDate").is_none());
        assert!(row["valueDate"].is_string());
    }
}

#[test]
fn ids_are_as_bad_as_they_come() {
    let ids = |institution: &str, phase: Phase| -> Vec<Value> {
        cards(institution, phase).into_iter().map(|mut row| row["transactionId"].take()).collect()
    };
    assert!(ids("BOUCLE_BOUCFRPP", Phase::Booked).iter().all(Value::is_null));
    assert!(ids("POLDER_POLDNL2U", Phase::Booked).iter().all(|id| id == " "));
    assert!(ids("TIMISANA_TMSAROBU", Phase::Pending).iter().all(|id| id == "NOTPROVIDED"));
    let mut reused = ids("CASTELLANA_CSTLESMM", Phase::Booked);
    reused.sort_by_key(Value::to_string);
    reused.dedup();
    assert!(reused.len() <= 9);
    let long = |id: &Value| id.as_str().is_some_and(|id| id.len() > 140 && id.starts_with("enc!!"));
    assert!(ids("FJORDKASSEN_FJRDDKKK", Phase::Booked).iter().all(long));
    let other = |id: &Value| id.as_str().is_some_and(|id| id.starts_with('P'));
    assert!(ids("FJORDKASSEN_FJRDDKKK", Phase::Pending).iter().all(other));
    let wallet = cards("GLOBEWALLET_GLWTBEBB", Phase::Booked);
    assert!(wallet.iter().all(|row| row.get("internalTransactionId").is_none()));
}

#[test]
fn amounts_are_as_bad_as_they_come() {
    let positive = |row: &Value| !amount(row).starts_with('-');
    assert!(cards("WISLANA_WISAPLPW", Phase::Booked).iter().all(positive));
    assert!(cards("TIMISANA_TMSAROBU", Phase::Pending).iter().all(positive));
    assert!(!cards("TIMISANA_TMSAROBU", Phase::Booked).iter().any(positive));
    assert!(cards("ALBIONCARDS_ALBNGB21", Phase::Booked).iter().all(positive));
    let four = |row: &Value| amount(row).ends_with("00") && amount(row).contains('.');
    assert!(cards("CASTELLANA_CSTLESMM", Phase::Booked).iter().all(four));
    assert!(year("LUSITANO_LUSIPTPL").iter().any(|(_, _, row)| amount(row).starts_with('+')));
    let odd = |(cause, _, row): &(Cause, Phase, Value)| {
        *cause == Cause::Cashback && row["transactionAmount"]["currency"] == "XXX"
    };
    assert!(year("ALBIONCARDS_ALBNGB21").iter().any(odd));
}

#[test]
fn dates_are_as_bad_as_they_come() {
    let timed = |row: &Value| row["bookingDate"].as_str().unwrap().ends_with("T00:00:00Z");
    assert!(cards("ALBIONCARDS_ALBNGB21", Phase::Booked).iter().all(timed));
    for row in cards("BOUCLE_BOUCFRPP", Phase::Pending) {
        assert!(row.get("valueDate").is_none() && row.get("bookingDate").is_none());
    }
    let absurd = |(_, _, row): &(Cause, Phase, Value)| row["valueDate"] == "5207-01-01";
    assert!(year("LUSITANO_LUSIPTPL").iter().any(absurd));
    let ahead = |row: &Value| row["valueDate"].as_str() > row["bookingDate"].as_str();
    assert!(cards("FJORDKASSEN_FJRDDKKK", Phase::Booked).iter().all(ahead));
    assert!(
        cards("WISLANA_WISAPLPW", Phase::Booked)
            .iter()
            .all(|row| { UtcInstant::parse(row["bookingDateTime"].as_str().unwrap()).is_some() })
    );
}

#[test]
fn texts_and_exchanges_are_where_nobody_looks() {
    let only = |institution: &str, field: &str| {
        let fields = [
            "remittanceInformationUnstructured",
            "remittanceInformationUnstructuredArray",
            "remittanceInformationStructured",
            "additionalInformation",
        ];
        for row in cards(institution, Phase::Booked) {
            assert!(fields.iter().all(|own| row.get(*own).is_some() == (*own == field)), "{row}");
        }
    };
    only("WISLANA_WISAPLPW", "remittanceInformationUnstructuredArray");
    only("BALTIJA_BLTJLT22", "remittanceInformationStructured");
    only("BOUCLE_BOUCFRPP", "additionalInformation");
    only("NORDLICHT_NOLIDEM1", "remittanceInformationUnstructured");
    let exchanges = |institution: &str| -> Vec<Value> {
        let rows = cards(institution, Phase::Booked).into_iter();
        rows.filter_map(|row| row.get("currencyExchange").cloned()).collect()
    };
    assert!(exchanges("GLOBEWALLET_GLWTBEBB").iter().all(Value::is_object));
    assert!(exchanges("BALTIJA_BLTJLT22").iter().all(|own| own[0]["quotationDate"].is_string()));
    assert!(!exchanges("GLOBEWALLET_GLWTBEBB").is_empty());
    let blank = |row: &Value| row["debtorName"].as_str().is_some_and(|name| name.ends_with("  "));
    assert!(cards("LUSITANO_LUSIPTPL", Phase::Booked).iter().all(blank));
    for row in cards("POLDER_POLDNL2U", Phase::Pending) {
        assert_eq!(row["remittanceInformationUnstructured"], "Reservation");
        assert_eq!(row["transactionId"].as_str().unwrap().len(), 18);
    }
}

#[test]
fn profiles_do_what_their_names_say() {
    let booked = |institution: &str| cards(institution, Phase::Booked);
    let text = |row: &Value| row["remittanceInformationUnstructured"].as_str().unwrap().to_owned();
    let array = |row: &Value, place: usize| {
        let own = &row["remittanceInformationUnstructuredArray"][place];
        own.as_str().unwrap().to_owned()
    };
    let holder = |row: &Value| row["debtorName"].is_string() && row["creditorName"].is_null();
    assert!(booked("AMSTEL_AMSTNL2A").iter().chain(&booked("KUJAWY_KUJAPLPX")).all(holder));
    let nobody = |row: &Value| row["creditorName"].is_null() && !array(row, 0).is_empty();
    assert!(booked("ARAGONA_ARAGESBB").iter().all(nobody));
    let words = |row: &Value| row["additionalInformation"].as_str().unwrap().to_owned();
    assert!(booked("LEIE_LEIEBEBB").iter().all(|row| words(row).starts_with("atmPosName: '")));
    let undated = |row: &Value| row["valueDate"].is_null() && row["bookingDate"].is_string();
    assert!(cards("LEIE_LEIEBEBB", Phase::Pending).iter().all(undated));
    assert!(booked("PADANA_PADAITMM").iter().all(|row| row["transactionId"].is_null()));
    let cut = |row: &Value| text(row).len() == 140 && !array(row, 1).is_empty();
    assert!(booked("HANSA_HNSADEHH").iter().all(cut));
    let tagged = |row: &Value| array(row, 2).starts_with("AddInfo: ");
    assert!(booked("PENNINE_PNNIGB22").iter().all(tagged));
    let foreign = |row: &Value| row["transactionAmount"]["currency"] != "EUR";
    assert!(booked("VASTER_VSTESESS").iter().any(foreign));
    assert!(booked("LIGURIA_LGRAITGG").iter().all(|row| text(row).starts_with("\\U0001f6d2 ")));
    assert!(booked("MAINTAL_MNTLDEFF").iter().all(|row| text(row).contains("information:PAY")));
    let late = |row: &Value| row["bookingDate"].as_str() > row["valueDate"].as_str();
    assert!(booked("LARIO_LARIITMM").iter().all(late));
    let same = |row: &Value| row["bookingDate"] == row["valueDate"] && text(row).contains("20");
    assert!(booked("DAUGAVA_DGVALV22").iter().all(same));
    assert!(booked("SAIMAA_SAIMFIHH").iter().all(|row| text(row).lines().count() == 3));
    assert!(booked("KONSTANT_KNSTDEMM").iter().all(|row| row["transactionId"] == "TRANSACTION"));
    let timed = |row: &Value| row["bookingDate"].is_null() && row["bookingDateTime"].is_string();
    assert!(booked("STUNDE_STNDDEMM").iter().all(timed));
    let malformed = |row: &Value| row["transactionId"].as_str().unwrap().starts_with("00DEBIT");
    assert!(cards("WILTON_WLTNGB21", Phase::Pending).iter().all(malformed));
    let id = |row: &Value| row["transactionId"].as_str().unwrap().len();
    assert!(booked("WILTON_WLTNGB21").iter().all(|row| id(row) == 40));
}

#[test]
fn decimals() {
    for (minor, text) in
        [(0, "0.00"), (-5, "-0.05"), (100, "1.00"), (i64::MIN, "-92233720368547758.08")]
    {
        assert_eq!(decimal(minor), text);
    }
}
