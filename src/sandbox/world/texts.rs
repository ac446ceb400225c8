//! Parties and texts of rows, in all the places where banks put them.
//!
//! Words only; ids, dates and amounts are `rows`' matter.

use super::super::text::date;
use super::bank::iban;
use super::faces::Face;
use super::ledger::{Cause, Movement, Phase};
use super::quirks::Quirk;
use super::rows::{Party, Row, Writer};

/// Where the labels of a German bank stand empty before every text.
const EMPTY_LABELS: &str = "mandatereference:,creditorid:,remittanceinformation:";
/// Characters after which a bank cuts its texts.
const CUT_AT: usize = 140;

impl Writer<'_> {
    pub(super) fn parties(&self, row: &mut Row, movement: &Movement) {
        let nobody = matches!(movement.cause, Cause::Fee | Cause::Interest | Cause::Cashback);
        if nobody || self.is(Quirk::PartyOnlyInArray) {
            return;
        }
        let name = party(movement).to_owned();
        let account = (!matches!(movement.cause, Cause::CardPayment | Cause::Refund))
            .then(|| Party { iban: iban("DE", 1_000_000, movement.party.rem_euclid(1_000_000)) });
        if movement.minor < 0 && self.is(Quirk::PaddedNames) {
            row.debtor_name = Some(format!("{:<35}", self.account.owner));
        } else if movement.minor < 0 && self.is(Quirk::HolderAsDebtor) {
            row.debtor_name = Some(self.account.owner.to_owned());
        } else if movement.minor < 0 {
            (row.creditor_name, row.creditor_account) = (Some(name), account);
        } else {
            (row.debtor_name, row.debtor_account) = (Some(name), account);
        }
    }

    pub(super) fn texts(&self, row: &mut Row, movement: &Movement, face: Face) {
        let text = text(movement, face);
        let name = party(movement).to_owned();
        let bought = date(movement.value_day);
        let (mut plain, mut array, mut additional) = (None, None, None);
        if self.is(Quirk::TextOnlyInArray) {
            let (head, tail) = text.split_once(' ').unwrap_or((&text, ""));
            array = Some(vec![head.to_owned(), tail.to_owned()]);
        } else if self.is(Quirk::TextInStructured) {
            row.remittance_information_structured = Some(text);
        } else if self.is(Quirk::TextInAdditional) {
            additional = Some(text);
        } else if self.is(Quirk::PseudoDictionary) {
            additional = Some(format!("atmPosName: '{name}', narrative: ['{text}', '{bought}']"));
        } else if self.is(Quirk::PartyOnlyInArray) {
            array = Some(vec![name, text]);
        } else if self.is(Quirk::TextGrammar) {
            let kind = if movement.minor < 0 { "PAIEMENT CB" } else { "VIR SEPA RECU" };
            array = Some(vec![kind.to_owned(), format!("{bought} {name}"), text]);
        } else if self.is(Quirk::TaggedTexts) {
            let reference = movement.party.rem_euclid(10_000);
            array = Some(vec![
                format!("CustRef: {name}"),
                format!("BankRef: {reference:04}"),
                format!("AddInfo: {text}"),
            ]);
        } else if self.is(Quirk::CutText) {
            let long = format!("{text} {name:.<90} {bought} END-TO-END-REF.: NOTPROVIDED {name}");
            let (head, tail) = long.split_at_checked(CUT_AT).unwrap_or((&long, ""));
            plain = Some(head.to_owned());
            array = Some(vec![head.to_owned(), tail.to_owned()]);
        } else if self.is(Quirk::EscapedText) {
            plain = Some(format!("\\U0001f6d2 {text}"));
        } else if self.is(Quirk::PrefixedText) {
            plain = Some(format!("{EMPTY_LABELS}{text}"));
        } else if self.is(Quirk::TextLines) {
            plain = Some(format!("{text}\n{name}\n{bought}"));
        } else if self.is(Quirk::PurchaseDateInText) {
            plain = Some(format!("(..4711) {bought} {text}"));
        } else {
            plain = Some(text);
        }
        row.remittance_information_unstructured = plain;
        row.remittance_information_unstructured_array = array;
        row.additional_information = additional;
        if movement.cause == Cause::CardPayment {
            row.proprietary_bank_transaction_code = Some("PURCHASE");
            let place = movement.party.rem_euclid(4);
            row.merchant_category_code = Some(format!("{}", 5_411 + place * 3));
        }
    }
}

const MERCHANTS: [&str; 16] = [
    "Kaffeehaus Morgenrot",
    "Papierwolke",
    "Obst & Gruen",
    "Nordwind Fahrraeder",
    "Kino Lichtspiel",
    "Tankhof Sued",
    "Buchladen am Eck",
    "Backstube Ahorn",
    "Velvet Comb Hair",
    "Zoo Handel Fink",
    "Drogerie Seifenblase",
    "Marktplatz Online",
    "Gasthaus Zur Linde",
    "Schuhwerk",
    "Elektro Funke",
    "Garten Paradies",
];

fn party(movement: &Movement) -> &'static str {
    match movement.cause {
        Cause::Salary => "Werkhof Sonnental GmbH",
        Cause::Rent => "Hausverwaltung Birke",
        Cause::DirectDebit => "Stadtwerke Musterfluss",
        Cause::Transfer => "Eigenes Konto",
        Cause::CardPayment | Cause::Refund => {
            let place = usize::try_from(movement.party.rem_euclid(16)).unwrap_or(0);
            MERCHANTS.get(place).copied().unwrap_or("")
        }
        Cause::Fee | Cause::Interest | Cause::Cashback => "",
    }
}

fn text(movement: &Movement, face: Face) -> String {
    let name = party(movement);
    match (movement.cause, face.phase) {
        (Cause::CardPayment, Phase::Pending) => format!("Reserved PAYMENT {name}"),
        (Cause::CardPayment, Phase::Booked) if face.half => "PAYMENT".to_owned(),
        (Cause::CardPayment, Phase::Booked) => format!("PAYMENT {name}"),
        (Cause::Refund, _) => format!("REFUND {name}"),
        (Cause::Salary, _) => "Lohn und Gehalt".to_owned(),
        (Cause::Rent, _) => "Miete Wohnung 3".to_owned(),
        (Cause::DirectDebit, _) => "Abschlag Strom und Gas".to_owned(),
        (Cause::Transfer, _) => "Umbuchung Sparen".to_owned(),
        (Cause::Fee, _) => "Kontofuehrung".to_owned(),
        (Cause::Interest, _) => "Zinsabschluss".to_owned(),
        (Cause::Cashback, _) => "Cashback".to_owned(),
    }
}
