//! A bank for each class of oddity that the catalogue does not show already, one or two oddities
//! each, so that what a simulation finds has a name.
//!
//! Static data only. The banks are invented; what they do was seen at real ones, by the clients named
//! in the last column (repositories actualbudget/actual and actual-server, firefly-iii/firefly-iii,
//! martinohansen/ynabber, invoiceninja/invoiceninja; articles are the provider's knowledge base; all
//! read 2026-11). Some profiles and every bank marked so in the catalogue end the former consent when
//! a new one is given; the others do not.
//!
//! | bank | what it does | as | seen in |
//! |---|---|---|---|
//! | `CASTELLANA_CSTLESMM` (catalogue) | ids repeat for different payments | Abanca, Belfius, Sabadell | see `quirks` |
//! | `FJORDKASSEN_FJRDDKKK` (catalogue) | value date weeks ahead; a pending row `P…` comes back under another id; long ids | Danske, Handelsbanken, Nordea in Denmark; SpareBank 1 | see `quirks` |
//! | `ALBIONCARDS_ALBNGB21` (catalogue) | available balance is free credit; sign inverted; booking date with time | HSBC, Lloyds cards; SEB Kort; Virgin | see `quirks` |
//! | `TIMISANA_TMSAROBU` (catalogue) | `NOTPROVIDED` on card rows, pending too; internal ids change at incidents; pending debits positive | ING and UniCredit in Romania; National Bank of Greece | see `quirks` |
//! | `LUSITANO_LUSIPTPL` (catalogue) | `"+0.04"`, the year 5207 | Millennium BCP | see `quirks` |
//! | `SPACES_SPCSDEB2` (catalogue) | one account for each space, 22 of them | N26 | see `quirks` |
//! | `WISLANA_WISAPLPW` (catalogue) | amounts always positive | Triodos | see `quirks` |
//! | `BOUCLE_BOUCFRPP` (catalogue) | text only in `additionalInformation`; pending without dates | Spar Nord, BEC; Norwegian | see `quirks` |
//! | `POLDER_POLDNL2U` (catalogue) | ids of one blank; pending placeholders | SNS, RegioBank; Stadtsparkasse Duesseldorf | see `quirks` |
//! | `GLOBEWALLET_GLWTBEBB` (catalogue) | currency `XXX`; several currencies on one IBAN; exchange as an object | Revolut, Wise | see `quirks` |
//! | `AMSTEL_AMSTNL2A` | text only in the array, date-times without zone, debits name the debtor | ABN AMRO | actual-server, adapter of ABN AMRO |
//! | `KUJAWY_KUJAPLPX` | debits name only the holder | Alior | firefly-iii issue 6721 |
//! | `CENTURIO_CNTODEFF` | masked number for an IBAN, balance `information` | American Express | actual-server, adapter of American Express |
//! | `ARAGONA_ARAGESBB` | ids repeat, party only in the text array | Sabadell, Revolut | actual issue 1466 |
//! | `LEIE_LEIEBEBB` | pseudo dictionary, pending without value date | BNP, Fintro | actual-server, adapter of Fintro |
//! | `PADANA_PADAITMM` | no ids, grammar in the array | BPER, Fortuneo, Caisse d'Epargne, Bourso | actual-server, adapters of Fortuneo and Boursobank |
//! | `TOLOSA_TLOSFRPP` | ids of 14 characters, replaced later | Cetelem | actual issue 4772 |
//! | `HANSA_HNSADEHH` | text cut at 140 characters | Commerzbank | actual-server, adapter of Commerzbank |
//! | `PENNINE_PNNIGB22` | ids reused, labelled texts | Co-operative Bank | actual issue 5376 |
//! | `VASTER_VSTESESS` | foreign amount as the amount | Entercard | actual-server, adapter of Entercard |
//! | `RHEINUFER_RHNUDEDD` | IBAN without country | Fidor | firefly-iii issue 8534 |
//! | `TEJO_TEJOPTPL` | IBAN with blanks | Portuguese banks | firefly-iii issue 8534 |
//! | `LIGURIA_LGRAITGG` | escapes inside the text | Hype | actual-server, adapter of Hype |
//! | `MAINTAL_MNTLDEFF` | padded names, fixed prefix | ING Germany | actual-server, adapter of ING |
//! | `LARIO_LARIITMM` | value date is the better date | isybank | actual-server, adapter of isybank |
//! | `SCHELDE_SCHEBEBB` | a closed account answers `AccountInactiveError` for ever | Keytrade | actual issue 1290 |
//! | `ADDA_ADDAITMM` | deposit account: `AccessExpiredError` right after linking | Mediobanca | firefly-iii issue 10540 |
//! | `LEAHOUSE_LEAHGB2L` | equal internal id in two accounts | Monzo | actual issue 5892 |
//! | `WILTON_WLTNGB21` | pending ids malformed, booking date with time | Nationwide, Virgin | actual-server, adapter of Nationwide |
//! | `NORDVEST_NRDVNOKK` | ids of 140 characters, internal ids changed | SpareBank 1 | actual issue 1588 |
//! | `DAUGAVA_DGVALV22` | purchase date only in the text | Swedbank, LHV | actual-server, adapters of Swedbank and LHV |
//! | `SAIMAA_SAIMFIHH` | party and date in lines of the text | S-Pankki, OP, Nordea | actual-server, adapter of S-Pankki |
//! | `DUSSEL_DUSSDEDD` | pending placeholders share the id of the booked row and stay | Stadtsparkasse Duesseldorf | actual-server, adapter of the Stadtsparkasse |
//! | `AEGEA_AEGEGRAA` | pending debits positive | National Bank of Greece | actual-server, adapter of NBG |
//! | `RESERVA_RSVANOKK` | pending without dates, available balance is credit | Norwegian | actual-server, adapter of Norwegian |
//! | `KONSTANT_KNSTDEMM` | one id on all rows | banks without ids of their own | provider's guide to duplicates, article 11529646897820 |
//! | `NAMENLOS_NMLSDEMM` | no ids of any kind | the schema: both are optional | `OpenAPI` document of 2025-10-31 |
//! | `FLUX_FLUXDEMM` | both ids new in every answer | the provider's test bank | ynabber issue 105 |
//! | `TIPP_TIPPATWW` | booked with another amount | card issuers | actual issue 2519 |
//! | `LEISE_LEISDEMM` | `pending` only where there is any | the schema: optional | `OpenAPI` document of 2025-10-31 |
//! | `NACHTRAG_NCHTDEMM` | text completed after booking | card issuers | actual issue 2495 |
//! | `RUECKRUF_RCKRDEMM` | bookings taken back | German direct debits | firefly-iii issue 10914 |
//! | `FLACKER_FLCKDEMM` | rows that lack from single answers | incidents of the provider | firefly-iii issue 10540 |
//! | `STUNDE_STNDDEMM` | date-times and no dates | the schema: dates are optional | article 11529689817628 |
//! | `ZEITLOS_ZTLSDEMM` | rows without any date | the schema: dates are optional | article 11529689817628 |
//! | `GESTERN_GSTRDEMM` | balances of six hours ago | card issuers | firefly-iii issue 8534 |
//! | `SCHLUSS_SCHLDEMM` | only `closingBooked`, of the day before | Nordic banks | actual-server, adapters |
//! | `WIRRWARR_WRRWDEMM` | another order every time | the article on transactions: order is the bank's | article 11529689817628 |
//! | `KURZBLICK_KRZBDEMM` | sixty days, whatever is asked | banks that clamp silently | invoiceninja issue 9004 |

use super::institutions::{CARD, CURRENT, Institution, PLAIN, RETAIL, SAVINGS};
use super::quirks::Quirk;

const fn profile(
    id: &'static str,
    name: &'static str,
    bic: &'static str,
    countries: &'static [&'static str],
    quirks: &'static [Quirk],
) -> Institution {
    Institution {
        id,
        name,
        bic,
        total_days: 730,
        access_days: Some(180),
        countries,
        features: RETAIL,
        products: &[CURRENT, SAVINGS],
        accounts: 1,
        quirks,
        ..PLAIN
    }
}

/// The same bank, and it ends the former consent when a new one is given.
const fn jealous(bank: Institution) -> Institution {
    Institution { revokes_previous: true, ..bank }
}

/// The same bank with two accounts.
const fn pair(bank: Institution) -> Institution {
    Institution { accounts: 2, ..bank }
}

/// The same bank with card accounts.
const fn cards(bank: Institution) -> Institution {
    Institution { products: &[CARD], ..bank }
}

/// All profiles, in the order of the table.
pub(super) static PROFILES: [Institution; 39] = [
    profile(
        "AMSTEL_AMSTNL2A",
        "Amstelbank",
        "AMSTNL2A",
        &["NL"],
        &[Quirk::TextOnlyInArray, Quirk::DateTimes, Quirk::HolderAsDebtor],
    ),
    profile("KUJAWY_KUJAPLPX", "Bank Kujawski", "KUJAPLPX", &["PL"], &[Quirk::HolderAsDebtor]),
    cards(profile(
        "CENTURIO_CNTODEFF",
        "Centurio Card",
        "CNTODEFF",
        &["DE"],
        &[Quirk::MaskedPanAsIban, Quirk::InformationOnly],
    )),
    profile(
        "ARAGONA_ARAGESBB",
        "Banc Aragona",
        "ARAGESBB",
        &["ES"],
        &[Quirk::ReusedIds, Quirk::PartyOnlyInArray],
    ),
    profile(
        "LEIE_LEIEBEBB",
        "Leiekas",
        "LEIEBEBB",
        &["BE"],
        &[Quirk::PseudoDictionary, Quirk::PendingWithoutValueDate],
    ),
    profile(
        "PADANA_PADAITMM",
        "Cassa Padana Nuova",
        "PADAITMM",
        &["IT"],
        &[Quirk::NoTransactionId, Quirk::TextGrammar],
    ),
    jealous(profile(
        "TOLOSA_TLOSFRPP",
        "Credit Tolosan",
        "TLOSFRPP",
        &["FR"],
        &[Quirk::TemporaryIds],
    )),
    profile("HANSA_HNSADEHH", "Hansa Kontor", "HNSADEHH", &["DE"], &[Quirk::CutText]),
    profile(
        "PENNINE_PNNIGB22",
        "Pennine Mutual",
        "PNNIGB22",
        &["GB"],
        &[Quirk::ReusedIds, Quirk::TaggedTexts],
    ),
    cards(profile("VASTER_VSTESESS", "Vasterkort", "VSTESESS", &["SE"], &[Quirk::ForeignAmount])),
    profile("RHEINUFER_RHNUDEDD", "Rheinufer Bank", "RHNUDEDD", &["DE"], &[Quirk::BareIban]),
    profile("TEJO_TEJOPTPL", "Banco do Tejo", "TEJOPTPL", &["PT"], &[Quirk::SpacedIban]),
    profile("LIGURIA_LGRAITGG", "Ligure Facile", "LGRAITGG", &["IT"], &[Quirk::EscapedText]),
    profile(
        "MAINTAL_MNTLDEFF",
        "Maintaler Direkt",
        "MNTLDEFF",
        &["DE"],
        &[Quirk::PaddedNames, Quirk::PrefixedText],
    ),
    jealous(profile(
        "LARIO_LARIITMM",
        "Banca del Lario",
        "LARIITMM",
        &["IT"],
        &[Quirk::LateBookingDate],
    )),
    pair(profile("SCHELDE_SCHEBEBB", "Scheldebank", "SCHEBEBB", &["BE"], &[Quirk::ClosedAccount])),
    pair(profile("ADDA_ADDAITMM", "Banca dell'Adda", "ADDAITMM", &["IT"], &[Quirk::ExpiresAtOnce])),
    pair(profile(
        "LEAHOUSE_LEAHGB2L",
        "Lea House",
        "LEAHGB2L",
        &["GB"],
        &[Quirk::SharedInternalIds],
    )),
    profile(
        "WILTON_WLTNGB21",
        "Wilton Society",
        "WLTNGB21",
        &["GB"],
        &[Quirk::MalformedPendingIds, Quirk::BookingDateWithTime],
    ),
    profile(
        "NORDVEST_NRDVNOKK",
        "Nordvest Spare",
        "NRDVNOKK",
        &["NO"],
        &[Quirk::LongIds, Quirk::InternalIdsChange],
    ),
    profile(
        "DAUGAVA_DGVALV22",
        "Daugavas Banka",
        "DGVALV22",
        &["LV"],
        &[Quirk::PurchaseDateInText],
    ),
    profile("SAIMAA_SAIMFIHH", "Saimaan Pankki", "SAIMFIHH", &["FI"], &[Quirk::TextLines]),
    profile(
        "DUSSEL_DUSSDEDD",
        "Sparkasse am Dussel",
        "DUSSDEDD",
        &["DE"],
        &[Quirk::PendingPlaceholder, Quirk::PendingLeftover],
    ),
    profile(
        "AEGEA_AEGEGRAA",
        "Trapeza Aegea",
        "AEGEGRAA",
        &["GR"],
        &[Quirk::PositivePendingDebits, Quirk::PendingLeftover],
    ),
    profile(
        "RESERVA_RSVANOKK",
        "Reserva Bank",
        "RSVANOKK",
        &["NO"],
        &[Quirk::PendingWithoutDates, Quirk::CreditAsAvailable, Quirk::PendingLeftover],
    ),
    profile(
        "KONSTANT_KNSTDEMM",
        "Konstant Bank",
        "KNSTDEMM",
        &["DE"],
        &[Quirk::ConstantIds, Quirk::NoInternalId],
    ),
    profile(
        "NAMENLOS_NMLSDEMM",
        "Bank ohne Nummer",
        "NMLSDEMM",
        &["AT"],
        &[Quirk::NoTransactionId, Quirk::NoInternalId],
    ),
    jealous(profile(
        "FLUX_FLUXDEMM",
        "Flux Direkt",
        "FLUXDEMM",
        &["DE"],
        &[Quirk::IdsPerRetrieval],
    )),
    profile("TIPP_TIPPATWW", "Trinkgeld Bank", "TIPPATWW", &["AT"], &[Quirk::PendingOtherAmount]),
    profile("LEISE_LEISDEMM", "Leise Bank", "LEISDEMM", &["DE"], &[Quirk::PendingKeyOnlyWhenAny]),
    jealous(profile(
        "NACHTRAG_NCHTDEMM",
        "Nachtrag Bank",
        "NCHTDEMM",
        &["DE"],
        &[Quirk::TextEdits],
    )),
    profile("RUECKRUF_RCKRDEMM", "Rueckruf Bank", "RCKRDEMM", &["DE"], &[Quirk::Retracts]),
    profile("FLACKER_FLCKDEMM", "Flackerbank", "FLCKDEMM", &["DE"], &[Quirk::Flickers]),
    profile("STUNDE_STNDDEMM", "Stundenbank", "STNDDEMM", &["DE"], &[Quirk::DateTimesOnly]),
    profile("ZEITLOS_ZTLSDEMM", "Zeitlos Bank", "ZTLSDEMM", &["DE"], &[Quirk::UndatedFees]),
    profile("GESTERN_GSTRDEMM", "Gesternbank", "GSTRDEMM", &["DE"], &[Quirk::LaggingBalances]),
    profile(
        "SCHLUSS_SCHLDEMM",
        "Tagesschluss Bank",
        "SCHLDEMM",
        &["DE"],
        &[Quirk::ClosingBookedOnly],
    ),
    profile("WIRRWARR_WRRWDEMM", "Wirrwarr Bank", "WRRWDEMM", &["DE"], &[Quirk::Shuffled]),
    jealous(profile(
        "KURZBLICK_KRZBDEMM",
        "Kurzblick Bank",
        "KRZBDEMM",
        &["DE"],
        &[Quirk::ShortWindow],
    )),
];
