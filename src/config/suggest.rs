//! "Did you mean …": the nearest word of a list that is ours, so that nothing from the file is repeated.

/// Words longer than this are not compared: nobody mistypes a key of such length.
const WORD_MAX: usize = 64;

/// The word of `known` that is nearest to `word`, if it is near enough to be meant. Case, `_` and `-` do not matter.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = simplified(word);
    if word.is_empty() || word.len() > WORD_MAX {
        return None;
    }
    let allowed = match word.len() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|candidate| (distance(&word, &simplified(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A time zone that may be meant: by its whole name, or by its city alone.
pub(super) fn zone<'k>(
    word: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Option<&'k str> {
    let city = simplified(word);
    let same_city =
        |name: &&str| name.rsplit('/').next().is_some_and(|last| simplified(last) == city);
    known.clone().find(same_city).or_else(|| nearest(word, known))
}

fn simplified(word: &str) -> String {
    word.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

/// Insertions, deletions, changes and swaps of neighbours (Damerau, Communications of the ACM 7(3), 1964).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut left_before = None;
    for (row, letter) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let at =
                |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&last, column) + usize::from(letter != *other);
            let mut best = changed.min(at(&last, column + 1) + 1).min(at(&line, column) + 1);
            let swapped =
                column > 0 && left_before == Some(*other) && right.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            line.push(best);
        }
        before_last = std::mem::replace(&mut last, line);
        left_before = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_and_far_ones() {
        let known = ["api-base", "secret-id", "secret-key", "redirect"];
        assert_eq!(nearest("secret-kye", known), Some("secret-key"));
        assert_eq!(nearest("api_base", known), Some("api-base"));
        assert_eq!(nearest("API-BASE", known), Some("api-base"));
        assert_eq!(nearest("nickname", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn zones_by_city_or_by_typing_error() {
        let known = ["Europe/Berlin", "Europe/Bern", "America/New_York"];
        assert_eq!(zone("berlin", known.into_iter()), Some("Europe/Berlin"));
        assert_eq!(zone("Europe/Berln", known.into_iter()), Some("Europe/Berlin"));
        assert_eq!(zone("New York", known.into_iter()), Some("America/New_York"));
        assert_eq!(zone("Mars/Olympus", known.into_iter()), None);
    }
}
