//! ISO 20022 camt.053.001.08: a statement per account, as banks send it to companies. Our id is the reference of the entry
//! (`NtryRef`). It is a bank's document, so that it has the bank's words and not those of the display rules. Nothing
//! depends on the time of writing: the message is as old as the newest pull.
//!
//! Order, lengths and codes of elements: the message's schema and the external code sets (iso20022.org, read on 2026-11-23).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::display::Shown;
use crate::model::iban::Iban;
use crate::model::money::{Amount, Currency};
use crate::model::time::UtcInstant;
use crate::model::transaction::Columns;

use super::entry::{Entry, one_line, unsigned};
use super::xml::{Xml, at_most, pieces};
use super::{Account, Balance, Form, Row};

/// Most digits behind the point.
const SCALE_DIGITS_MAX: u8 = 5;
/// Most digits of an amount.
const DIGITS_MAX: usize = 18;

/// Writes a statement message.
#[derive(Default)]
pub(super) struct Camt053 {
    created_at: String,
}

impl Form for Camt053 {
    fn begin(&mut self, out: &mut String, accounts: &[Account]) {
        let newest = accounts.iter().filter_map(|account| account.synced_at).max();
        self.created_at = newest.unwrap_or(UtcInstant::from_ms(0)).to_string();
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push_str("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\n");
        let mut xml = Xml(out);
        xml.open("BkToCstmrStmt");
        xml.open("GrpHdr");
        xml.leaf("MsgId", at_most(&format!("banksyncd-{}", self.created_at), 35));
        xml.leaf("CreDtTm", &self.created_at);
        xml.close("GrpHdr");
    }

    fn open(&mut self, out: &mut String, account: &Account) {
        let mut xml = Xml(out);
        xml.open("Stmt");
        xml.leaf("Id", &account.id.to_string());
        xml.leaf("CreDtTm", &self.created_at);
        xml.open("Acct");
        let id = account.id.to_string();
        let number = account.iban.as_deref().or(account.bban.as_deref()).unwrap_or(&id);
        account_number(&mut xml, number);
        xml.some("Ccy", account.currency.as_deref().filter(|code| is_code(code)));
        xml.leaf("Nm", at_most(&one_line(&account.title), 70));
        if let Some(owner) = account.owner_name.as_deref().filter(|name| !name.trim().is_empty()) {
            xml.open("Ownr");
            xml.leaf("Nm", at_most(&one_line(owner), 140));
            xml.close("Ownr");
        }
        xml.close("Acct");
        balances(&mut xml, account, &self.created_at);
    }

    fn row(&mut self, out: &mut String, row: &Row<'_>) -> bool {
        let unruled = Shown::default();
        let entry = Entry::of(&Row { shown: &unruled, ..*row });
        let Some(entry) = entry.filter(|entry| fits(entry.amount)) else { return false };
        let shown = entry.transaction;
        let mut xml = Xml(out);
        xml.open("Ntry");
        xml.leaf("NtryRef", &entry.id.to_string());
        amount(&mut xml, entry.amount, entry.currency);
        xml.open("Sts");
        xml.leaf("Cd", if entry.pending { "PDNG" } else { "BOOK" });
        xml.close("Sts");
        for (name, date) in [("BookgDt", shown.booking_date), ("ValDt", shown.value_date)] {
            if let Some(date) = date {
                xml.open(name);
                xml.leaf("Dt", &date.to_string());
                xml.close(name);
            }
        }
        xml.some("AcctSvcrRef", reference(shown.entry_reference.as_deref()));
        code(&mut xml, shown);
        xml.open("NtryDtls");
        xml.open("TxDtls");
        references(&mut xml, shown);
        parties(&mut xml, shown);
        remittance(&mut xml, entry.text());
        xml.close("TxDtls");
        xml.close("NtryDtls");
        xml.close("Ntry");
        true
    }

    fn close(&mut self, out: &mut String, _account: &Account) {
        Xml(out).close("Stmt");
    }

    fn end(&mut self, out: &mut String) {
        let mut xml = Xml(out);
        xml.close("BkToCstmrStmt");
        xml.close("Document");
    }
}

/// The newest balances. A statement has to have one: without any it says so by a kind of its own.
fn balances(xml: &mut Xml<'_>, account: &Account, created_at: &str) {
    let mut any = false;
    for Balance { balance_type, money, date } in &account.balances {
        if fits(money.amount) && is_code(&money.currency.0) {
            any = true;
            balance(xml, balance_type, (money.amount, &money.currency), &date.to_string());
        }
    }
    if !any && let Some(zero) = Amount::new(0, 0) {
        let currency = account.currency.as_deref().filter(|code| is_code(code)).unwrap_or("XXX");
        let (currency, day) = (Currency(currency.to_owned()), at_most(created_at, 10));
        balance(xml, "unknown", (zero, &currency), day);
    }
}

fn balance(xml: &mut Xml<'_>, kind: &str, (value, currency): (Amount, &Currency), day: &str) {
    let known = match kind {
        "closingBooked" => Some("CLBD"),
        "closingAvailable" => Some("CLAV"),
        "openingBooked" => Some("OPBD"),
        "openingAvailable" => Some("OPAV"),
        "interimBooked" => Some("ITBD"),
        "interimAvailable" => Some("ITAV"),
        "expected" => Some("XPCD"),
        "forwardAvailable" => Some("FWAV"),
        "information" => Some("INFO"),
        _ => None,
    };
    xml.open("Bal");
    xml.open("Tp");
    xml.open("CdOrPrtry");
    match known {
        Some(code) => xml.leaf("Cd", code),
        None => xml.leaf("Prtry", at_most(kind, 35)),
    }
    xml.close("CdOrPrtry");
    xml.close("Tp");
    amount(xml, value, &currency.0);
    xml.open("Dt");
    xml.leaf("Dt", day);
    xml.close("Dt");
    xml.close("Bal");
}

/// An amount without sign and its direction.
fn amount(xml: &mut Xml<'_>, amount: Amount, currency: &str) {
    let _infallible = writeln!(xml.0, "<Amt Ccy=\"{currency}\">{}</Amt>", unsigned(amount));
    xml.leaf("CdtDbtInd", if amount.units() < 0 { "DBIT" } else { "CRDT" });
}

/// Whether the schema takes this amount.
fn fits(amount: Amount) -> bool {
    let digits = amount.units().unsigned_abs().to_string().len();
    amount.scale() <= SCALE_DIGITS_MAX && digits <= DIGITS_MAX
}

fn is_code(currency: &str) -> bool {
    currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The bank's code: ISO 20022 as `PMNT-RCDT-ESCT`, else its own.
fn code(xml: &mut Xml<'_>, row: &Columns<'_>) {
    xml.open("BkTxCd");
    let parts: Vec<&str> = row.bank_transaction_code.iter().flat_map(|it| it.split('-')).collect();
    let iso = |part: &&str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    if let [domain, family, sub_family] = parts.as_slice()
        && parts.iter().all(iso)
    {
        xml.open("Domn");
        xml.leaf("Cd", domain);
        xml.open("Fmly");
        xml.leaf("Cd", family);
        xml.leaf("SubFmlyCd", sub_family);
        xml.close("Fmly");
        xml.close("Domn");
    } else if let Some(own) =
        row.proprietary_bank_transaction_code.as_deref().or(row.bank_transaction_code.as_deref())
        && !own.trim().is_empty()
    {
        xml.open("Prtry");
        xml.leaf("Cd", at_most(&one_line(own), 35));
        xml.close("Prtry");
    }
    xml.close("BkTxCd");
}

/// A reference that fits; a longer one would be another one.
fn reference(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.chars().count() <= 35)
}

fn references(xml: &mut Xml<'_>, row: &Columns<'_>) {
    let found = [
        ("EndToEndId", reference(row.end_to_end_id.as_deref())),
        ("TxId", reference(row.transaction_id.as_deref())),
        ("MndtId", reference(row.mandate_id.as_deref())),
    ];
    if found.iter().any(|(_, text)| text.is_some_and(|text| !text.trim().is_empty())) {
        xml.open("Refs");
        for (name, text) in found {
            xml.some(name, text);
        }
        xml.close("Refs");
    }
}

fn parties(xml: &mut Xml<'_>, row: &Columns<'_>) {
    let sides = [
        ("Dbtr", &row.debtor_name, "DbtrAcct", &row.debtor_account),
        ("Cdtr", &row.creditor_name, "CdtrAcct", &row.creditor_account),
    ];
    let said =
        |text: &Option<Cow<'_, str>>| text.as_deref().is_some_and(|it| !it.trim().is_empty());
    if !sides.iter().any(|(_, name, _, account)| said(name) || said(account)) {
        return;
    }
    xml.open("RltdPties");
    for (side, name, side_account, account) in sides {
        if let Some(name) = name.as_deref().filter(|name| !name.trim().is_empty()) {
            xml.open(side);
            xml.open("Pty");
            xml.leaf("Nm", at_most(&one_line(name), 140));
            xml.close("Pty");
            xml.close(side);
        }
        if let Some(account) = account.as_deref().filter(|number| !number.trim().is_empty()) {
            xml.open(side_account);
            account_number(xml, account);
            xml.close(side_account);
        }
    }
    xml.close("RltdPties");
}

/// A number as IBAN if it is a whole one.
fn account_number(xml: &mut Xml<'_>, number: &str) {
    xml.open("Id");
    if let Some(iban) = Iban::new(number).filter(Iban::is_full) {
        xml.leaf("IBAN", &iban.normalised());
    } else {
        xml.open("Othr");
        xml.leaf("Id", at_most(&one_line(number), 34));
        xml.close("Othr");
    }
    xml.close("Id");
}

fn remittance(xml: &mut Xml<'_>, text: Option<&str>) {
    let text = one_line(text.unwrap_or_default());
    if !text.is_empty() {
        xml.open("RmtInf");
        for piece in pieces(&text, 140) {
            xml.leaf("Ustrd", piece);
        }
        xml.close("RmtInf");
    }
}
