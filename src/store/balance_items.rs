//! New balances of a run as bytes: two of them come with nearly every answer, so a row of the database for each would cost
//! more than what is in it.
//!
//! Per answer with anything new: the milliseconds since the run began (zigzag), the count of items, the items. Per item: the
//! number of its series times 8 plus [`HAS_TEXT`], [`OF_THE_DAY`] and [`TWO_DECIMALS`]; the amount; the reference date; the
//! text. The amount: with `TWO_DECIMALS` its units (zigzag), else 0 for none, 1 plus the scale and the units, or
//! [`IN_WORDS`], length and text. The date: nothing with `OF_THE_DAY` (that on which the run began, in UTC), else 0 for none,
//! 1 plus the days since (zigzag). The text, with `HAS_TEXT` (else it is the series' form with this amount and date): its
//! length times 2, plus 1 where it is not packed with the dictionary that every database has, and its bytes. All numbers are
//! LEB128 varints.

use crate::model::money::Amount;
use crate::model::time::{BankDate, UtcInstant};

use super::answers::{put, take, unzigzag, zigzag};

/// The text of an item follows.
const HAS_TEXT: u64 = 1;
/// The reference date is the day on which the run began.
const OF_THE_DAY: u64 = 2;
/// The amount has two decimals and fits 64 bits.
const TWO_DECIMALS: u64 = 4;
const FLAG_BITS: u32 = 3;
/// In place of a scale, and larger than any: an amount of more than 64 bits follows as text.
const IN_WORDS: u64 = 62;

/// A balance that is new in its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Number of the series.
    pub(super) series: i64,
    pub(super) amount: Option<Amount>,
    pub(super) date: Option<BankDate>,
    /// `None`: the series' form has it.
    pub(super) text: Option<ItemText>,
}

/// The text of an item that is not its series' form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemText {
    pub(super) is_packed: bool,
    pub(super) bytes: Vec<u8>,
}

/// What was new in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    /// When the answer came.
    pub(super) at: UtcInstant,
    /// In its order.
    pub(super) items: Vec<Item>,
}

/// Appends what was new in an answer. `began`: its run.
pub(super) fn append(bytes: &mut Vec<u8>, news: &News, began: UtcInstant) {
    put(bytes, zigzag(news.at.since(began)));
    put(bytes, u64::try_from(news.items.len()).unwrap_or(u64::MAX));
    for item in &news.items {
        put_item(bytes, item, began.utc_date());
    }
}

fn put_item(bytes: &mut Vec<u8>, item: &Item, day: BankDate) {
    let units = item.amount.filter(|amount| amount.scale() == 2);
    let units = units.and_then(|amount| i64::try_from(amount.units()).ok());
    let of_the_day = item.date == Some(day);
    let flags = [
        (item.text.is_some(), HAS_TEXT),
        (of_the_day, OF_THE_DAY),
        (units.is_some(), TWO_DECIMALS),
    ];
    let flags = flags.into_iter().filter_map(|(on, flag)| on.then_some(flag)).sum::<u64>();
    put(bytes, item.series.unsigned_abs() << FLAG_BITS | flags);
    match units {
        Some(units) => put(bytes, zigzag(units)),
        None => put_amount(bytes, item.amount),
    }
    if !of_the_day {
        let distance = |date: BankDate| date.epoch_days().wrapping_sub(day.epoch_days());
        put(bytes, item.date.map_or(0, |date| zigzag(distance(date)).wrapping_add(1)));
    }
    if let Some(text) = &item.text {
        let len = u64::try_from(text.bytes.len()).unwrap_or(u64::MAX);
        put(bytes, len << 1 | u64::from(!text.is_packed));
        bytes.extend_from_slice(&text.bytes);
    }
}

fn put_amount(bytes: &mut Vec<u8>, amount: Option<Amount>) {
    let Some(amount) = amount else { return put(bytes, 0) };
    if let Ok(units) = i64::try_from(amount.units()) {
        put(bytes, u64::from(amount.scale()).wrapping_add(1));
        put(bytes, zigzag(units));
    } else {
        let words = amount.to_string();
        put(bytes, IN_WORDS.wrapping_add(1));
        put(bytes, u64::try_from(words.len()).unwrap_or(u64::MAX));
        bytes.extend_from_slice(words.as_bytes());
    }
}

/// What was new in the answers of a run; `None` if the bytes are not what [`append`] writes.
pub(super) fn decode(mut bytes: &[u8], began: UtcInstant) -> Option<Vec<News>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let at = began.plus_ms(unzigzag(take(&mut bytes)?));
        let mut items = Vec::new();
        for _ in 0..take(&mut bytes)? {
            items.push(take_item(&mut bytes, began.utc_date())?);
        }
        all.push(News { at, items });
    }
    Some(all)
}

fn take_item(bytes: &mut &[u8], day: BankDate) -> Option<Item> {
    let head = take(bytes)?;
    let has = |flag: u64| head & flag != 0;
    let amount = if has(TWO_DECIMALS) {
        Some(Amount::new(i128::from(unzigzag(take(bytes)?)), 2)?)
    } else {
        match take(bytes)?.checked_sub(1) {
            None => None,
            Some(scale) => Some(take_amount(bytes, scale)?),
        }
    };
    let date = if has(OF_THE_DAY) {
        Some(day)
    } else {
        match take(bytes)?.checked_sub(1) {
            None => None,
            Some(distance) => {
                let days = day.epoch_days().checked_add(unzigzag(distance))?;
                Some(BankDate::from_epoch_days(days)?)
            }
        }
    };
    let text = if has(HAS_TEXT) {
        let len = take(bytes)?;
        let text = take_bytes(bytes, len >> 1)?.to_vec();
        Some(ItemText { is_packed: len & 1 == 0, bytes: text })
    } else {
        None
    };
    Some(Item { series: i64::try_from(head >> FLAG_BITS).ok()?, amount, date, text })
}

fn take_amount(bytes: &mut &[u8], scale: u64) -> Option<Amount> {
    if scale == IN_WORDS {
        let len = take(bytes)?;
        return Amount::parse(std::str::from_utf8(take_bytes(bytes, len)?).ok()?);
    }
    Amount::new(i128::from(unzigzag(take(bytes)?)), u8::try_from(scale).ok()?)
}

fn take_bytes<'a>(bytes: &mut &'a [u8], len: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::SCALE_DIGITS_MAX;
    use proptest::prelude::*;

    /// 2026-11-20.
    const BEGAN: UtcInstant = UtcInstant::from_ms(1_795_132_800_123);

    fn item() -> impl Strategy<Value = Item> {
        let scale = prop_oneof![Just(2), 0..=SCALE_DIGITS_MAX];
        let amount = prop::option::of((any::<i128>(), 0..3, scale));
        let amount = amount.prop_map(|amount| {
            let (units, shift, scale) = amount?;
            Amount::new(units >> (1 + shift * 50), scale)
        });
        let days = prop_oneof![Just(20_777), -700_000_i64..2_000_000];
        let text = prop::option::of((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)));
        (1..1_i64 << 40, amount, prop::option::of(days), text).prop_map(
            |(series, amount, days, text)| Item {
                series,
                amount,
                date: days.and_then(BankDate::from_epoch_days),
                text: text.map(|(is_packed, bytes)| ItemText { is_packed, bytes }),
            },
        )
    }

    #[test]
    fn two_ordinary_balances_are_a_few_bytes() {
        assert_eq!(BEGAN.utc_date().epoch_days(), 20_777);
        let (amount, date) = (Amount::parse("12345.67"), Some(BEGAN.utc_date()));
        let item = |series| Item { series, amount, date, text: None };
        let news = News { at: BEGAN.plus_ms(1_000), items: vec![item(1), item(2)] };
        let mut bytes = Vec::new();
        append(&mut bytes, &news, BEGAN);
        assert_eq!(bytes.len(), 13, "{bytes:?}");
    }

    proptest! {
        #[test]
        fn every_item_comes_back(
            answers in prop::collection::vec((-9_i64..999_999, prop::collection::vec(item(), 1..4)), 0..3),
        ) {
            let mut bytes = Vec::new();
            let news = |(after, items)| News { at: BEGAN.plus_ms(after), items };
            let answers: Vec<News> = answers.into_iter().map(news).collect();
            for news in &answers {
                append(&mut bytes, news, BEGAN);
            }
            prop_assert_eq!(decode(&bytes, BEGAN), Some(answers));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _news = decode(&bytes, BEGAN);
        }
    }
}
