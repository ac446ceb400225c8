//! Live state on stderr: a spinner or a bar on a terminal, else a line whenever it changes.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;

/// What takes no longer is not worth a spinner.
const UNNOTICED: Duration = Duration::from_secs(1);
/// Between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(120);

/// What goes on, as a person sees it.
#[derive(Debug)]
pub struct Progress {
    /// Somebody watches.
    live: bool,
    /// What is on the screen now; one that was taken away shows nothing ever again.
    spinner: Option<ProgressBar>,
    shown: String,
}

impl Progress {
    /// Begins; shows nothing yet.
    pub fn new(output: &Output) -> Self {
        Self::watched(output.is_watched())
    }

    fn watched(live: bool) -> Self {
        Self { live, spinner: None, shown: String::new() }
    }

    /// Draws `text`, which must be clean; only where a person watches.
    fn draw(&mut self, template: &str, text: &str) -> Option<&ProgressBar> {
        if !self.live {
            return None;
        }
        let spinner = self.spinner.get_or_insert_with(ProgressBar::new_spinner);
        // Our templates are good; if one were not, the bar would look otherwise.
        if let Ok(style) = ProgressStyle::with_template(template) {
            spinner.set_style(style.progress_chars("█▌░"));
        }
        spinner.set_message(text.to_owned());
        spinner.enable_steady_tick(TICK);
        Some(spinner)
    }

    /// Shows `text`, which must be clean.
    pub fn show(&mut self, text: &str, output: &mut Output) {
        if self.draw("{spinner} {msg}", text).is_none() && self.shown != text {
            output.note(text);
        }
        text.clone_into(&mut self.shown);
    }

    /// Shows how much of a whole is done, as a bar beside `text`, which must be clean; only where a person watches.
    pub fn part(&mut self, done: usize, whole: usize, text: &str) {
        let length = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        if let Some(bar) = self.draw("{spinner} {bar:20.green} {pos} of {len} {msg}", text) {
            bar.set_length(length(whole));
            bar.set_position(length(done));
        }
    }

    /// Shows that something goes on whose length nobody knows; only where a person watches.
    pub fn spin(&mut self, text: &str) {
        self.draw("{spinner} {msg} ({elapsed})", text);
    }

    /// Waits for `work`; if it is `watched`, a person who waits for longer than a second sees that it goes on.
    pub async fn during<T>(text: &str, watched: bool, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if !watched {
            return work.await;
        }
        let mut progress = Self::watched(watched);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(UNNOTICED) => {}
        }
        progress.spin(text);
        let done = work.await;
        progress.clear();
        done
    }

    /// Takes the live line away, so that other lines can be written.
    pub fn clear(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}
