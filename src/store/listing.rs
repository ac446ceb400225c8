//! Listings that are pulled: each chunk is one short read on a reader thread.
//!
//! No transaction stays open between chunks, so that a slow or forgotten client neither holds a thread nor keeps the
//! write-ahead log from being copied back. The price: a change that is committed between two chunks shows in the later
//! ones. Rows keep their place in the order, so that none is listed twice unless the bank changes its date meanwhile.

use std::marker::PhantomData;
use std::sync::Arc;

use super::error::Error;
use super::worker::{Reader, Workers};

/// Where a listing stands.
pub(super) trait Cursor<T>: Send {
    /// The next rows, at least one; `None` at the end.
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<T>>, Error>;

    /// Whether it is known that nothing is left, so that nobody has to look.
    fn is_over(&self) -> bool;
}

/// After a listing of more rows than this the reader gives memory back: what was prepared for a short one is of use to the
/// next.
const SHORT_LEN: usize = 1_000;

/// A listing under way.
pub struct Listing<T> {
    workers: Arc<Workers>,
    /// Travels to the reader thread and back; gone when a call was abandoned or failed.
    cursor: Option<Box<dyn Cursor<T>>>,
}

impl<T: Send + 'static> Listing<T> {
    pub(super) fn new(workers: &Arc<Workers>, cursor: impl Cursor<T> + 'static) -> Self {
        let cursor = Counted { cursor, len: 0, given: PhantomData };
        Self { workers: Arc::clone(workers), cursor: Some(Box::new(cursor)) }
    }

    /// The next rows, a few hundred at most and at least one; `None` at the end.
    ///
    /// # Errors
    /// After an error, and after a call that was dropped before it ended, the listing cannot go on: [`Error::Refused`].
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let mut cursor = self.cursor.take().ok_or(Error::Refused("the listing was interrupted"))?;
        if cursor.is_over() {
            self.cursor = Some(cursor);
            return Ok(None);
        }
        let (cursor, rows) = self
            .workers
            .read(move |reader| {
                let rows = cursor.next(reader)?;
                Ok((cursor, rows))
            })
            .await?;
        self.cursor = Some(cursor);
        Ok(rows)
    }

    /// The same listing with each chunk turned into something else, on the thread that has just read it: the rows need not
    /// leave it.
    pub fn turned<U: Send + 'static>(
        self,
        turn: impl FnMut(Vec<T>) -> U + Send + 'static,
    ) -> Listing<U> {
        let turned = |cursor| -> Box<dyn Cursor<U>> { Box::new(Turned { cursor, turn }) };
        Listing { workers: self.workers, cursor: self.cursor.map(turned) }
    }

    /// All that is left: for short listings.
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }
}

/// A listing that has the reader rest at its end if it was long.
struct Counted<T, C> {
    cursor: C,
    /// Rows that were given out.
    len: usize,
    given: PhantomData<fn() -> T>,
}

impl<T, C: Cursor<T>> Cursor<T> for Counted<T, C> {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<T>>, Error> {
        let rows = self.cursor.next(reader)?;
        self.len = self.len.saturating_add(rows.as_ref().map_or(0, Vec::len));
        if rows.is_none() && self.len > SHORT_LEN {
            reader.rest()?;
        }
        Ok(rows)
    }

    fn is_over(&self) -> bool {
        self.len <= SHORT_LEN && self.cursor.is_over()
    }
}

/// A listing whose chunks become something else.
struct Turned<T, F> {
    cursor: Box<dyn Cursor<T>>,
    turn: F,
}

impl<T, U, F: FnMut(Vec<T>) -> U + Send> Cursor<U> for Turned<T, F> {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<U>>, Error> {
        Ok(self.cursor.next(reader)?.map(|rows| vec![(self.turn)(rows)]))
    }

    fn is_over(&self) -> bool {
        self.cursor.is_over()
    }
}

impl<T> std::fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listing")
    }
}
