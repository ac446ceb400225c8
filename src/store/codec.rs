//! Raw rows as bytes of the database: zstd, level 1, with a dictionary; plain where that is shorter.
//!
//! A dictionary is a few kilobytes of the account's own rows, taken as they are, behind constant entropy tables
//! ([`ENTROPY`]): training one for each account costs megabytes of memory and wins nothing measurable at this size,
//! while ready-made tables halve the time per row, since none are built or written for it. Contexts are kept and reused;
//! rows of one account come together, so that switching dictionaries is rare. The frame's magic number is left out: four
//! bytes that say nothing here.

use std::io;

use rusqlite::{Connection, OptionalExtension as _};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{self, CParameter, DCtx, DDict};

use super::error::Error;

/// Number of "no dictionary, no compression".
pub(super) const PLAIN: i64 = 0;
/// Number of [`BUILT_IN`] in every database.
pub(super) const BUILT_IN_ID: i64 = 1;
/// For accounts without a dictionary of their own: the names and shapes of the provider's rows. Written into each new
/// database, so that changing this text harms no old one.
pub(super) const BUILT_IN: &str = r#"{"checkId":"","creditorId":"","mandateId":"","ultimateCreditor":"","ultimateDebtor":"","purposeCode":"","merchantCategoryCode":"","additionalDataStructured":{"cardInstrument":{"cardSchemeName":"MASTERCARD","name":"","identification":""}},"balanceAfterTransaction":{"balanceAmount":{"amount":"0.00","currency":"EUR"},"balanceType":"interimBooked"},"currencyExchange":[{"sourceCurrency":"USD","exchangeRate":"1.0","unitCurrency":"","targetCurrency":"EUR","instructedAmount":{"amount":"","currency":""}}],"endToEndId":"NOTPROVIDED","remittanceInformationStructured":"","remittanceInformationUnstructuredArray":["",""],"additionalInformation":"","transactionId":"","entryReference":"","bookingDate":"2026-01-01","valueDate":"2026-01-01","bookingDateTime":"2026-01-01T00:00:00.000Z","valueDateTime":"2026-01-01T00:00:00.000Z","transactionAmount":{"amount":"-10.00","currency":"EUR"},"creditorName":"","creditorAccount":{"iban":"DE","bban":"","maskedPan":""},"debtorName":"","debtorAccount":{"iban":"DE"},"remittanceInformationUnstructured":"","bankTransactionCode":"PMNT-CCRD-POSD","proprietaryBankTransactionCode":"","internalTransactionId":""}"#;

/// Entropy tables of a dictionary (RFC 8878 section 5): what stands before its content. Made once with zstd's own
/// `ZDICT_finalizeDictionary` from 6,000 invented rows of three shapes; they fit any JSON of this kind well enough, and
/// zstd builds others where they do not.
const ENTROPY: &str = "37a430ec018000002910c8923407ffffffffffff978033acb5dd8c9b6c43d29684368e597f3e562699524a295d70cadd\
    270653040000188a012002c16c7c1b0004a0c01d1a0d8986080902c2a090d850341e0c03626118180806469414836324a338000c55020000\
    1430a4c3c9481e8a721cc7822c462165000000000000010000000400000008000000";
/// The tables hold repeat offsets up to 8; a content this short is no help anyway.
const CONTENT_LEN_MIN: usize = 64;

const LEVEL: i32 = 1;
const MAGIC: [u8; 4] = zstd_safe::MAGICNUMBER.to_le_bytes();
/// No row is larger: it came in one answer.
const RAW_LEN_MAX: u64 = 64 * 1024 * 1024;

/// A dictionary for rows like these; `None` if they are too short to be worth one.
pub(super) fn dictionary(content: &[u8]) -> Option<Vec<u8>> {
    let mut words = Vec::with_capacity(ENTROPY.len().saturating_add(content.len()));
    let digits =
        ENTROPY.as_bytes().chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    words.extend(digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    words.extend_from_slice(content);
    (content.len() >= CONTENT_LEN_MIN).then_some(words)
}

/// A row's bytes and what they need to become text again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed<'a> {
    pub(super) dictionary: i64,
    pub(super) bytes: &'a [u8],
}

/// Packs rows.
#[derive(Default)]
pub(super) struct Packer {
    context: Option<(i64, Compressor<'static>)>,
    buffer: Vec<u8>,
}

impl Packer {
    /// Packs a row with a dictionary (its number must be one of the database's).
    pub(super) fn pack<'a>(
        &'a mut self,
        connection: &Connection,
        dictionary: i64,
        raw: &'a str,
    ) -> Result<Packed<'a>, Error> {
        let failed = |_error: io::Error| Error::Internal("a row cannot be compressed");
        let context = match &mut self.context {
            Some((number, context)) if *number == dictionary => context,
            slot => {
                let words = dictionary_content(connection, dictionary)?;
                let mut context = Compressor::with_dictionary(LEVEL, &words).map_err(failed)?;
                // The row says which dictionary it needs.
                context.set_parameter(CParameter::DictIdFlag(false)).map_err(failed)?;
                &mut slot.insert((dictionary, context)).1
            }
        };
        self.buffer.clear();
        self.buffer.reserve(zstd_safe::compress_bound(raw.len()));
        context.compress_to_buffer(raw.as_bytes(), &mut self.buffer).map_err(failed)?;
        match self.buffer.strip_prefix(&MAGIC) {
            Some(bytes) if bytes.len() < raw.len() => Ok(Packed { dictionary, bytes }),
            _ => Ok(Packed { dictionary: PLAIN, bytes: raw.as_bytes() }),
        }
    }

    /// Gives memory back.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }
}

/// Unpacks rows.
#[derive(Default)]
pub(super) struct Unpacker {
    /// Made with the first row: it takes 100 KiB.
    context: Option<DCtx<'static>>,
    /// The dictionaries used last, the newest at the end: listings go from account to account.
    dictionaries: Vec<(i64, DDict<'static>)>,
    frame: Vec<u8>,
}

/// Dictionaries kept ready, about 30 KiB each.
const READY_DICTIONARIES_MAX: usize = 8;

impl Unpacker {
    /// The text of a packed row.
    pub(super) fn unpack(
        &mut self,
        connection: &Connection,
        packed: Packed<'_>,
    ) -> Result<String, Error> {
        let bytes = if packed.dictionary == PLAIN {
            packed.bytes.to_vec()
        } else {
            self.inflate(connection, packed)?
        };
        String::from_utf8(bytes)
            .map_err(|error| Error::damaged(format!("a row that is not text ({error})")))
    }

    fn inflate(&mut self, connection: &Connection, packed: Packed<'_>) -> Result<Vec<u8>, Error> {
        self.make_ready(connection, packed.dictionary)?;
        self.frame.clear();
        self.frame.extend_from_slice(&MAGIC);
        self.frame.extend_from_slice(packed.bytes);
        let len = zstd_safe::get_frame_content_size(&self.frame)
            .ok()
            .flatten()
            .filter(|len| *len <= RAW_LEN_MAX)
            .and_then(|len| usize::try_from(len).ok())
            .ok_or_else(|| Error::damaged("a row's compression frame"))?;
        let (_, words) =
            self.dictionaries.last().ok_or(Error::Internal("no dictionary is ready"))?;
        let mut bytes = Vec::with_capacity(len);
        let unreadable = |code| {
            Error::damaged(format!(
                "a row cannot be decompressed: {}",
                zstd_safe::get_error_name(code)
            ))
        };
        let context = self.context.get_or_insert_with(DCtx::create);
        context.decompress_using_ddict(&mut bytes, &self.frame, words).map_err(unreadable)?;
        Ok(bytes)
    }

    /// Puts a dictionary at the end of the list.
    fn make_ready(&mut self, connection: &Connection, number: i64) -> Result<(), Error> {
        let found = self.dictionaries.iter().rposition(|(known, _)| *known == number);
        match found {
            Some(place) if place.saturating_add(1) == self.dictionaries.len() => {}
            Some(place) => {
                let ready = self.dictionaries.remove(place);
                self.dictionaries.push(ready);
            }
            None => {
                let words = DDict::try_create(&dictionary_content(connection, number)?)
                    .ok_or_else(|| Error::damaged("a dictionary"))?;
                if self.dictionaries.len() >= READY_DICTIONARIES_MAX {
                    self.dictionaries.remove(0);
                }
                self.dictionaries.push((number, words));
            }
        }
        Ok(())
    }

    /// Gives memory back.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }
}

fn dictionary_content(connection: &Connection, number: i64) -> Result<Vec<u8>, Error> {
    let failed = Error::sql("read a dictionary");
    let mut statement = connection
        .prepare_cached("SELECT content FROM dictionary WHERE id = ?1")
        .map_err(&failed)?;
    let content = statement.query_row([number], |row| row.get(0)).optional().map_err(&failed)?;
    content.ok_or_else(|| Error::damaged("a dictionary that is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        crate::store::open::make_ready();
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE dictionary (id INTEGER PRIMARY KEY, content BLOB)")
            .unwrap();
        connection
            .execute("INSERT INTO dictionary VALUES (1, ?1)", [dictionary(BUILT_IN.as_bytes())])
            .unwrap();
        let (mut pack, mut unpack) = (Packer::default(), Unpacker::default());
        let large = "x".repeat(3_000_000);
        for text in ["", "1", "null", r#"{"transactionId":"a","bookingDate":"2026-02-03"}"#, &large]
        {
            let packed = pack.pack(&connection, BUILT_IN_ID, text).unwrap();
            assert!(packed.bytes.len() <= text.len());
            assert_eq!(unpack.unpack(&connection, packed).unwrap(), text);
        }
        assert!(unpack.unpack(&connection, Packed { dictionary: 1, bytes: b"garbage" }).is_err());
        assert!(unpack.unpack(&connection, Packed { dictionary: 9, bytes: b"" }).is_err());
    }
}
