//! Two generated data sets, the same on every machine: no byte of them comes from a bank.
//!
//! Both are answers of 2,000 booked rows, newest first, about three a day. **S** (repetitive, about 490 bytes a row) draws
//! from 24 fixed payees with fixed texts: only ids, dates and amounts differ, as on an account with standing orders and one
//! supermarket. **R** (realistic entropy, about 590 bytes a row) makes names of four lists of words, and gives every row
//! account numbers, mandates, references and card texts of random digits. In both sets `internalTransactionId` is 32 random hexadecimal
//! digits, as the provider's is. Random numbers are xorshift64* with the account's number as seed.

use std::fmt::Write as _;

/// Rows of an answer.
pub(crate) const ROWS: u64 = 2_000;
/// Rows of a day, on average.
const ROWS_A_DAY: u64 = 3;

/// Which data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// S.
    Repetitive,
    /// R.
    Realistic,
}

impl Set {
    /// Its letter.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Repetitive => 'S',
            Self::Realistic => 'R',
        }
    }
}

/// The transactions answer of an account; with another `age`, one that is older by all its days for each.
pub(crate) fn answer(set: Set, account: u64, age: u64) -> Vec<u8> {
    let mut random = Random::new(age * 1_000_000 + account);
    let newest_days_ago = age * (ROWS.div_euclid(ROWS_A_DAY) + 1);
    let mut text = String::with_capacity(1_300_000);
    text.push_str(r#"{"transactions":{"booked":["#);
    for row in 0..ROWS {
        if row > 0 {
            text.push(',');
        }
        let date = date(newest_days_ago + row.div_euclid(ROWS_A_DAY));
        match set {
            Set::Repetitive => repetitive(&mut text, &mut random, &date, row),
            Set::Realistic => realistic(&mut text, &mut random, &date),
        }
    }
    text.push_str(r#"],"pending":[]},"last_updated":"2026-10-28T06:00:00Z"}"#);
    text.into_bytes()
}

/// The IBAN of an account.
pub(crate) fn iban(account: u64) -> String {
    let number = format!("10010010{account:010}");
    // ISO 7064 MOD 97-10 over the number and the country's letters (D = 13, E = 14).
    let rest = format!("{number}131400")
        .bytes()
        .fold(0_u64, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
    format!("DE{:02}{number}", 98 - rest)
}

/// A day of a calendar with months of 28 days: whatever the order, it is a date.
fn date(days_ago: u64) -> String {
    let day = 2_026 * 336 + 9 * 28 + 27 - days_ago;
    let (year, rest) = (day.div_euclid(336), day.rem_euclid(336));
    format!("{year}-{:02}-{:02}", rest.div_euclid(28) + 1, rest.rem_euclid(28) + 1)
}

fn repetitive(text: &mut String, random: &mut Random, date: &str, row: u64) {
    let payee = random.below(24);
    let cents = 100 + payee * 317 + random.below(5) * 50;
    let (euros, cents) = (cents.div_euclid(100), cents.rem_euclid(100));
    write!(
        text,
        r#"{{"transactionId":"{date}-{number:06}","bookingDate":"{date}","valueDate":"{date}","transactionAmount":{{"amount":"-{euros}.{cents:02}","currency":"EUR"}},"creditorName":"Example Markt Filiale {payee:02}","creditorAccount":{{"iban":"DE021001001000000000{payee:02}"}},"remittanceInformationUnstructured":"Kartenzahlung Example Markt Filiale {payee:02} sagt Danke, Girocard","bankTransactionCode":"PMNT-CCRD-POSD","proprietaryBankTransactionCode":"KARTENZAHLUNG","additionalInformation":"Kartenzahlung","internalTransactionId":"{id:032x}"}}"#,
        number = ROWS - row,
        id = random.wide(),
    )
    .unwrap_or_default();
}

fn realistic(text: &mut String, random: &mut Random, date: &str) {
    const FIRST: [&str; 16] = [
        "Nord", "Alt", "Stern", "Berg", "See", "Wald", "Linden", "Hafen", "Rosen", "Markt",
        "Sonnen", "Kirch", "Mühlen", "Garten", "Schloss", "Ufer",
    ];
    const SECOND: [&str; 16] = [
        "werk",
        "haus",
        "bäckerei",
        "apotheke",
        "energie",
        "druck",
        "reisen",
        "verlag",
        "kontor",
        "bau",
        "technik",
        "optik",
        "versand",
        "handel",
        "dienste",
        "garage",
    ];
    const FORM: [&str; 8] = ["GmbH", "AG", "KG", "e.K.", "SE", "OHG", "Ltd", "und Partner"];
    const TOWN: [&str; 16] = [
        "Bremen", "Kassel", "Jena", "Ulm", "Trier", "Emden", "Gera", "Bonn", "Hof", "Celle",
        "Passau", "Worms", "Fulda", "Siegen", "Lübeck", "Aachen",
    ];
    let name = format!(
        "{}{} {} {}",
        random.of(&FIRST),
        random.of(&SECOND),
        random.of(&TOWN),
        random.of(&FORM)
    );
    let card = random.below(3) == 0;
    let income = !card && random.below(5) == 0;
    let (sign, party) = if income { ("", "debtor") } else { ("-", "creditor") };
    let purpose = if card {
        format!(
            "{name} {} NR XXXX {:04} {:012} KAUFUMSATZ {date} {:02}:{:02} ARN{:023}",
            random.of(&TOWN),
            random.below(10_000),
            random.below(1_000_000_000_000),
            random.below(24),
            random.below(60),
            random.wide() % 100_000_000_000_000_000_000_000
        )
    } else {
        format!(
            "RG {:08} KD {:07} {} {} vom {date}, Az {:016x}",
            random.below(100_000_000),
            random.below(10_000_000),
            random.of(&SECOND),
            random.of(&FIRST),
            random.next()
        )
    };
    write!(
        text,
        r#"{{"transactionId":"{id:020}","entryReference":"{entry:012}","endToEndId":"{end:022x}","mandateId":"M{mandate:09}","bookingDate":"{date}","valueDate":"{date}","transactionAmount":{{"amount":"{sign}{euros}.{cents:02}","currency":"EUR"}},"{party}Name":"{name}","{party}Account":{{"iban":"DE{number:020}"}},"remittanceInformationUnstructured":"{purpose}","bankTransactionCode":"PMNT-{code}","proprietaryBankTransactionCode":"NTRF+{key:03}","internalTransactionId":"{internal:032x}"}}"#,
        id = random.next(),
        entry = random.below(1_000_000_000_000),
        end = random.wide() >> 40,
        mandate = random.below(1_000_000_000),
        euros = random.below(900),
        cents = random.below(100),
        number = random.next(),
        code = random.of(&["CCRD-POSD", "RCDT-ESCT", "RDDT-ESDD", "ICDT-STDO"]),
        key = 100 + random.below(40),
        internal = random.wide(),
    )
    .unwrap_or_default();
}

/// xorshift64* (Vigna 2016): fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let place =
            usize::try_from(self.below(words.len().try_into().unwrap_or(1))).unwrap_or_default();
        words.get(place).copied().unwrap_or_default()
    }
}
