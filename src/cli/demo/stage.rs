//! What a story is told with: headings, commands that really run, days that pass, and the events that come of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::args::{self, Verb};
use super::super::client::{Patience, path};
use super::super::error::CliError;
use super::super::object::Object;
use super::super::output::Style;
use super::super::text::one_line;
use super::super::{self as cli, Ctx};
use super::not_as_told;
use super::witness::{Event, Witness};
use crate::daemon::clock::OsClock;
use crate::daemon::time_lapse::TimeLapse;
use crate::exit::Code;
use crate::model::port::Clock as _;
use crate::model::time::{DAY_MS, SECOND_MS, UtcInstant};
use crate::sandbox::SharedWorld;

/// While a person is at the bank, so much time passes …
const TICK_MS: i64 = SECOND_MS;
/// … in so much real time.
const TICK_REAL_MS: u64 = 25;

/// Longest line of a paragraph, in bytes (the story is ASCII).
const TEXT_COLUMNS: usize = 78;

/// The stage.
pub(super) struct Stage<'a> {
    /// The person's side: their screen and their way to the daemon.
    pub(super) ctx: Ctx<'a>,
    /// What the daemon tells.
    pub(super) witness: Witness,
    /// The bank.
    pub(super) bank: &'a SharedWorld,
    clock: &'a Arc<TimeLapse>,
    real: OsClock,
    acts: u32,
}

impl<'a> Stage<'a> {
    /// Sets the stage around a daemon that is up.
    pub(super) async fn set(
        ctx: Ctx<'a>,
        clock: &'a Arc<TimeLapse>,
        bank: &'a SharedWorld,
    ) -> Result<Self, CliError> {
        let witness = Witness::begin(&ctx.client).await?;
        Ok(Self { ctx, witness, bank, clock, real: OsClock::new(), acts: 0 })
    }

    /// Real milliseconds since the stage was set.
    pub(super) fn real_ms(&self) -> i64 {
        self.real.now().mono_ms
    }

    /// The time on stage.
    pub(super) fn now(&self) -> UtcInstant {
        self.clock.now().wall
    }

    /// The next act: its number and name, and what it is about.
    pub(super) fn act(&mut self, name: &str, about: &str) -> Result<(), CliError> {
        self.acts = self.acts.saturating_add(1);
        self.ctx.output.line("")?;
        self.ctx.output.spans(&[(Style::Bold, &format!("{}. {name}", self.acts))])?;
        self.say(about)
    }

    /// A paragraph of the story, in lines of readable length.
    pub(super) fn say(&mut self, text: &str) -> Result<(), CliError> {
        let mut line = String::new();
        for word in text.split(' ') {
            let length = line.len().saturating_add(1).saturating_add(word.len());
            if !line.is_empty() && length > TEXT_COLUMNS {
                self.ctx.output.line(&line)?;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.lines(&[&line])
    }

    /// Lines as they are.
    pub(super) fn lines(&mut self, lines: &[&str]) -> Result<(), CliError> {
        for line in lines {
            self.ctx.output.line(line)?;
        }
        self.ctx.output.flush()
    }

    /// Shows a command and runs it; it must end with this code.
    pub(super) async fn types(&mut self, command: &str, expected: Code) -> Result<(), CliError> {
        let shown = self.ctx.command(&format!("banksyncd {command}"));
        self.ctx.output.line("")?;
        self.ctx.output.spans(&[(Style::Dim, "$ "), (Style::Bold, &shown)])?;
        self.ctx.output.flush()?;
        let words = std::iter::once("banksyncd").chain(command.split_whitespace());
        let Ok(args::Args { verb: Verb::Client(verb), .. }) = args::parse(words.map(Into::into))
        else {
            return Err(not_as_told(&format!("`{command}` is understood")));
        };
        let ended = Box::pin(cli::run(&verb, &mut self.ctx)).await;
        if ended == expected {
            return Ok(());
        }
        let (was, should) = (ended.number(), expected.number());
        Err(not_as_told(&format!("`{command}` ends with {should} (it ended with {was})")))
    }

    /// The same for a command that waits for a person at the bank: seconds pass meanwhile.
    pub(super) async fn types_and_agrees(&mut self, command: &str) -> Result<(), CliError> {
        let clock = Arc::clone(self.clock);
        let typed = Box::pin(self.types(command, Code::Ok));
        passing(&clock, typed).await
    }

    /// Waits for events while seconds pass, as they do between an answer and the next step.
    pub(super) async fn comes(&mut self, mark: usize, codes: &[&str]) -> Result<(), CliError> {
        passing(self.clock, Box::pin(self.witness.until_codes(mark, codes))).await
    }

    /// Waits, while seconds pass, until a pull of these accounts was completed after the mark.
    pub(super) async fn is_pulled(
        &mut self,
        mark: usize,
        accounts: &BTreeSet<String>,
    ) -> Result<(), CliError> {
        let pulled = self.witness.until_pulled(mark, accounts);
        passing(self.clock, Box::pin(pulled)).await
    }

    /// Lets a day pass at once.
    pub(super) fn day(&self) {
        self.clock.advance_ms(DAY_MS);
    }

    /// Lets days pass one by one, each with the daily pull of these accounts.
    pub(super) async fn days(
        &mut self,
        days: u32,
        accounts: &BTreeSet<String>,
    ) -> Result<(), CliError> {
        for _day in 0..days {
            let mark = self.witness.mark();
            self.day();
            self.is_pulled(mark, accounts).await?;
        }
        Ok(())
    }

    /// The accounts as the daemon lists them.
    pub(super) async fn accounts(&self) -> Result<Vec<Object>, CliError> {
        self.ctx.list(&path(&["accounts"]), Patience::Short).await
    }

    /// The events after a mark that are more than routine, one a line.
    pub(super) fn tells(&mut self, mark: usize) -> Result<(), CliError> {
        self.ctx.output.line("")?;
        let events = self.witness.since(mark).iter();
        for event in events.filter(|event| event.object.text_or_empty("level") != "info") {
            tell(event, &mut self.ctx)?;
        }
        self.ctx.output.flush()
    }

    /// What the pulls after a mark brought: how many there were, and rows added.
    pub(super) fn harvest(&self, mark: usize) -> (usize, i64) {
        let fresh = self.witness.since(mark);
        let pulls = fresh.iter().filter(|event| event.code() == "sync_completed").count();
        let added = fresh.iter().filter(|event| event.code() == "transactions_added");
        let rows = added.filter_map(|event| event.object.object("details")?.number("count"));
        (pulls, rows.sum())
    }
}

/// An event on one line: when, how loud, which.
fn tell(event: &Event, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let at = event.object.instant("at").map(|at| ctx.zone.local(at)).unwrap_or_default();
    let level = one_line(event.object.text_or_empty("level"));
    let style = match level.as_str() {
        "error" => Style::Red,
        "warning" => Style::Yellow,
        _ => Style::Green,
    };
    ctx.output.spans(&[
        (Style::Dim, &format!("  {at}  ")),
        (style, &format!("{level:<7}")),
        (Style::Plain, "  "),
        (Style::Bold, &one_line(event.code())),
    ])
}

/// Runs `work` while the seconds of the stage pass quickly.
async fn passing<T>(clock: &TimeLapse, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_millis(TICK_REAL_MS)) => {
                clock.advance_ms(TICK_MS);
            }
        }
    }
}
