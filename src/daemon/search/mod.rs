//! Finding a bank as people type its name: in any case and word order, with or without accents, in parts, or by its BIC.
//!
//! Pure. Names and queries are folded to one spelling first; what then fits better comes first. It never corrects a word: a
//! bank that was not meant is worse than none.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::model::institution::Institution;

/// Letters that do not decompose, as people type them.
const TYPED: [(char, &str); 9] = [
    ('ß', "ss"),
    ('ø', "o"),
    ('ł', "l"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ı', "i"),
];

/// Two letters that stand for one with an accent, or that people double at will: `ue` for `ü`, `aa` for `å`.
const DIGRAPHS: [(&str, &str); 5] =
    [("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"), ("ss", "s")];

/// A word of at most so many letters means the beginning of a word: inside of words it is everywhere.
const SHORT_CHARS_MAX: usize = 3;

/// Shortest beginning of a BIC: the four letters of the bank.
const BIC_CHARS_MIN: usize = 4;

/// The institutions that have all words of a query, the best first; without words all of them by name.
pub fn search<'a>(institutions: &'a [Institution], query: &str) -> Vec<&'a Institution> {
    let query = Words::of(query);
    let banks: Vec<Bank<'_>> = institutions.iter().map(Bank::of).collect();
    let found = |inside: bool| {
        let ranked = banks.iter().filter_map(|bank| Some((bank.rank(&query, inside)?, bank)));
        let mut ranked: Vec<(Rank<'_>, &Bank<'a>)> = ranked.collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, bank)| bank.institution).collect::<Vec<_>>()
    };
    let strict = found(false);
    if strict.is_empty() { found(true) } else { strict }
}

/// A text as it is compared: words without case and accents, and the same without what divides them.
#[derive(Debug)]
struct Words {
    words: Vec<String>,
    joined: String,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut plain = String::with_capacity(text.len());
        let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
        for letter in letters.flat_map(char::to_lowercase) {
            match TYPED.iter().find(|(special, _)| *special == letter) {
                Some((_, typed)) => plain.push_str(typed),
                None if letter.is_alphanumeric() => plain.push(letter),
                // What lowering a letter leaves behind belongs to it; everything else divides words.
                None if is_combining_mark(letter) => {}
                None => plain.push(' '),
            }
        }
        for (two, one) in DIGRAPHS {
            plain = plain.replace(two, one);
        }
        let words: Vec<String> = plain.split_whitespace().map(ToOwned::to_owned).collect();
        let joined = words.concat();
        Self { words, joined }
    }
}

/// An institution as it is compared.
#[derive(Debug)]
struct Bank<'a> {
    institution: &'a Institution,
    name: Words,
    id: Words,
    bic: String,
}

/// What sorts first fits best.
type Rank<'b> = (bool, u32, bool, &'b [String], &'b str);

impl<'a> Bank<'a> {
    fn of(institution: &'a Institution) -> Self {
        Self {
            institution,
            name: Words::of(&institution.name),
            id: Words::of(&institution.id.0),
            bic: Words::of(&institution.bic).joined,
        }
    }

    /// `None` if a word is missing. `inside`: short words may be in the middle of longer ones.
    fn rank(&self, query: &Words, inside: bool) -> Option<Rank<'_>> {
        let grades = query.words.iter().map(|word| self.grade(word, inside));
        let grade = grades.sum::<Option<u32>>()?;
        let begins = self.name.joined.starts_with(&query.joined);
        let whole = begins && self.name.joined.len() == query.joined.len();
        Some((!whole, grade, !begins, &self.name.words, &self.institution.id.0))
    }

    /// How well one word fits: 0 is best.
    fn grade(&self, word: &str, inside: bool) -> Option<u32> {
        let among = |words: &[String], test: fn(&str, &str) -> bool| {
            words.iter().any(|own| test(own, word))
        };
        let begins = |own: &str, word: &str| own.starts_with(word);
        let length = word.chars().count();
        let long = inside || length > SHORT_CHARS_MAX;
        // With the letters of a branch a BIC is longer than the one that is listed.
        let bic = length >= BIC_CHARS_MIN
            && !self.bic.is_empty()
            && (self.bic.starts_with(word) || word.starts_with(&self.bic));
        if bic || among(&self.name.words, |own, word| own == word) {
            Some(0)
        } else if among(&self.name.words, begins) {
            Some(1)
        } else if among(&self.id.words, begins) {
            Some(2)
        } else if long && self.name.joined.contains(word) {
            Some(3)
        } else if long && self.id.joined.contains(word) {
            Some(4)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
