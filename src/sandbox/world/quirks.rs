//! The oddities of banks, as data: one word for each, so that an institution is a list of words and
//! the row writer has one place for each.
//!
//! Every one was seen in live data by open-source clients of the API (adapters and issue threads of
//! actualbudget/actual, firefly-iii, ynabber and opencollective-api, read 2026-11). The
//! institutions here are invented all the same.

/// A deviation from the tidy row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// Rows have no `transactionId` (Italian and French banks).
    NoTransactionId,
    /// `transactionId` is a single blank on card rows (Dutch regional banks).
    BlankIds,
    /// `transactionId` repeats for different payments, from a handful of values (a British
    /// cooperative bank).
    ReusedIds,
    /// `transactionId` is `NOTPROVIDED` on card rows, pending ones too (Romania).
    NotProvidedIds,
    /// `transactionId` has 140 characters and more (Norway).
    LongIds,
    /// `internalTransactionId` of all rows changes at incidents, 100 and 400 days after the world
    /// began.
    InternalIdsChange,
    /// No `internalTransactionId` at all.
    NoInternalId,
    /// The text is only in `remittanceInformationUnstructuredArray`.
    TextOnlyInArray,
    /// The text is only in `remittanceInformationStructured`.
    TextInStructured,
    /// The text is only in `additionalInformation`.
    TextInAdditional,
    /// Names are padded with blanks; debits name the holder as debtor and nobody as creditor.
    PaddedNames,
    /// Pending debits are positive (Greece).
    PositivePendingDebits,
    /// Amounts never have a sign; only the party field tells the direction.
    UnsignedAmounts,
    /// Purchases are positive, refunds negative (a Nordic card issuer).
    InvertedSign,
    /// Credits carry a plus sign (`"+0.04"`, Portugal).
    PlusSign,
    /// Four decimals (`"-10.5000"`).
    FourDecimals,
    /// `bookingDate` carries a time (`2024-01-01T00:00:00Z`).
    BookingDateWithTime,
    /// `bookingDateTime` and `valueDateTime` besides, without zone and with seven fractional
    /// digits.
    DateTimes,
    /// `currencyExchange` is an object with `instructedAmount`.
    ExchangeObject,
    /// `currencyExchange` is an array, as the schema says.
    ExchangeArray,
    /// Pending rows have no dates at all.
    PendingWithoutDates,
    /// A pending row comes back booked under another `transactionId` (Denmark).
    PendingOtherId,
    /// A pending row shares the id of its booked row but holds a placeholder for text and party.
    PendingPlaceholder,
    /// Answers lack the `pending` key.
    NoPendingKey,
    /// `valueDate` is the due date, weeks ahead.
    FutureValueDates,
    /// `valueDate` lies in the year 5207 on fees.
    Year5207,
    /// Cashback rows have currency `XXX`.
    CurrencyXxx,
    /// The account's `iban` is a masked card number.
    MaskedPanAsIban,
    /// Several accounts of different currencies have one IBAN.
    SharedIban,
    /// The oldest row comes first.
    OldestFirst,
    /// The balances answer is an empty list.
    EmptyBalances,
    /// The same balance type comes twice with different dates.
    RepeatedBalanceTypes,
    /// `interimAvailable` is unused credit, not money.
    CreditAsAvailable,
    /// Only the balance type `information`.
    InformationOnly,
    /// Accounts keep their provider id over a new link.
    StableAccountIds,
}
