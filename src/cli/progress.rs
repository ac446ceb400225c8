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
    spinner: Option<ProgressBar>,
    shown: String,
}

impl Progress {
    /// Begins; shows nothing yet.
    pub fn new(output: &Output) -> Self {
        let live = output.terminal.error && !output.quiet;
        let spinner = live.then(|| {
            let spinner = ProgressBar::new_spinner();
            styled(&spinner, "{spinner} {msg}");
            spinner
        });
        Self { spinner, shown: String::new() }
    }

    /// Shows `text`, which must be clean.
    pub fn show(&mut self, text: &str, output: &mut Output) {
        match &self.spinner {
            Some(spinner) => {
                spinner.set_message(text.to_owned());
                spinner.enable_steady_tick(TICK);
            }
            None if self.shown != text => output.note(text),
            None => {}
        }
        text.clone_into(&mut self.shown);
    }

    /// Shows how much of a whole is done, as a bar beside `text`, which must be clean; only where a person watches.
    pub fn part(&mut self, done: usize, whole: usize, text: &str) {
        let length = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        if let Some(spinner) = &self.spinner {
            styled(spinner, "{spinner} {bar:20.green} {pos} of {len} {msg}");
            spinner.set_length(length(whole));
            spinner.set_position(length(done));
            spinner.set_message(text.to_owned());
            spinner.enable_steady_tick(TICK);
        }
    }

    /// Waits for `work`; a person who waits for longer than a second sees that it goes on.
    pub async fn during<T>(text: &str, output: &Output, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if !output.terminal.error || output.quiet {
            return work.await;
        }
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(UNNOTICED) => {}
        }
        let mut progress = Self::new(output);
        if let Some(spinner) = &mut progress.spinner {
            styled(spinner, "{spinner} {msg} ({elapsed})");
            spinner.set_message(text.to_owned());
            spinner.enable_steady_tick(TICK);
        }
        let done = work.await;
        progress.clear();
        done
    }

    /// Takes the live line away, so that other lines can be written.
    pub fn clear(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// Our templates are good; if one were not, the bar would look otherwise.
fn styled(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▌░"));
    }
}
