//! Reads Rust text just well enough for the rules: what is code, what is a comment, which paths are named, which files
//! are modules. It knows no types and expands no macros; it must never need the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Files by their path, which has forward slashes and begins at the folder that was read.
pub(crate) type Tree = BTreeMap<String, String>;

/// Reads every text file below `root`, hidden folders left out except those that are named.
pub(crate) fn read_tree(root: &Path, extensions: &[&str]) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let wanted = path.extension().is_some_and(|ending| {
                extensions.iter().any(|extension| ending.eq_ignore_ascii_case(extension))
            });
            if path.is_dir() {
                folders.push(path);
            } else if wanted || extensions.is_empty() {
                // What is no text has no words and no lines to check.
                if let Ok(text) = fs::read_to_string(&path) {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    tree.insert(name, text);
                }
            }
        }
    }
    tree
}

/// The text with comments, strings and character literals blanked; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = literal_end(&letters, at).unwrap_or(at);
        if end == at {
            out.push(letters[at]);
            at += 1;
        } else {
            out.extend(letters[at..end].iter().map(|l| if *l == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment, string or character literal that begins at `at` ends; `None` if none begins there.
fn literal_end(letters: &[char], at: usize) -> Option<usize> {
    let next = |ahead: usize| letters.get(at + ahead).copied().unwrap_or('\0');
    let inside_word = at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_');
    match letters[at] {
        '/' if next(1) == '/' => {
            Some(letters[at..].iter().position(|l| *l == '\n').map_or(letters.len(), |n| at + n))
        }
        '/' if next(1) == '*' => Some(block_end(letters, at)),
        '"' => Some(string_end(letters, at)),
        'r' | 'b' | 'c' if !inside_word => {
            let prefix = letters[at..].iter().take_while(|l| "rbc".contains(**l)).count();
            let hashes = letters[at + prefix..].iter().take_while(|l| **l == '#').count();
            let raw = letters[at..at + prefix].contains(&'r');
            match letters.get(at + prefix + hashes) {
                Some('"') if raw => Some(raw_end(letters, at + prefix + hashes + 1, hashes)),
                Some('"') if hashes == 0 && prefix == 1 => Some(string_end(letters, at + 1)),
                _ => None,
            }
        }
        // A lifetime has no second quote right behind its first letter.
        '\'' if next(1) == '\\' => {
            let rest = letters.get(at + 3..)?;
            rest.iter().position(|l| *l == '\'').map(|n| at + 3 + n + 1)
        }
        '\'' if next(2) == '\'' => Some(at + 3),
        _ => None,
    }
}

fn block_end(letters: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < letters.len() {
        match (letters[at], letters.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn string_end(letters: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < letters.len() {
        match letters[at] {
            '"' => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    letters.len()
}

fn raw_end(letters: &[char], start: usize, hashes: usize) -> usize {
    let closes = |at: usize| {
        letters[at] == '"'
            && letters[at + 1..].iter().take(hashes).filter(|l| **l == '#').count() == hashes
    };
    (start..letters.len()).find(|at| closes(*at)).map_or(letters.len(), |at| at + 1 + hashes)
}

/// Words, `::`, and every other mark by itself, each with its line (the first is 1).
pub(crate) fn tokens(code: &str) -> Vec<(String, usize)> {
    let mut out: Vec<(String, usize)> = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|l: char| !l.is_alphanumeric() && l != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            out.push((token.to_owned(), number + 1));
            rest = after.trim_start();
        }
    }
    out
}

/// The code without what only tests compile: items behind `#[cfg(test)]` (a `mod x;` among them) are blanked.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let end = item_end(&out, start + MARK.len());
        let blank: String =
            out[start..end].chars().map(|l| if l == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// Where the item ends: at its `;`, or at the brace that closes its body.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, letter) in code[start..].char_indices() {
        match letter {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && letter == '}' {
                    return start + offset + 1;
                }
            }
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// Every path of two or more words that the code names, `use` trees written out, `crate`, `self` and `super` resolved
/// against `module` (`["planner", "quota"]`). Each with its line.
pub(crate) fn paths(code: &str, module: &[String]) -> Vec<(Vec<String>, usize)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let word = is_word(&tokens[at].0);
        let starts = word && (at == 0 || tokens[at - 1].0 != "::");
        if tokens[at].0 == "use" {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if starts && tokens.get(at + 1).is_some_and(|next| next.0 == "::") {
            let (mut path, line) = (vec![tokens[at].0.clone()], tokens[at].1);
            at += 1;
            while at + 1 < tokens.len() && tokens[at].0 == "::" && is_word(&tokens[at + 1].0) {
                path.push(tokens[at + 1].0.clone());
                at += 2;
            }
            found.push((path, line));
        } else {
            at += 1;
        }
    }
    found.into_iter().map(|(path, line)| (resolve(&path, module), line)).collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|l: char| l.is_alphabetic() || l == '_')
}

/// Reads one branch of a `use` tree and gives where it ends.
fn use_tree(
    tokens: &[(String, usize)],
    start: usize,
    prefix: &[String],
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let (mut at, mut path) = (start, prefix.to_vec());
    let line = tokens.get(start).map_or(0, |token| token.1);
    while let Some((token, _)) = tokens.get(at) {
        match token.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.0 != "}") {
                    at = use_tree(tokens, at, &path, found);
                    if tokens.get(at).is_some_and(|token| token.0 == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            // The new name of an import is no part of its path.
            "as" => at += 2,
            "," | "}" | ";" => break,
            _ => {
                path.push(token.clone());
                at += 1;
            }
        }
    }
    found.push((path, line));
    at
}

fn resolve(path: &[String], module: &[String]) -> Vec<String> {
    let mut here = module.to_vec();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => here.clear(),
            "self" => {}
            "super" => drop(here.pop()),
            _ if rest.len() == path.len() => return path.to_vec(),
            _ => break,
        }
        rest = after;
    }
    let mut whole = vec!["crate".to_owned()];
    whole.extend(here);
    whole.extend(rest.iter().cloned());
    whole
}

/// The module that a file below `src` is: `planner/quota.rs` is `planner::quota`, `planner/mod.rs` is `planner`.
pub(crate) fn module_of(file: &str) -> Vec<String> {
    let name = file.strip_suffix(".rs").unwrap_or(file);
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if name == "lib" || name == "main" {
        return Vec::new();
    }
    name.split('/').map(str::to_owned).collect()
}

/// What the module tree reaches.
#[derive(Default)]
pub(crate) struct Reached {
    /// Files that the program is made of.
    pub(crate) program: BTreeSet<String>,
    /// Files that only tests compile.
    pub(crate) tests: BTreeSet<String>,
}

/// Follows `mod x;` from `lib.rs` and `main.rs`.
pub(crate) fn reach(src: &Tree) -> Reached {
    let mut reached = Reached::default();
    let mut open = vec![("lib.rs".to_owned(), false), ("main.rs".to_owned(), false)];
    while let Some((file, test)) = open.pop() {
        let Some(text) = src.get(&file) else { continue };
        let set = if test { &mut reached.tests } else { &mut reached.program };
        if !set.insert(file.clone()) {
            continue;
        }
        let code = code_of(text);
        let of_program = without_tests(&code);
        let children = child_modules(&of_program);
        for child in child_modules(&code) {
            let only_tests = test || !children.contains(&child);
            let mut path = module_of(&file);
            path.push(child);
            let stem = path.join("/");
            open.push((format!("{stem}.rs"), only_tests));
            open.push((format!("{stem}/mod.rs"), only_tests));
        }
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, beside) in named_files(text) {
            let blank = of_program.lines().nth(line).is_none_or(|line| line.trim().is_empty());
            open.push((format!("{folder}/{beside}"), test || blank));
        }
    }
    reached
}

/// The files in `#[path = "x.rs"]`, each with its line (the first is 0).
fn named_files(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter_map(|(number, line)| {
            Some((number, line.strip_prefix("#[path = \"")?.strip_suffix("\"]")?))
        })
        .collect()
}

/// The names in `mod x;`.
pub(crate) fn child_modules(code: &str) -> BTreeSet<String> {
    let tokens = tokens(code);
    tokens
        .windows(3)
        .filter(|three| three[0].0 == "mod" && three[2].0 == ";")
        .map(|three| three[1].0.clone())
        .collect()
}

#[test]
fn literals_and_comments_are_no_code() {
    let text = "let a = \"use x::y\"; // use b::c\nlet b = 'a'; let c: &'static str = r#\"d::\"e\"#; /* f /* g */ */ h::i(b\"\\\"\", '\\'')";
    let code = code_of(text);
    assert_eq!(code.lines().count(), 2);
    let words: Vec<_> = paths(&code, &[]).into_iter().map(|(path, _)| path.join("::")).collect();
    assert_eq!(words, ["h::i"]);
}

#[test]
fn use_trees_are_written_out_and_resolved() {
    let code = "use crate::{a::{self, B}, c as d};\npub use super::e::F;\nfn g() { self::h::i(); std::fs::read(); }";
    let module = ["m".to_owned(), "n".to_owned()];
    let found: Vec<_> = paths(code, &module).into_iter().map(|(path, _)| path.join("::")).collect();
    assert_eq!(
        found,
        [
            "crate::a::self",
            "crate::a::B",
            "crate::c",
            "crate::m::e::F",
            "crate::m::n::h::i",
            "std::fs::read"
        ]
    );
}

#[test]
fn tests_are_told_from_the_program() {
    let src = Tree::from([
        ("lib.rs".to_owned(), "mod a;\n#[cfg(test)]\nmod tests { use std::fs; }".to_owned()),
        ("a/mod.rs".to_owned(), "mod b;\n#[cfg(test)]\nmod c;\nfn x() {}".to_owned()),
        ("a/b.rs".to_owned(), "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;".to_owned()),
        ("a/b_tests.rs".to_owned(), String::new()),
        ("a/c.rs".to_owned(), "mod d;".to_owned()),
        ("a/c/d.rs".to_owned(), String::new()),
    ]);
    let reached = reach(&src);
    assert_eq!(Vec::from_iter(reached.program), ["a/b.rs", "a/mod.rs", "lib.rs"]);
    assert_eq!(Vec::from_iter(reached.tests), ["a/b_tests.rs", "a/c.rs", "a/c/d.rs"]);
    assert!(!without_tests(&src["lib.rs"]).contains("std::fs"));
}
