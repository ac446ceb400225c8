//! What people type, against a list as large and as mixed as a country's: many names that share their words, umlauts in both
//! spellings, names of one word, banks of several countries.

use super::*;
use crate::model::id::InstitutionId;

/// Name, BIC, countries. Names are those of banks as lists show them; the rest of the test says what must be found.
const LIST: [(&str, &str, &str); 64] = [
    ("1822direkt", "HELADEF1822", "DE"),
    ("ABN AMRO Bank", "ABNANL2A", "NL BE"),
    ("Aareal Bank", "AARBDE5W", "DE"),
    ("Allied Irish Banks", "AIBKIE2D", "IE"),
    ("American Express", "AESUDEF1", "DE FR GB NL"),
    ("BNP Paribas", "BNPAFRPP", "FR"),
    ("BNP Paribas Fortis", "GEBABEBB", "BE"),
    ("Banca Transilvania", "BTRLRO22", "RO"),
    ("Banco Santander", "BSCHESMM", "ES"),
    ("Bank Norwegian", "NORWNOK1", "NO SE DK FI"),
    ("Berliner Sparkasse", "BELADEBE", "DE"),
    ("Berliner Volksbank", "BEVODEBB", "DE"),
    ("Bourso Banque", "BOUSFRPP", "FR"),
    ("Caisse d'Épargne Île-de-France", "CEPAFRPP", "FR"),
    ("Commerzbank", "COBADEFF", "DE"),
    ("Consorsbank", "CSDBDE71", "DE"),
    ("Crédit Agricole Centre-Est", "AGRIFRPP", "FR"),
    ("Crédit Mutuel de Bretagne", "CMBRFR2B", "FR"),
    ("Danske Bank", "DABADKKK", "DK"),
    ("Deutsche Bank", "DEUTDEFF", "DE"),
    ("Deutsche Kreditbank Berlin (DKB)", "BYLADEM1", "DE"),
    ("Deutsche Bank Luxembourg", "DEUTLULL", "LU"),
    ("Erste Bank und Sparkassen", "GIBAATWW", "AT"),
    ("Förde Sparkasse", "NOLADE21", "DE"),
    ("GLS Gemeinschaftsbank", "GENODEM1GLS", "DE"),
    ("Hamburger Sparkasse", "HASPDEHH", "DE"),
    ("ING", "INGDDEFF", "DE"),
    ("ING", "INGBNL2A", "NL"),
    ("ING-DiBa Austria", "INGBATWW", "AT"),
    ("Islandsbanki", "GLITISRE", "IS"),
    ("KBC Bank", "KREDBEBB", "BE"),
    ("Kreissparkasse Köln", "COKSDE33", "DE"),
    ("Kreissparkasse Göppingen", "GOPSDE6G", "DE"),
    ("Kreissparkasse München Starnberg Ebersberg", "BYLADEM1KMS", "DE"),
    ("LHV Pank", "LHVBEE22", "EE"),
    ("Länsförsäkringar", "ELLFSESS", "SE"),
    ("Monzo", "MONZGB2L", "GB"),
    ("Münchner Bank", "GENODEF1M01", "DE"),
    ("N26 Bank", "NTSBDEB1", "AT BE DE ES FR IE IT NL"),
    ("Nationwide Building Society", "NAIAGB21", "GB"),
    ("Nordea", "NDEADKKK", "DK"),
    ("Nordea", "NDEAFIHH", "FI"),
    ("Postbank", "PBNKDEFF", "DE"),
    ("Raiffeisenbank Grünwald", "GENODEF1GWD", "DE"),
    ("Revolut", "REVOLT21", "AT BE DE DK ES FI FR IE IT LT NL SE"),
    ("Sparkasse Düsseldorf", "DUSSDEDD", "DE"),
    ("Sparkasse Essen", "SPESDE3E", "DE"),
    ("Sparkasse Gießen", "SKGIDE5F", "DE"),
    ("Sparkasse Ingolstadt Eichstätt", "BYLADEM1ING", "DE"),
    ("Sparkasse KölnBonn", "COLSDE33", "DE"),
    ("Sparkasse Mülheim an der Ruhr", "SPMHDE3E", "DE"),
    ("Sparkasse am Niederrhein", "WELADED1MOR", "DE"),
    ("Sparkasse zu Lübeck", "NOLADE21SPL", "DE"),
    ("Stadtsparkasse Düsseldorf", "DUSSDEDDXXX", "DE"),
    ("Stadtsparkasse München", "SSKMDEMM", "DE"),
    ("Starling Bank", "SRLGGB2L", "GB"),
    ("Taunus Sparkasse", "HELADEF1TSK", "DE"),
    ("Volksbank Köln Bonn", "GENODED1BRS", "DE"),
    ("Volksbank Stuttgart", "VOBADESS", "DE"),
    ("Wise", "TRWIBEB1", "BE DE GB"),
    ("Ålandsbanken", "AABAFI22", "FI SE"),
    ("mBank", "BREXPLPW", "PL"),
    ("Österreichische Ärzte- und Apothekerbank", "DAPAATWW", "AT"),
    ("Łódzki Bank Spółdzielczy", "POLUPLPR", "PL"),
];

/// What is typed, in which country, and the names in the order in which they are wanted; then the others may come.
const WANTED: [(&str, &str, &[&str]); 36] = [
    ("sparkasse koln", "DE", &["Sparkasse KölnBonn", "Kreissparkasse Köln"]),
    ("köln sparkasse", "DE", &["Sparkasse KölnBonn"]),
    ("SPARKASSE KOELN", "DE", &["Sparkasse KölnBonn"]),
    ("koelnbonn", "DE", &["Sparkasse KölnBonn", "Volksbank Köln Bonn"]),
    ("sparkasse düsseldorf", "DE", &["Sparkasse Düsseldorf", "Stadtsparkasse Düsseldorf"]),
    ("duesseldorf stadt", "DE", &["Stadtsparkasse Düsseldorf"]),
    ("dusseldorf", "DE", &["Sparkasse Düsseldorf", "Stadtsparkasse Düsseldorf"]),
    ("muenchen", "DE", &["Kreissparkasse München Starnberg Ebersberg", "Stadtsparkasse München"]),
    ("munch bank", "DE", &["Münchner Bank"]),
    ("stadtsparkasse munchen", "DE", &["Stadtsparkasse München"]),
    ("giessen", "DE", &["Sparkasse Gießen"]),
    ("gießen", "DE", &["Sparkasse Gießen"]),
    ("essen", "DE", &["Sparkasse Essen"]),
    ("lubeck", "DE", &["Sparkasse zu Lübeck"]),
    ("foerde", "DE", &["Förde Sparkasse"]),
    ("volksbank", "DE", &["Volksbank Köln Bonn", "Volksbank Stuttgart", "Berliner Volksbank"]),
    ("volks bank stuttgart", "DE", &["Volksbank Stuttgart"]),
    ("ing", "DE", &["ING", "Sparkasse Ingolstadt Eichstätt"]),
    ("ing", "", &["ING", "ING"]),
    ("ingdiba", "AT", &["ING-DiBa Austria"]),
    ("ing diba", "AT", &["ING-DiBa Austria"]),
    ("deutsche bank", "", &["Deutsche Bank", "Deutsche Bank Luxembourg"]),
    ("bank deutsche", "DE", &["Deutsche Bank"]),
    ("dkb", "DE", &["Deutsche Kreditbank Berlin (DKB)"]),
    ("n26", "DE", &["N26 Bank"]),
    ("n 26", "DE", &["N26 Bank"]),
    ("COLSDE33", "DE", &["Sparkasse KölnBonn"]),
    ("COLSDE33XXX", "", &["Sparkasse KölnBonn"]),
    ("colsde", "", &["Sparkasse KölnBonn"]),
    ("bnp", "", &["BNP Paribas", "BNP Paribas Fortis"]),
    ("credit mutuel bretagne", "FR", &["Crédit Mutuel de Bretagne"]),
    ("caisse depargne", "FR", &["Caisse d'Épargne Île-de-France"]),
    ("alandsbanken", "FI", &["Ålandsbanken"]),
    ("aalandsbanken", "", &["Ålandsbanken"]),
    ("lodzki", "PL", &["Łódzki Bank Spółdzielczy"]),
    ("arzte apotheker", "AT", &["Österreichische Ärzte- und Apothekerbank"]),
];

fn list() -> Vec<Institution> {
    let institution = |(name, bic, countries): &(&str, &str, &str)| Institution {
        id: InstitutionId(format!("{}_{bic}", Words::of(name).words.join("_").to_uppercase())),
        name: (*name).to_owned(),
        bic: (*bic).to_owned(),
        countries: countries.split(' ').map(ToOwned::to_owned).collect(),
        transaction_total_days: None,
        max_access_valid_for_days: None,
        max_access_valid_for_days_reconfirmation: None,
        supported_features: None,
    };
    LIST.iter().map(institution).collect()
}

fn names(list: &[Institution], query: &str) -> Vec<String> {
    search(list, query).into_iter().map(|bank| bank.name.clone()).collect()
}

#[test]
fn what_people_mean_comes_first() {
    let all = list();
    let mut missed = Vec::new();
    for (query, country, wanted) in WANTED {
        let mut of_country = all.clone();
        of_country.retain(|bank| country.is_empty() || bank.countries.iter().any(|c| c == country));
        let found = names(&of_country, query);
        if found.get(..wanted.len()).is_none_or(|first| first != wanted) {
            missed.push(format!("{query} ({country}): {found:?}, wanted {wanted:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn whoever_types_the_whole_name_finds_that_bank_first() {
    let all = list();
    for bank in &all {
        let plain = bank.name.to_lowercase().replace('ü', "ue").replace('ö', "oe");
        for typed in [bank.name.clone(), bank.name.to_uppercase(), plain] {
            assert_eq!(names(&all, &typed).first(), Some(&bank.name), "{typed}");
        }
        assert_eq!(search(&all, &bank.bic)[0].bic.get(..8), bank.bic.get(..8), "{}", bank.bic);
        assert_eq!(search(&all, &bank.id.0)[0].id, bank.id);
    }
}

#[test]
fn sparkassen_are_listed_by_name_before_those_that_only_contain_the_word() {
    let mut all = list();
    all.retain(|bank| bank.countries.iter().any(|country| country == "DE"));
    let found = names(&all, "sparkasse");
    let place = |name: &str| found.iter().position(|own| own == name).unwrap();
    assert_eq!(found.iter().filter(|name| name.to_lowercase().contains("sparkasse")).count(), 17);
    assert_eq!(found.len(), 17, "{found:?}");
    assert_eq!(found[..2], ["Sparkasse am Niederrhein", "Sparkasse Düsseldorf"]);
    assert!(place("Sparkasse zu Lübeck") < place("Berliner Sparkasse"));
    assert!(place("Taunus Sparkasse") < place("Kreissparkasse Göppingen"));
}

#[test]
fn short_words_mean_beginnings_unless_nothing_begins_so() {
    let all = list();
    assert!(!names(&all, "ing").contains(&"Starling Bank".to_owned()));
    assert_eq!(names(&all, "zki"), ["Łódzki Bank Spółdzielczy"]);
    for nothing in ["sparkasse hamburg bonn", "xyzzy", "deutsche bahn"] {
        assert_eq!(names(&all, nothing), [""; 0], "{nothing}");
    }
}

#[test]
fn without_words_everything_is_there_by_name() {
    let all = list();
    for nothing in ["", "  ", "-"] {
        let found = names(&all, nothing);
        assert_eq!(found.len(), all.len());
        assert_eq!(found[0], "1822direkt");
        let place = |name: &str| found.iter().position(|own| own == name).unwrap();
        assert!(place("Österreichische Ärzte- und Apothekerbank") < place("Postbank"));
    }
}
