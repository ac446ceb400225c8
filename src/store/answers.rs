//! Lists of row versions as bytes: what an answer consisted of, in its order, twins twice.
//!
//! Banks list rows by date and rows are numbered as they come, so that an answer is mostly a few runs of consecutive
//! numbers. `items` = count of lists (1: booked, 2: booked and pending), then per list its count of runs, then per run:
//! zigzag of the first number minus the end of the run before, zigzag of the step times length (sign: direction), the
//! revision. All numbers are LEB128 varints. A year of answers costs kilobytes.

/// A row version in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The row.
    pub(super) number: i64,
    /// Which of its texts.
    pub(super) revision: i64,
}

/// The rows of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Items {
    pub(super) booked: Vec<Item>,
    /// `None`: the answer had no such list.
    pub(super) pending: Option<Vec<Item>>,
}

impl Items {
    /// The rows' numbers, booked ones first.
    pub(super) fn numbers(&self) -> Vec<i64> {
        self.booked.iter().chain(self.pending.iter().flatten()).map(|item| item.number).collect()
    }
}

/// The bytes of an answer's rows.
pub(super) fn encode(items: &Items) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 1 + u64::from(items.pending.is_some()));
    let mut end = 0;
    for list in std::iter::once(&items.booked).chain(&items.pending) {
        let runs = runs_of(list);
        put(&mut bytes, u64::try_from(runs.len()).unwrap_or(u64::MAX));
        for run in runs {
            put(&mut bytes, zigzag(run.first.wrapping_sub(end)));
            put(&mut bytes, zigzag(run.signed_len));
            put(&mut bytes, zigzag(run.revision));
            end = run.last();
        }
    }
    bytes
}

/// The rows from the bytes; `None` if these are not what [`encode`] writes.
pub(super) fn decode(bytes: &[u8]) -> Option<Items> {
    let mut rest = bytes;
    let lists = take(&mut rest)?;
    let mut end = 0_i64;
    let mut list = || {
        let runs = take(&mut rest)?;
        let mut items = Vec::new();
        for _ in 0..runs {
            let first = end.checked_add(unzigzag(take(&mut rest)?))?;
            let run = Run {
                first,
                signed_len: unzigzag(take(&mut rest)?),
                revision: unzigzag(take(&mut rest)?),
            };
            let len = run.signed_len.checked_abs()?;
            let total = len.checked_add(i64::try_from(items.len()).ok()?)?;
            if len < 1 || total > LIST_LEN_MAX {
                return None;
            }
            let step = run.signed_len.signum();
            items.extend((0..len).map(|place| Item {
                number: first.wrapping_add(place.wrapping_mul(step)),
                revision: run.revision,
            }));
            end = run.last();
        }
        Some(items)
    };
    let booked = list()?;
    let pending = match lists {
        1 => None,
        2 => Some(list()?),
        _ => return None,
    };
    rest.is_empty().then_some(Items { booked, pending })
}

/// No answer has more rows: a row is at least two bytes of a limited body.
const LIST_LEN_MAX: i64 = 1 << 24;

/// Consecutive numbers, up or down, of one revision.
struct Run {
    first: i64,
    signed_len: i64,
    revision: i64,
}

impl Run {
    fn last(&self) -> i64 {
        self.first.wrapping_add(self.signed_len.wrapping_sub(self.signed_len.signum()))
    }
}

fn runs_of(items: &[Item]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for item in items {
        if let Some(run) = runs.last_mut().filter(|run| run.revision == item.revision) {
            let step = item.number.wrapping_sub(run.last());
            let fits = (step == 1 && run.signed_len >= 1) || (step == -1 && run.signed_len <= 1);
            if fits {
                run.signed_len =
                    if run.signed_len == 1 && step == -1 { -2 } else { run.signed_len + step };
                continue;
            }
        }
        runs.push(Run { first: item.number, signed_len: 1, revision: item.revision });
    }
    runs
}

/// Small magnitudes of either sign become small numbers.
pub(super) const fn zigzag(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned()
}

/// The opposite of [`zigzag`].
pub(super) const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

/// Appends a varint.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

/// Takes a varint off the front.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(numbers: &[i64]) -> Vec<Item> {
        numbers.iter().map(|number| Item { number: *number, revision: 1 }).collect()
    }

    #[test]
    fn an_ordinary_answer_is_a_few_bytes() {
        let booked = items(&(1..=2_000).rev().collect::<Vec<_>>());
        let answer = Items { booked, pending: Some(Vec::new()) };
        let bytes = encode(&answer);
        assert!(bytes.len() <= 10, "{}", bytes.len());
        assert_eq!(decode(&bytes), Some(answer));
    }

    proptest! {
        #[test]
        fn every_list_comes_back(
            booked in prop::collection::vec((1_i64..40, 1_i64..3), 0..60),
            pending in prop::option::of(prop::collection::vec((1_i64..1_000_000_000_000, 1_i64..3), 0..5)),
        ) {
            let list = |pairs: Vec<(i64, i64)>| {
                pairs.into_iter().map(|(number, revision)| Item { number, revision }).collect::<Vec<_>>()
            };
            let answer = Items { booked: list(booked), pending: pending.map(list) };
            prop_assert_eq!(decode(&encode(&answer)), Some(answer));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(0_u8..0xa0, 0..12)) {
            let _items = decode(&bytes);
        }
    }
}
