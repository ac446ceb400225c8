//! Figures beside their targets.

/// What a number means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Microseconds, shown as seconds.
    Seconds,
    /// Microseconds, shown as milliseconds.
    Milliseconds,
    /// Bytes, shown as MB (10⁶).
    Megabytes,
    /// Thousandths, shown as a factor.
    Times,
}

impl Unit {
    fn show(self, number: u64) -> String {
        let parts = |number: u64, whole: u64, step: u64| {
            (number.div_euclid(whole), number.rem_euclid(whole).div_euclid(step))
        };
        match self {
            Self::Seconds => {
                let (whole, rest) = parts(number, 1_000_000, 1_000);
                format!("{whole}.{rest:03} s")
            }
            Self::Milliseconds => {
                let (whole, rest) = parts(number, 1_000, 100);
                format!("{whole}.{rest} ms")
            }
            Self::Megabytes => {
                let (whole, rest) = parts(number, 1_000_000, 100_000);
                format!("{whole}.{rest} MB")
            }
            Self::Times => {
                let (whole, rest) = parts(number, 1_000, 10);
                format!("{whole}.{rest:02} ×")
            }
        }
    }
}

/// Figures in the order of their first values.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    unit: Unit,
    target: Option<u64>,
    values: Vec<u64>,
}

impl Table {
    /// Adds a value of a figure; `target` is the most that is allowed.
    pub(crate) fn add(&mut self, name: &str, unit: Unit, target: Option<u64>, value: u64) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == name) {
            row.values.push(value);
        } else {
            self.rows.push(Row { name: name.to_owned(), unit, target, values: vec![value] });
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "| figure (median) | measured | lowest … highest | at most | |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for row in &self.rows {
            let mut values = row.values.clone();
            values.sort_unstable();
            let at = |place: usize| values.get(place).copied().unwrap_or_default();
            let median = at(values.len().div_euclid(2));
            let (target, met) = match row.target {
                Some(target) => {
                    (row.unit.show(target), if median <= target { "met" } else { "NOT MET" })
                }
                None => (String::new(), ""),
            };
            let show = |value| row.unit.show(value);
            let (low, high) = (show(at(0)), show(at(values.len().saturating_sub(1))));
            let measured = show(median);
            writeln!(f, "| {} | {measured} | {low} … {high} | {target} | {met} |", row.name)?;
        }
        Ok(())
    }
}

/// `part` in thousandths of `whole`.
pub(crate) fn thousandths(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1_000).checked_div(whole).unwrap_or_default()
}
