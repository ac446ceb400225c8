//! Balances as banks report them: several at once, of types that only the bank can explain. None is chosen silently.

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::time::BankDate;

/// One balance of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// As given (`interimBooked`, `InterimBooked`, …); compared without case where it must be compared.
    pub balance_type: String,
    /// `None` where the amount was not understood; the raw text is kept beside it.
    pub money: Option<Money>,
    /// The civil date it refers to.
    pub reference_date: Option<BankDate>,
    /// The item as received.
    pub raw: String,
}
