//! The layer between tracing and where lines go: collects the fields of an event and of the spans around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Fields, Severity};
use super::journal::Journal;
use super::text::Stream;

/// One line of the log, before it has a form.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) severity: Severity,
    pub(super) target: &'static str,
    /// File and line of the code.
    pub(super) origin: (Option<&'static str>, Option<u32>),
    pub(super) fields: Fields,
}

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    /// To the journal; what it does not take goes to stderr.
    Journal(Journal, Stream),
    /// To stderr.
    Stream(Stream),
}

/// Writes every event that the filter lets through.
#[derive(Debug)]
pub(super) struct LogLayer {
    sink: Sink,
    undelivered: Arc<AtomicU64>,
}

impl LogLayer {
    /// `undelivered` counts the lines that the journal did not take.
    pub(super) fn new(sink: Sink, undelivered: Arc<AtomicU64>) -> Self {
        Self { sink, undelivered }
    }

    fn write(&self, line: &Line) {
        match &self.sink {
            Sink::Journal(journal, stream) => {
                if !journal.send(line) {
                    self.undelivered.fetch_add(1, Ordering::Relaxed);
                    stream.write(line);
                }
            }
            Sink::Stream(stream) => stream.write(line),
        }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.enclosed_by(outer);
            }
        }
        let metadata = event.metadata();
        self.write(&Line {
            severity: Severity::of(*metadata.level(), &fields),
            target: metadata.target(),
            origin: (metadata.file(), metadata.line()),
            fields,
        });
    }
}
