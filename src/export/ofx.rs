//! OFX 2.2: a statement per account with the rows of its currency. Our id is the `FITID`, by which every reader of the
//! format recognises what it has. Nothing depends on the time of writing: the server's date is that of the newest pull.
//!
//! Lengths and order of elements: Open Financial Exchange specification 2.2, sections 11.3 and 11.4, of the Financial Data
//! Exchange.

use crate::display::Shown;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::Listed;

use super::entry::{Entry, one_line};
use super::xml::{Xml, at_most};
use super::{Account, Form};

/// Longest `ACCTID`.
const ACCOUNT_CHARS_MAX: usize = 22;
/// Longest `BANKID`.
const BANK_CHARS_MAX: usize = 9;
/// Longest `NAME`.
const NAME_CHARS_MAX: usize = 32;
/// Longest `MEMO`.
const MEMO_CHARS_MAX: usize = 255;
/// The day of a statement that has none.
const NO_DAY: &str = "19700101";
/// ISO 4217: no currency.
const NO_CURRENCY: &str = "XXX";

/// Writes OFX. The head of an account waits for its first row, whose currency is the account's if the bank names none.
#[derive(Default)]
pub(super) struct Ofx {
    currency: Option<String>,
    headed: bool,
}

impl Ofx {
    fn head(&mut self, out: &mut String, account: &Account) {
        let day = |day: Option<BankDate>| day.map_or_else(|| NO_DAY.to_owned(), compact);
        let synced = account.synced_at.map(UtcInstant::utc_date);
        let (first, last) = account.days.or(synced.map(|day| (day, day))).unzip();
        let mut xml = Xml(out);
        xml.open("STMTTRNRS");
        xml.leaf("TRNUID", "0");
        status(&mut xml);
        xml.open("STMTRS");
        xml.leaf("CURDEF", self.currency.as_deref().unwrap_or(NO_CURRENCY));
        xml.open("BANKACCTFROM");
        xml.leaf("BANKID", at_most(&account.institution_id, BANK_CHARS_MAX));
        xml.leaf("ACCTID", &number(account));
        xml.leaf("ACCTTYPE", "CHECKING");
        xml.close("BANKACCTFROM");
        xml.open("BANKTRANLIST");
        xml.leaf("DTSTART", &day(first));
        xml.leaf("DTEND", &day(last));
        self.headed = true;
    }
}

impl Form for Ofx {
    fn begin(&mut self, out: &mut String, accounts: &[Account]) {
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push_str("<?OFX OFXHEADER=\"200\" VERSION=\"220\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n");
        let newest = accounts.iter().filter_map(|account| account.synced_at).max();
        let mut xml = Xml(out);
        xml.open("OFX");
        xml.open("SIGNONMSGSRSV1");
        xml.open("SONRS");
        status(&mut xml);
        xml.leaf("DTSERVER", &newest.map_or_else(|| NO_DAY.to_owned(), compact_day));
        xml.leaf("LANGUAGE", "ENG");
        xml.close("SONRS");
        xml.close("SIGNONMSGSRSV1");
        xml.open("BANKMSGSRSV1");
    }

    fn open(&mut self, _out: &mut String, account: &Account) {
        self.currency.clone_from(&account.currency);
        self.headed = false;
    }

    fn row(
        &mut self,
        out: &mut String,
        account: &Account,
        row: &Listed<'_>,
        shown: &Shown<'_>,
    ) -> bool {
        let Some(entry) = Entry::of(account, row, shown).filter(|entry| !entry.pending) else {
            return false;
        };
        if self.currency.get_or_insert_with(|| entry.currency.to_owned()) != entry.currency {
            return false;
        }
        if !self.headed {
            self.head(out, account);
        }
        let mut xml = Xml(out);
        xml.open("STMTTRN");
        xml.leaf("TRNTYPE", if entry.is_debit() { "DEBIT" } else { "CREDIT" });
        xml.leaf("DTPOSTED", &compact(entry.date));
        xml.leaf("TRNAMT", &entry.amount.to_string());
        xml.leaf("FITID", &entry.id.to_string());
        let name = one_line(entry.party().unwrap_or_default());
        xml.some("NAME", Some(at_most(&name, NAME_CHARS_MAX)));
        let text = one_line(entry.text().unwrap_or_default());
        xml.some("MEMO", Some(at_most(&text, MEMO_CHARS_MAX)));
        xml.close("STMTTRN");
        true
    }

    fn close(&mut self, out: &mut String, account: &Account) {
        if !self.headed {
            self.head(out, account);
        }
        let mut xml = Xml(out);
        xml.close("BANKTRANLIST");
        balance(&mut xml, account, self.currency.as_deref());
        xml.close("STMTRS");
        xml.close("STMTTRNRS");
    }

    fn end(&mut self, out: &mut String) {
        let mut xml = Xml(out);
        xml.close("BANKMSGSRSV1");
        xml.close("OFX");
    }
}

fn status(xml: &mut Xml<'_>) {
    xml.open("STATUS");
    xml.leaf("CODE", "0");
    xml.leaf("SEVERITY", "INFO");
    xml.close("STATUS");
}

/// The booked balance, else any; a statement has to have one. Without any it is zero on a day long ago.
fn balance(xml: &mut Xml<'_>, account: &Account, currency: Option<&str>) {
    const BEST: [&str; 4] = ["closingBooked", "interimBooked", "openingBooked", "expected"];
    let mut fitting = account
        .balances
        .iter()
        .filter(|balance| currency.is_none_or(|currency| balance.money.currency.0 == currency));
    let rank = |kind: &str| BEST.iter().position(|best| *best == kind).unwrap_or(BEST.len());
    let found = fitting.by_ref().min_by_key(|balance| rank(&balance.balance_type));
    xml.open("LEDGERBAL");
    xml.leaf("BALAMT", &found.map_or_else(|| "0".to_owned(), |it| it.money.amount.to_string()));
    xml.leaf("DTASOF", &found.map_or_else(|| NO_DAY.to_owned(), |it| compact(it.date)));
    xml.close("LEDGERBAL");
}

/// The end of the number, which tells accounts apart; an IBAN can be longer than the format allows.
fn number(account: &Account) -> String {
    let id = account.id.to_string();
    let number = account.iban.as_deref().or(account.bban.as_deref()).unwrap_or(&id);
    let surplus = number.chars().count().saturating_sub(ACCOUNT_CHARS_MAX);
    number.chars().skip(surplus).collect()
}

fn compact(date: BankDate) -> String {
    date.to_string().replace('-', "")
}

fn compact_day(at: UtcInstant) -> String {
    compact(at.utc_date())
}
