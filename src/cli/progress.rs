//! Live state on stderr: a spinner on a terminal, else a line whenever it changes.

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;

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
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                spinner.set_style(style);
            }
            spinner
        });
        Self { spinner, shown: String::new() }
    }

    /// Shows `text`, which must be clean.
    pub fn show(&mut self, text: &str, output: &mut Output) {
        match &self.spinner {
            Some(spinner) => {
                spinner.set_message(text.to_owned());
                spinner.tick();
            }
            None if self.shown != text => output.note(text),
            None => {}
        }
        text.clone_into(&mut self.shown);
    }

    /// Takes the live line away, so that other lines can be written.
    pub fn clear(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
