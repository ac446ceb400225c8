//! The guard of the house: layers, purity, dead files, documents that must keep up with the code, words and widths.
//!
//! Every rule is a function from texts to complaints, so that each is also tried with a planted violation: a check that
//! cannot fail is none. Sizes are reported (`cargo test --test tidy -- --nocapture`), never judged.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests fail by panicking and may print"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use banksyncd::config::KEYS;
use banksyncd::daemon::metrics::METRICS;
use banksyncd::model::notice::EventCode;

#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/source.rs"]
mod source;

use layers::{EXCEPTIONS, Exception, ROOMS, Room};
use source::{Tree, child_modules, code_of, module_of, paths, reach, read_tree, without_tests};

/// Widest comment or code, in characters; what `rustfmt` lays out itself stays within 100.
const COLUMNS_MAX: usize = 128;

/// Crates that no path names, and why they are dependencies all the same.
const UNNAMED_CRATES: [(&str, &str); 1] =
    [("libsqlite3_sys", "switches SQLCipher and its vendored OpenSSL on, by features")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

fn src() -> Tree {
    read_tree(&root().join("src"), &["rs"])
}

/// All texts that people read or tools run, without what a build or a version control system leaves behind.
fn everything() -> Tree {
    let mut tree = Tree::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if [".git", "target", "Cargo.lock"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            let below = read_tree(&path, &[]);
            tree.extend(below.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            tree.insert(name, text);
        }
    }
    tree
}

#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} found:\n{}\n", complaints.len(), complaints.join("\n"));
}

/// Whether `path` is `prefix` or below it.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The dependencies of a manifest, as paths spell them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

/// Everything outside itself that a file names: `crate::room…` and `external::…`, with lines.
fn names(file: &str, code: &str, crates: &BTreeSet<String>) -> Vec<(String, usize)> {
    // A module of ours shadows a crate of the same name.
    let own = child_modules(code);
    paths(code, &module_of(file))
        .into_iter()
        .filter(|(path, _)| {
            let first = path[0].as_str();
            matches!(first, "crate" | "std" | "core" | "alloc" | "banksyncd")
                || (crates.contains(first) && !own.contains(first))
                // Types with an associated function that the table forbids by name.
                || first == "Utc"
        })
        .map(|(path, line)| (path.join("::"), line))
        .collect()
}

/// The layer table against the code: complaints, and the exceptions that were needed.
fn layering(
    src: &Tree,
    crates: &BTreeSet<String>,
    rooms: &[Room],
    exceptions: &[Exception],
) -> (Vec<String>, BTreeSet<usize>) {
    let (mut complaints, mut needed) = (Vec::new(), BTreeSet::new());
    for file in reach(src).program {
        let name = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let Some(room) = rooms.iter().find(|room| room.name == name) else {
            complaints.push(format!("src/{file}: the room `{name}` is not in the layer table"));
            continue;
        };
        let code = without_tests(&code_of(&src[&file]));
        for (path, line) in names(&file, &code, crates) {
            if allowed(room, &path) {
                continue;
            }
            let excepted = exceptions
                .iter()
                .position(|exception| exception.file == file && below(&path, exception.path));
            if let Some(place) = excepted {
                needed.insert(place);
            } else {
                complaints.push(format!("src/{file}:{line}: `{name}` must not name `{path}`"));
            }
        }
    }
    (complaints, needed)
}

fn allowed(room: &Room, path: &str) -> bool {
    match path.strip_prefix("crate").map(|rest| rest.trim_start_matches("::")) {
        // `crate::run` and the like belong to the root, which only `main` and tests use.
        Some(rest) => {
            let target = rest.split("::").next().unwrap_or_default();
            target == room.name || room.rooms.contains(&target) || room.name == "lib"
        }
        None => {
            room.crates.iter().any(|part| below(path, part))
                && !room.never.iter().any(|part| below(path, part))
        }
    }
}

#[test]
fn imports_go_down_only() {
    let (complaints, needed) =
        layering(&src(), &dependencies(&file("Cargo.toml")), ROOMS, EXCEPTIONS);
    none(&complaints);
    for (place, exception) in EXCEPTIONS.iter().enumerate() {
        assert!(!exception.reason.is_empty());
        assert!(needed.contains(&place), "{}: `{}` is not needed", exception.file, exception.path);
    }
}

#[test]
fn planted_imports_are_seen() {
    let manifest = file("Cargo.toml");
    let crates = dependencies(&manifest);
    assert!(crates.contains("rusqlite") && crates.contains("tokio_cron_scheduler"), "{crates:?}");
    assert!(!crates.contains("tempfile"), "a dev-dependency");
    for (planted_in, planted) in [
        ("planner/quota.rs", "use crate::store::Store;"),
        ("planner/quota.rs", "use std::{collections::{BTreeMap, HashMap}, fmt};"),
        ("planner/quota.rs", "fn f() { let now = std::time::Instant::now(); }"),
        ("planner/quota.rs", "fn f() -> String { std::env::var(\"X\") }"),
        ("planner/quota.rs", "use crate::config::Config;"),
        ("model/time.rs", "fn f() -> i64 { Utc::now().timestamp() }"),
        ("model/time.rs", "use crate::planner::quota;"),
        ("model/time.rs", "use super::super::store::Store;"),
        ("config/check.rs", "use std::fs;"),
        ("gocardless/map.rs", "use crate::store;"),
        ("gocardless/map.rs", "use tokio::net::TcpStream;"),
        ("store/rows.rs", "use crate::gocardless::Client;"),
        ("store/rows.rs", "fn f() { tokio::spawn(async {}); }"),
        ("observe/layer.rs", "use rusqlite::Connection;"),
        ("sandbox/world.rs", "use crate::gocardless::wire::Token;"),
        ("systemd/notify.rs", "use crate::observe::Chain;"),
        ("sync/engine.rs", "use crate::daemon::view;"),
        ("sync/engine.rs", "use rusqlite::Connection;"),
        ("daemon/run.rs", "use crate::cli::args;"),
        ("cli/link.rs", "use rusqlite::Connection;"),
        ("main.rs", "use tokio::runtime;"),
        ("attic/old.rs", ""),
    ] {
        let module = planted_in.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let file = planted_in.split('/').nth(1).unwrap_or("x.rs").trim_end_matches(".rs");
        let src = Tree::from([
            ("lib.rs".to_owned(), format!("mod {module};")),
            ("main.rs".to_owned(), String::new()),
            (format!("{module}/mod.rs"), format!("mod {file};")),
            (planted_in.to_owned(), planted.to_owned()),
        ]);
        let (complaints, _) = layering(&src, &crates, ROOMS, EXCEPTIONS);
        assert!(!complaints.is_empty(), "{planted_in}: {planted}");
        // The same in a test, a comment or a string harms nobody.
        if !planted.is_empty() {
            for harmless in [
                format!("#[cfg(test)]\nmod tests {{ {planted} }}"),
                format!("// {planted}"),
                format!("const A: &str = r#\"{planted}\"#;"),
            ] {
                let mut src = src.clone();
                src.insert(planted_in.to_owned(), harmless.clone());
                none(&layering(&src, &crates, ROOMS, EXCEPTIONS).0);
            }
        }
    }
}

/// Dependencies that no path of the program names.
fn unused_crates(src: &Tree, crates: &BTreeSet<String>) -> Vec<String> {
    let mut unused = crates.clone();
    for (file, text) in src {
        for (path, _) in names(file, &code_of(text), crates) {
            unused.remove(path.split("::").next().unwrap_or_default());
        }
    }
    unused.into_iter().collect()
}

#[test]
fn every_dependency_is_used() {
    let crates = dependencies(&file("Cargo.toml"));
    let unused = unused_crates(&src(), &crates);
    assert_eq!(unused, UNNAMED_CRATES.map(|(name, _)| name));
    let planted = Tree::from([("lib.rs".to_owned(), "use serde::Serialize;".to_owned())]);
    assert!(unused_crates(&planted, &crates).contains(&"rusqlite".to_owned()));
}

/// Files that do not begin by saying why they exist.
fn without_opening(tree: &Tree) -> Vec<String> {
    let silent = |text: &str| {
        !text.lines().next().is_some_and(|line| line.len() > 20 && line.starts_with("//! "))
    };
    let of_rust = |file: &str| Path::new(file).extension().is_some_and(|ending| ending == "rs");
    let files = tree.iter().filter(|(file, text)| of_rust(file) && silent(text));
    files.map(|(file, _)| format!("{file}: does not open with `//!`")).collect()
}

#[test]
fn every_file_says_why_it_exists() {
    none(&without_opening(&everything()));
    let planted = Tree::from([
        ("a.rs".to_owned(), "use std::fmt;".to_owned()),
        ("b.rs".to_owned(), "//! x\n".to_owned()),
    ]);
    assert_eq!(without_opening(&planted).len(), 2);
}

/// Files that no `mod` reaches.
fn dead_files(src: &Tree) -> Vec<String> {
    let reached = reach(src);
    let dead = src
        .keys()
        .filter(|file| !reached.program.contains(*file) && !reached.tests.contains(*file));
    dead.map(|file| format!("src/{file}: no `mod` leads here")).collect()
}

#[test]
fn no_file_is_dead() {
    none(&dead_files(&src()));
    let mut planted = src();
    planted.insert("store/attic.rs".to_owned(), "//! Forgotten.".to_owned());
    assert_eq!(dead_files(&planted), ["src/store/attic.rs: no `mod` leads here"]);
}

/// The first cells of the tables below a heading of a Markdown text, without their back-quotes.
fn first_cells(markdown: &str, heading: &str) -> Vec<String> {
    let section = markdown.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let cell =
        |row: &str| row.strip_prefix("| `")?.split_once('`').map(|(cell, _)| cell.to_owned());
    section.lines().filter_map(cell).collect()
}

/// Keys of the configuration by their paths: `limits.error-budget`, `account[].match`.
fn config_keys() -> Vec<String> {
    let of_section = |(section, keys): (&str, &[&str])| {
        let section = if section == "account" { "account[]" } else { section };
        keys.iter().map(|key| format!("{section}.{key}")).collect::<Vec<_>>()
    };
    KEYS.into_iter().flat_map(of_section).collect()
}

/// What is in one list and not in the other.
fn differences(documented: &[String], true_ones: &[String], document: &str) -> Vec<String> {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (true_ones.iter().collect(), documented.iter().collect());
    let missing = ours.difference(&theirs).map(|name| format!("{document}: `{name}` is missing"));
    let extra = theirs.difference(&ours).map(|name| format!("{document}: `{name}` does not exist"));
    let mut all: Vec<_> = missing.chain(extra).collect();
    if documented.len() != theirs.len() {
        all.push(format!("{document}: something is listed twice"));
    }
    all
}

/// The keys that an example file shows, commented out or not.
fn keys_of_example(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            section = format!("{name}[]");
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' '))
        {
            keys.push(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn every_configuration_key_is_documented() {
    let keys = config_keys();
    let example = keys_of_example(&file("packaging/conf/banksyncd.toml"));
    none(&differences(&example, &keys, "packaging/conf/banksyncd.toml"));
    let readme = first_cells(&file("README.md"), "Configuration");
    none(&differences(&readme, &keys, "README.md, Configuration"));
    // Planted: one key too few, one too many, one twice.
    let planted =
        keys_of_example("[store]\npath = 1\n#path = 2\n# A sentence = x\n[[account]]\n#old = 1\n");
    assert_eq!(planted, ["store.path", "store.path", "account[].old"]);
    assert_eq!(differences(&planted, &keys, "x").len(), keys.len() - 1 + 1 + 1);
}

#[test]
fn every_event_is_documented() {
    let codes: Vec<_> = EventCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let readme = first_cells(&file("README.md"), "Events");
    none(&differences(&readme, &codes, "README.md, Events"));
    none(&differences(
        &events_of_catalogue(&file("packaging/catalog/banksyncd.catalog")),
        &codes,
        "catalogue",
    ));
    let planted =
        events_of_catalogue("-- abc\nSubject: x\n\nSomething (event daemon_started,\ninfo)\n");
    assert_eq!(planted, ["daemon_started"]);
    assert_eq!(differences(&planted, &codes, "x").len(), codes.len() - 1);
    assert_eq!(first_cells("\n## A\n| `b` | c |\n## D\n| `e` |\n", "A"), ["b"]);
}

/// Routes of the control socket, `get /v1/status`, by the table in the program's text.
fn routes(source: &str) -> Vec<String> {
    let of_entry = |entry: &str| -> Vec<String> {
        let entry = entry.split("\n        .").next().unwrap_or_default();
        let path = entry.split('"').nth(1).unwrap_or_default();
        let methods = ["get", "post", "put", "delete"];
        let served = methods.into_iter().filter(|method| entry.contains(&format!("{method}(")));
        served.map(|method| format!("{method} {path}")).collect()
    };
    source.split(".route(").skip(1).flat_map(of_entry).collect()
}

/// Routes of an `OpenAPI` document.
fn described_routes(document: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, methods): (&String, &serde_json::Value)| -> Vec<String> {
        methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")).collect()
    };
    paths.flat_map(of_path).collect()
}

#[test]
fn every_route_is_described() {
    let ours = routes(&file("src/daemon/control/mod.rs"));
    let name = "src/daemon/control/openapi.json";
    assert!(ours.len() > 20, "{ours:?}");
    none(&differences(&described_routes(&file(name)), &ours, name));
    let planted = "\n        .route(\"/v1/a\", get(a::b).put(c::d))\n        .fallback(delete(x))";
    assert_eq!(routes(planted), ["get /v1/a", "put /v1/a"]);
    let described = described_routes("{\"paths\":{\"/v1/b\":{\"get\":{}}}}");
    assert_eq!(differences(&described, &routes(planted), "x").len(), 3);
}

#[test]
fn every_metric_is_documented() {
    let names: Vec<_> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    let of_readme = |text: &str| -> Vec<String> {
        let cells = first_cells(text, "Metrics");
        cells.iter().map(|cell| cell.split('{').next().unwrap_or_default().to_owned()).collect()
    };
    none(&differences(&of_readme(&file("README.md")), &names, "README.md, Metrics"));
    let planted = of_readme("\n## Metrics\n| `banksyncd_needs` | x |\n| `b{c}` | y |\n");
    assert_eq!(planted, ["banksyncd_needs", "b"]);
    assert_eq!(differences(&planted, &names, "x").len(), names.len());
}

/// The codes that a journal catalogue explains; its paragraphs are wrapped anywhere.
fn events_of_catalogue(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let code = |pair: &[&str]| {
        pair[1].strip_suffix(',').filter(|_| pair[0] == "(event").map(str::to_owned)
    };
    words.windows(2).filter_map(code).collect()
}

/// Words that have no business in this repository: promises of later work, and papers that readers do not have.
fn unwanted_words() -> Vec<String> {
    // Put together here, so that this list does not find itself.
    let halves = [
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X:"),
        ("todo", "!("),
        ("unimple", "mented!("),
        ("shared/", "design"),
        ("INTER", "FACE.md"),
        ("ARCHI", "TECTURE.md"),
        ("RELIA", "BILITY.md"),
        ("CRA", "TES.md"),
        ("MOD", "ELS.md"),
        ("PERFOR", "MANCE.md"),
        ("AP", "I.md"),
        ("/work/", "main"),
        ("/work/", "shared"),
        ("/tmp/", "wt/"),
        ("NO", "TES.md"),
    ];
    halves.map(|(one, two)| format!("{one}{two}")).to_vec()
}

fn wordings(tree: &Tree) -> Vec<String> {
    let words = unwanted_words();
    let mut complaints = Vec::new();
    for (file, text) in tree {
        for (number, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                complaints.push(format!("{file}:{}: `{word}`", number + 1));
            }
        }
    }
    complaints
}

#[test]
fn no_unwanted_word_is_left() {
    none(&wordings(&everything()));
    for word in unwanted_words() {
        let planted = Tree::from([("src/a.rs".to_owned(), format!("//! A.\n// see {word} there"))]);
        assert!(!wordings(&planted).is_empty(), "{word}");
    }
}

/// Lines that are too wide, and blanks at the end of lines. A literal or the row of a table cannot be broken.
fn widths(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (file, text) in tree {
        let code = code_of(text);
        for ((number, line), code) in text.lines().enumerate().zip(code.lines()) {
            let columns = line.chars().count();
            let comment = line.trim_start().starts_with("//");
            let breaks = if comment { !line.contains("! |") } else { code.trim_end() == line };
            if columns > COLUMNS_MAX && breaks {
                complaints.push(format!("{file}:{}: {columns} columns", number + 1));
            }
            if line.ends_with([' ', '\t']) {
                complaints.push(format!("{file}:{}: blanks at the end", number + 1));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            complaints.push(format!("{file}: no newline at the end"));
        }
    }
    complaints
}

#[test]
fn lines_fit_a_screen() {
    none(&widths(&src()));
    let mut planted = Tree::new();
    planted.insert("a.rs".to_owned(), format!("// {}\n", "é".repeat(COLUMNS_MAX)));
    planted.insert("b.rs".to_owned(), format!("// {}\n", "é".repeat(COLUMNS_MAX - 3)));
    planted.insert("c.rs".to_owned(), "fn a() {} \nfn b() {}".to_owned());
    planted
        .insert("d.rs".to_owned(), format!("const A: &str = \"{}\";\n", "x".repeat(COLUMNS_MAX)));
    planted.insert("e.rs".to_owned(), format!("fn {}() {{}}\n", "x".repeat(COLUMNS_MAX)));
    let found = widths(&planted);
    assert_eq!(found.len(), 4, "two too wide, one blank, one end: {found:?}");
}

#[test]
fn the_guard_reads_the_whole_house() {
    let src = src();
    let rooms: BTreeSet<_> = src.keys().filter_map(|file| file.split('/').next()).collect();
    for room in ROOMS {
        let there =
            rooms.contains(room.name) || rooms.contains(format!("{}.rs", room.name).as_str());
        assert!(there, "`{}` is in the layer table only", room.name);
    }
    let everything = everything();
    for must in
        ["README.md", ".ci/run", "src/lib.rs", "packaging/conf/banksyncd.toml", "tests/tidy.rs"]
    {
        assert!(everything.contains_key(must), "{must}");
    }
    report(&src);
}

/// Sizes per room, for whoever asks.
fn report(src: &Tree) {
    let mut rooms: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (file, text) in src {
        let room = file.split('/').next().unwrap_or_default();
        rooms.entry(room).or_default().push((text.lines().count(), file));
    }
    println!(
        "{:<12} {:>5} {:>7} {:>7} {:>8}  largest",
        "room", "files", "lines", "median", "largest"
    );
    for (room, mut files) in rooms {
        files.sort_unstable();
        let lines: usize = files.iter().map(|(lines, _)| lines).sum();
        let (largest, name) = files[files.len() - 1];
        let median = files[files.len() >> 1].0;
        println!("{room:<12} {:>5} {lines:>7} {median:>7} {largest:>8}  {name}", files.len());
    }
}
