//! The one printer of error chains: each error says one thing, and this joins them.

use std::error::Error;
use std::fmt;

/// No chain of ours is longer; the limit ends a chain that runs in circles.
const LINKS_MAX: usize = 16;

/// An error and its sources, joined by `: `.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let sources = std::iter::successors(self.0.source(), |error| (*error).source());
        for source in sources.take(LINKS_MAX) {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open `x`")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn sources_follow_their_errors() {
        let error = Outer(std::io::Error::other("no luck"));
        assert_eq!(Chain(&error).to_string(), "cannot open `x`: no luck");
    }
}
