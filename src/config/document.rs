//! Walking the spanned document: sections, items and lists with their places, and the report that collects what is wrong.
//!
//! A reader never stops the walk: it notes the problem and gives `None`, so that one run shows all problems at once. Types
//! of values are named in messages, the values themselves are not.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, position};
use super::suggest;

/// A key of a document: its path and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: String,
    offset: usize,
}

/// What is wrong with a value, before its place is added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The value has another type than it should.
    pub(super) fn of_type(expected: &str, value: &DeValue<'_>) -> Self {
        Self::new(format!("must be {expected}, not {}", type_of(value)))
    }
}

/// Collects problems and warnings of one text.
#[derive(Debug)]
pub(super) struct Report<'t> {
    file: &'t str,
    text: &'t str,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn problem(&mut self, place: &Place, wrong: Wrong) {
        let problem = self.located(place, wrong);
        self.problems.push(problem);
    }

    pub(super) fn warning(&mut self, place: &Place, wrong: Wrong) {
        let warning = self.located(place, wrong);
        self.warnings.push(warning);
    }

    /// Problems and warnings, each in the order of the text.
    pub(super) fn into_parts(mut self) -> (Vec<Problem>, Vec<Problem>) {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.warnings.sort_by_key(|warning| (warning.line, warning.column));
        (self.problems, self.warnings)
    }

    fn located(&self, place: &Place, wrong: Wrong) -> Problem {
        let (line, column) = position(self.text, place.offset);
        Problem {
            file: self.file.to_owned(),
            line,
            column,
            key: place.path.clone(),
            message: wrong.message,
            hint: wrong.hint,
        }
    }
}

/// A table, or the lack of one: then every item of it is absent.
#[derive(Clone, Debug)]
pub(super) struct Section<'a, 'i> {
    pub(super) place: Place,
    table: Option<&'a DeTable<'i>>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// The document itself.
    pub(super) fn root(table: &'a DeTable<'i>) -> Self {
        Self { place: Place { path: String::new(), offset: 0 }, table: Some(table) }
    }

    /// The item of this key, present or not.
    pub(super) fn item(&self, key: &str) -> Item<'a, 'i> {
        let path = self.path_of(key);
        match self.table.and_then(|table| table.get_key_value(key)) {
            Some((name, value)) => Item {
                place: Place { path, offset: name.span().start },
                value: Some(value.get_ref()),
            },
            None => Item { place: Place { path, offset: self.place.offset }, value: None },
        }
    }

    /// Notes every key that is not in `known`; `elsewhere` finds the section that knows it.
    pub(super) fn only(
        &self,
        known: &[&str],
        elsewhere: impl Fn(&str) -> Option<&'static str>,
        report: &mut Report<'_>,
    ) {
        for (name, _) in self.table.into_iter().flatten() {
            let key: &str = name.get_ref();
            if known.contains(&key) {
                continue;
            }
            let place = Place { path: self.path_of(&shown_key(key)), offset: name.span().start };
            let mut wrong = Wrong::new("unknown key");
            wrong.hint = match (suggest::nearest(key, known.iter().copied()), elsewhere(key)) {
                (Some(near), _) => Some(format!("did you mean `{near}`?")),
                (None, Some(section)) => Some(format!("it belongs under `[{section}]`")),
                (None, None) => Some(format!("known here: {}", known.join(", "))),
            };
            report.problem(&place, wrong);
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.place.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place.path)
        }
    }
}

/// A key with its value, or without.
#[derive(Clone, Debug)]
pub(super) struct Item<'a, 'i> {
    pub(super) place: Place,
    value: Option<&'a DeValue<'i>>,
}

impl<'a, 'i> Item<'a, 'i> {
    /// Its key path.
    pub(super) fn path(&self) -> &str {
        &self.place.path
    }

    /// The value, whatever it is.
    pub(super) fn value(&self) -> Option<&'a DeValue<'i>> {
        self.value
    }

    /// `default` if absent, `None` (and a problem) if bad.
    pub(super) fn read<T>(
        &self,
        default: T,
        reader: impl FnOnce(&'a DeValue<'i>) -> Result<T, Wrong>,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let Some(value) = self.value else { return Some(default) };
        match reader(value) {
            Ok(read) => Some(read),
            Err(wrong) => {
                report.problem(&self.place, wrong);
                None
            }
        }
    }

    /// The table behind this key; an absent one is an empty one.
    pub(super) fn section(&self, report: &mut Report<'_>) -> Section<'a, 'i> {
        let table = match self.value {
            Some(DeValue::Table(table)) => Some(table),
            Some(other) => {
                let hint = format!("write it as `[{}]`", self.place.path);
                report.problem(&self.place, Wrong::of_type("a table", other).hint(hint));
                None
            }
            None => None,
        };
        Section { place: self.place.clone(), table }
    }

    /// The elements of the array behind this key, `None` if it is absent or no array.
    pub(super) fn elements(
        &self,
        expected: &str,
        report: &mut Report<'_>,
    ) -> Option<Vec<Item<'a, 'i>>> {
        match self.value {
            Some(DeValue::Array(array)) => {
                let element = |(index, value): (usize, &'a Spanned<DeValue<'i>>)| Item {
                    place: Place {
                        path: format!("{}[{index}]", self.place.path),
                        offset: value.span().start,
                    },
                    value: Some(value.get_ref()),
                };
                Some(array.iter().enumerate().map(element).collect())
            }
            Some(other) => {
                report.problem(&self.place, Wrong::of_type(expected, other));
                None
            }
            None => None,
        }
    }
}

/// A key as messages may show it: one that looks like a misplaced secret is not repeated.
fn shown_key(key: &str) -> String {
    const KEY_MAX: usize = 32;
    let wordlike =
        key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    let digits = key.chars().filter(char::is_ascii_digit).count();
    if wordlike && key.len() <= KEY_MAX && digits < 6 { key.to_owned() } else { "…".to_owned() }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
