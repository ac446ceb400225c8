//! Tables without lines: columns two blanks apart, a heading, as wide as the terminal at most.
//!
//! Cells are cleaned before they are measured. Where output is not a terminal, nothing is cut or wrapped.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Width};

use super::error::CliError;
use super::output::{Output, Style};
use super::text::clean;

/// A column: its heading, its side, and how it takes part in the width.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    heading: &'static str,
    right: bool,
    width: Wide,
}

/// How wide a column is.
#[derive(Clone, Copy, Debug)]
enum Wide {
    /// As its cells and the terminal have it.
    Free,
    /// Not less than this.
    AtLeast(u16),
    /// Just this, where the width of the output is limited.
    Exactly(u16),
    /// As wide as its widest cell, whatever happens to the others.
    Whole,
}

impl Column {
    /// Text.
    pub const fn left(heading: &'static str) -> Self {
        Self { heading, right: false, width: Wide::Free }
    }

    /// Numbers.
    pub const fn right(heading: &'static str) -> Self {
        Self { heading, right: true, width: Wide::Free }
    }

    /// Never wrapped: for ids, which are copied.
    #[must_use]
    pub const fn whole(mut self) -> Self {
        self.width = Wide::Whole;
        self
    }

    /// At least this wide, so that one block of rows lines up with the next (see [`Table::pour`]).
    #[must_use]
    pub const fn at_least(mut self, columns: u16) -> Self {
        self.width = Wide::AtLeast(columns);
        self
    }

    /// Just this wide, where the width of the output is limited: for long names beside what matters more.
    #[must_use]
    pub const fn exactly(mut self, columns: u16) -> Self {
        self.width = Wide::Exactly(columns);
        self
    }
}

/// A table on its way to the output.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    row_height_max: Option<usize>,
    heading_due: bool,
}

/// Rows that are laid out together.
const BLOCK_ROWS: usize = 500;
/// Blanks between columns.
const GAP: u16 = 2;

impl Table {
    /// An empty table.
    pub fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            row_height_max: None,
            heading_due: true,
        }
    }

    /// One line a row: what does not fit is cut, with `…` to tell.
    #[must_use]
    pub fn one_line_rows(mut self) -> Self {
        self.row_height_max = Some(1);
        self
    }

    /// Adds a row. A newline in a cell begins another line in it; bank data passes
    /// [`one_line`](super::text::one_line) first where it must not.
    pub fn row(&mut self, cells: &[String]) {
        let mut row = Row::new();
        for cell in cells {
            let lines: Vec<_> = cell.split('\n').map(clean).collect();
            row.add_cell(comfy_table::Cell::new(lines.join("\n")));
        }
        if let Some(lines) = self.row_height_max {
            row.max_height(lines);
        }
        self.rows.push(row);
    }

    /// Adds a row of a listing without end, and writes what waits as soon as it is a block.
    pub fn pour(&mut self, cells: &[String], output: &mut Output) -> Result<(), CliError> {
        self.row(cells);
        if self.rows.len() >= BLOCK_ROWS { self.flush_rows(output) } else { Ok(()) }
    }

    /// Writes the rows that wait, the heading before the first of them.
    fn flush_rows(&mut self, output: &mut Output) -> Result<(), CliError> {
        if self.rows.is_empty() && !self.heading_due {
            return Ok(());
        }
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING).set_truncation_indicator("…");
        match output.terminal.width {
            Some(width) => {
                table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic)
            }
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if self.row_height_max.is_some() {
            // One line is cut where it is full, not before a word that does not fit.
            table.set_delimiter('\u{0}');
        }
        let heading = std::mem::take(&mut self.heading_due);
        if heading {
            table.set_header(self.columns.iter().map(|column| column.heading));
        }
        table.add_rows(self.rows.drain(..));
        let last = self.columns.len().saturating_sub(1);
        for (place, column) in self.columns.iter().enumerate() {
            let Some(shown) = table.column_mut(place) else { continue };
            let gap = if place == last { 0 } else { GAP };
            shown.set_padding((0, gap));
            if column.right {
                shown.set_cell_alignment(CellAlignment::Right);
            }
            let fixed = |columns: u16| Width::Fixed(columns.saturating_add(gap));
            match column.width {
                Wide::AtLeast(columns) => {
                    shown.set_constraint(ColumnConstraint::LowerBoundary(fixed(columns)));
                }
                Wide::Exactly(columns) if output.terminal.width.is_some() => {
                    shown.set_constraint(ColumnConstraint::Absolute(fixed(columns)));
                }
                Wide::Whole => {
                    shown.set_constraint(ColumnConstraint::ContentWidth);
                }
                Wide::Exactly(_) | Wide::Free => {}
            }
        }
        for (place, line) in table.lines().enumerate() {
            let style = if heading && place == 0 { Style::Bold } else { Style::Plain };
            output.spans(&[(style, line.trim_end())])?;
        }
        Ok(())
    }

    /// Writes the whole table.
    pub fn print(mut self, output: &mut Output) -> Result<(), CliError> {
        self.flush_rows(output)
    }
}
