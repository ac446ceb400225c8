//! Phase one: rows whose raw text is stored already, byte for byte. Needs hashes only, so it is cheap for every answer.

use std::cmp::Ordering;

use crate::model::transaction::{BookingStatus, RowState};

use super::{FetchedRow, RowHash, StoredRow};

/// For each fetched row the place of the stored row that it repeats, if any.
///
/// Equal rows are interchangeable: the k-th pairs with the k-th. Rows that are listed come before rows that are not, so
/// that a payment does not go and come back while its twin stays; among those, the oldest comes first. Booked rows pair
/// with booked ones and pending rows with pending ones; a booked row then takes what is left of the pending ones (it was
/// booked without any change), never the other way round.
pub fn pair(stored: &[StoredRow], fetched: &[FetchedRow]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; fetched.len()];
    if stored.is_empty() {
        return pairs;
    }
    let mut known: Vec<(usize, &StoredRow)> = stored.iter().enumerate().collect();
    known.sort_unstable_by(|(_, a), (_, b)| {
        a.hash
            .cmp(&b.hash)
            .then_with(|| preference(a).cmp(&preference(b)))
            .then(a.number.cmp(&b.number))
    });
    let mut came: Vec<(usize, &FetchedRow)> = fetched.iter().enumerate().collect();
    came.sort_unstable_by(|(i, a), (j, b)| {
        a.hash.cmp(&b.hash).then_with(|| a.status.cmp(&b.status)).then(i.cmp(j))
    });
    let groups = came.chunk_by(|(_, a), (_, b)| a.hash == b.hash);
    let mut rest = known.as_slice();
    for group in groups {
        let Some((_, first)) = group.first() else { continue };
        let twins = group_of(&mut rest, &first.hash);
        for (place, partner) in pair_group(twins, group) {
            if let Some(slot) = pairs.get_mut(place) {
                *slot = Some(partner);
            }
        }
    }
    pairs
}

/// Booked before pending, then listed before missing before vanished or closed.
fn preference(row: &StoredRow) -> (BookingStatus, RowState) {
    (row.status, row.state)
}

/// Cuts the rows with this hash off the front of the sorted rest.
fn group_of<'a, 'b>(
    rest: &mut &'a [(usize, &'b StoredRow)],
    hash: &RowHash,
) -> &'a [(usize, &'b StoredRow)] {
    let start = rest.partition_point(|(_, row)| row.hash.cmp(hash) == Ordering::Less);
    let from = rest.get(start..).unwrap_or_default();
    let (group, after) = from.split_at(from.partition_point(|(_, row)| row.hash == *hash));
    *rest = after;
    group
}

/// Pairs within one hash: `(fetched place, stored place)`.
fn pair_group(
    stored: &[(usize, &StoredRow)],
    fetched: &[(usize, &FetchedRow)],
) -> Vec<(usize, usize)> {
    let places = |status: BookingStatus| {
        stored.iter().filter(move |(_, row)| row.status == status).map(|(place, _)| *place)
    };
    let came = |status: BookingStatus| {
        fetched.iter().filter(move |(_, row)| row.status == status).map(|(place, _)| *place)
    };
    let booked_before = places(BookingStatus::Booked).count();
    let pending_now = came(BookingStatus::Pending).count();
    let mut pairs: Vec<(usize, usize)> =
        came(BookingStatus::Booked).zip(places(BookingStatus::Booked)).collect();
    pairs.extend(came(BookingStatus::Pending).zip(places(BookingStatus::Pending)));
    let newly_booked = came(BookingStatus::Booked).skip(booked_before);
    pairs.extend(newly_booked.zip(places(BookingStatus::Pending).skip(pending_now)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(number: i64, hash: u8, status: BookingStatus, state: RowState) -> StoredRow {
        StoredRow {
            number,
            hash: [hash; 16],
            effective_date: None,
            earliest_date: None,
            filterable: false,
            status,
            state,
        }
    }

    fn booked(hash: u8) -> FetchedRow {
        FetchedRow { hash: [hash; 16], status: BookingStatus::Booked }
    }

    #[test]
    fn twins_pair_in_order_of_age_and_stay_when_one_goes() {
        let rows = [
            stored(7, 1, BookingStatus::Booked, RowState::Current),
            stored(3, 1, BookingStatus::Booked, RowState::Missing),
            stored(5, 1, BookingStatus::Booked, RowState::Current),
            stored(1, 2, BookingStatus::Booked, RowState::Current),
        ];
        assert_eq!(pair(&rows, &[booked(1)]), [Some(2)]);
        assert_eq!(
            pair(&rows, &[booked(1), booked(9), booked(1), booked(1), booked(1)]),
            [Some(2), None, Some(0), Some(1), None]
        );
    }

    #[test]
    fn a_booked_row_takes_a_pending_one_only_when_no_pending_row_needs_it() {
        let rows = [stored(1, 1, BookingStatus::Pending, RowState::Current)];
        let pending = FetchedRow { hash: [1; 16], status: BookingStatus::Pending };
        assert_eq!(pair(&rows, &[booked(1)]), [Some(0)]);
        assert_eq!(pair(&rows, &[booked(1), pending]), [None, Some(0)]);
        let rows = [stored(1, 1, BookingStatus::Booked, RowState::Current)];
        assert_eq!(pair(&rows, &[pending]), [None]);
    }
}
