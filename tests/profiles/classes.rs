//! The oddities that clients of the API have met, and the bank of the sandbox that has each: what the months here are spent
//! with. The first column names real banks, as the clients did (see `sandbox::world::profiles`).

use banksyncd::sandbox::{Quirk, World};

use Quirk as Q;

/// Where it was met, what it is, the bank of the sandbox, and its words for it.
const CLASSES: [(&str, &str, &str, &[Quirk]); 48] = [
    (
        "ABN AMRO",
        "text only in the array, times without zone, debits name the debtor",
        "AMSTEL_AMSTNL2A",
        &[Q::TextOnlyInArray, Q::DateTimes, Q::HolderAsDebtor],
    ),
    (
        "Abanca, Belfius, Sabadell",
        "ids repeat for different payments",
        "CASTELLANA_CSTLESMM",
        &[Q::ReusedIds],
    ),
    ("Alior", "debits name only the holder", "KUJAWY_KUJAPLPX", &[Q::HolderAsDebtor]),
    (
        "American Express",
        "a masked number for an IBAN, one type of balance",
        "CENTURIO_CNTODEFF",
        &[Q::MaskedPanAsIban, Q::InformationOnly],
    ),
    (
        "Sabadell, Revolut",
        "the party stands in the array only",
        "ARAGONA_ARAGESBB",
        &[Q::PartyOnlyInArray],
    ),
    (
        "BNP, Fintro",
        "a pseudo dictionary, pending without value date",
        "LEIE_LEIEBEBB",
        &[Q::PseudoDictionary, Q::PendingWithoutValueDate],
    ),
    (
        "BPER, Fortuneo, Caisse d'Epargne, Bourso",
        "no ids, a grammar in the array",
        "PADANA_PADAITMM",
        &[Q::NoTransactionId, Q::TextGrammar],
    ),
    ("Cetelem", "temporary ids", "TOLOSA_TLOSFRPP", &[Q::TemporaryIds]),
    ("Commerzbank", "text cut at 140 characters", "HANSA_HNSADEHH", &[Q::CutText]),
    (
        "Co-operative Bank",
        "ids reused, labelled texts",
        "PENNINE_PNNIGB22",
        &[Q::ReusedIds, Q::TaggedTexts],
    ),
    (
        "Danske, Handelsbanken, Norwegian",
        "the value date is the due date",
        "FJORDKASSEN_FJRDDKKK",
        &[Q::FutureValueDates],
    ),
    ("Entercard", "the foreign amount as the amount", "VASTER_VSTESESS", &[Q::ForeignAmount]),
    ("Fidor", "IBAN without country", "RHEINUFER_RHNUDEDD", &[Q::BareIban]),
    ("banks of Portugal", "IBAN with blanks", "TEJO_TEJOPTPL", &[Q::SpacedIban]),
    ("Hype", "escapes inside the text", "LIGURIA_LGRAITGG", &[Q::EscapedText]),
    (
        "HSBC, Lloyds cards",
        "available is free credit",
        "ALBIONCARDS_ALBNGB21",
        &[Q::CreditAsAvailable],
    ),
    (
        "ING Romania",
        "NOTPROVIDED on card rows, pending too",
        "TIMISANA_TMSAROBU",
        &[Q::NotProvidedIds],
    ),
    (
        "ING Germany",
        "padded names, a fixed prefix",
        "MAINTAL_MNTLDEFF",
        &[Q::PaddedNames, Q::PrefixedText],
    ),
    ("isybank", "the value date is the better one", "LARIO_LARIITMM", &[Q::LateBookingDate]),
    ("Keytrade", "a closed account is inactive for ever", "SCHELDE_SCHEBEBB", &[Q::ClosedAccount]),
    ("Mediobanca", "access is over right after linking", "ADDA_ADDAITMM", &[Q::ExpiresAtOnce]),
    (
        "Millennium BCP",
        "a plus sign, the year 5207",
        "LUSITANO_LUSIPTPL",
        &[Q::PlusSign, Q::Year5207],
    ),
    ("Monzo", "one internal id in two accounts", "LEAHOUSE_LEAHGB2L", &[Q::SharedInternalIds]),
    ("Nationwide", "malformed ids of pending rows", "WILTON_WLTNGB21", &[Q::MalformedPendingIds]),
    (
        "National Bank of Greece",
        "pending debits are positive",
        "AEGEA_AEGEGRAA",
        &[Q::PositivePendingDebits],
    ),
    (
        "Nordea Denmark",
        "a pending row comes back under another id",
        "FJORDKASSEN_FJRDDKKK",
        &[Q::PendingOtherId],
    ),
    (
        "Norwegian",
        "pending without dates, available is the limit",
        "RESERVA_RSVANOKK",
        &[Q::PendingWithoutDates, Q::CreditAsAvailable],
    ),
    ("N26", "an account for each space", "SPACES_SPCSDEB2", &[]),
    ("SEB Kort", "signs inverted", "ALBIONCARDS_ALBNGB21", &[Q::InvertedSign]),
    ("Triodos", "amounts without sign", "WISLANA_WISAPLPW", &[Q::UnsignedAmounts]),
    (
        "SpareBank 1",
        "long ids, internal ids change",
        "NORDVEST_NRDVNOKK",
        &[Q::LongIds, Q::InternalIdsChange],
    ),
    (
        "Spar Nord, BEC",
        "text in the additional information only",
        "BOUCLE_BOUCFRPP",
        &[Q::TextInAdditional],
    ),
    (
        "Swedbank, LHV",
        "the date of the purchase in the text only",
        "DAUGAVA_DGVALV22",
        &[Q::PurchaseDateInText],
    ),
    ("SNS, RegioBank", "ids of one blank", "POLDER_POLDNL2U", &[Q::BlankIds]),
    (
        "S-Pankki, OP, Nordea Finland",
        "party and date in lines of the text",
        "SAIMAA_SAIMFIHH",
        &[Q::TextLines],
    ),
    (
        "Stadtsparkasse Duesseldorf",
        "placeholders share the id of the booked row",
        "DUSSEL_DUSSDEDD",
        &[Q::PendingPlaceholder],
    ),
    (
        "UniCredit Romania",
        "internal ids change at an incident",
        "TIMISANA_TMSAROBU",
        &[Q::InternalIdsChange],
    ),
    (
        "Virgin, Nationwide",
        "booking dates with a time",
        "WILTON_WLTNGB21",
        &[Q::BookingDateWithTime],
    ),
    ("cashback", "currency XXX", "ALBIONCARDS_ALBNGB21", &[Q::CurrencyXxx]),
    (
        "products of several currencies",
        "one IBAN, several currencies",
        "GLOBEWALLET_GLWTBEBB",
        &[Q::SharedIban, Q::CurrencyXxx],
    ),
    ("the provider's test bank", "ids new in every answer", "FLUX_FLUXDEMM", &[Q::IdsPerRetrieval]),
    ("card issuers", "booked with another amount", "TIPP_TIPPATWW", &[Q::PendingOtherAmount]),
    ("card issuers", "text completed after booking", "NACHTRAG_NCHTDEMM", &[Q::TextEdits]),
    ("card issuers", "balances of six hours ago", "GESTERN_GSTRDEMM", &[Q::LaggingBalances]),
    (
        "Nordic banks",
        "the closing balance of the day before",
        "SCHLUSS_SCHLDEMM",
        &[Q::ClosingBookedOnly],
    ),
    ("the schema", "rows without dates", "ZEITLOS_ZTLSDEMM", &[Q::UndatedFees]),
    ("the schema", "times and no dates", "STUNDE_STNDDEMM", &[Q::DateTimesOnly]),
    (
        "incidents of the provider",
        "rows lack from single answers",
        "FLACKER_FLCKDEMM",
        &[Q::Flickers],
    ),
];

#[test]
fn every_oddity_that_was_met_has_a_bank() {
    let banks: Vec<&str> = World::profiles().map(|(id, _)| id).collect();
    for (met_at, what, bank, quirks) in CLASSES {
        assert!(banks.contains(&bank), "{met_at}: {what}");
        let has = World::quirks(bank);
        assert!(
            quirks.iter().all(|quirk| has.contains(quirk)),
            "{met_at}, {what}: {bank} has {has:?}"
        );
    }
}
