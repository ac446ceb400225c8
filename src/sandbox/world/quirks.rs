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
    /// `transactionId` is the same word on all rows.
    ConstantIds,
    /// Both ids are new in every answer (the provider's own test bank).
    IdsPerRetrieval,
    /// A booked row has an id of 14 characters for its first days, then its real one.
    TemporaryIds,
    /// `internalTransactionId` of a transfer is the same in both of the accounts that it concerns.
    SharedInternalIds,
    /// `transactionId` of pending rows is `00DEBIT` and a number; that of booked rows has 40
    /// characters.
    MalformedPendingIds,
    /// A pending row stays up to two days beside its booked row.
    PendingLeftover,
    /// Every third card payment is booked with a tip that its pending row lacks.
    PendingOtherAmount,
    /// Pending rows have a booking date and no value date.
    PendingWithoutValueDate,
    /// Answers have the `pending` key only when there is a pending row.
    PendingKeyOnlyWhenAny,
    /// The text of a card row is completed days after its booking.
    TextEdits,
    /// A booking in forty is taken back days later.
    Retracts,
    /// A booked row in a hundred lacks from an answer and is back in the next one.
    Flickers,
    /// Debits name the holder as debtor and nobody as creditor.
    HolderAsDebtor,
    /// The other party stands nowhere but in the text array.
    PartyOnlyInArray,
    /// `additionalInformation` is written like a dictionary of a programming language.
    PseudoDictionary,
    /// The text array has a grammar of its own: kind, date and name, card.
    TextGrammar,
    /// The text is cut at 140 characters, inside words, and goes on in the array.
    CutText,
    /// The array's items begin with `CustRef:`, `BankRef:` and `AddInfo:`.
    TaggedTexts,
    /// Letters outside ASCII are written as `\\Uxxxxxxxx` inside the text.
    EscapedText,
    /// Every text begins with the same empty labels.
    PrefixedText,
    /// Party and date are lines of the text.
    TextLines,
    /// Both dates are the booking's; the date of the purchase is in the text.
    PurchaseDateInText,
    /// Card payments abroad have the foreign amount and currency in `transactionAmount`.
    ForeignAmount,
    /// `bookingDate` is when the bank got round to it, two days late; `valueDate` is the better one.
    LateBookingDate,
    /// Rows have `bookingDateTime` and `valueDateTime` and no dates.
    DateTimesOnly,
    /// Fees have no date at all.
    UndatedFees,
    /// The account's `iban` lacks country and check digits.
    BareIban,
    /// The account's `iban` has blanks, and the country in small letters.
    SpacedIban,
    /// The second account was closed long ago: `AccountInactiveError` for ever.
    ClosedAccount,
    /// The second account answers `AccessExpiredError` right after linking.
    ExpiresAtOnce,
    /// Balances are those of six hours ago.
    LaggingBalances,
    /// The only balance is `closingBooked` of the day before.
    ClosingBookedOnly,
    /// Rows come in another order every time.
    Shuffled,
    /// Sixty days are all that is ever shown, however many are asked for.
    ShortWindow,
}
