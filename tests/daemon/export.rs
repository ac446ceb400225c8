//! `export`: every format against rows that make trouble, read back by the programs that the formats are for; files that grow.
//!
//! The programs are `hledger` and `xmllint` in the path, and in the folder `BANKSYNCD_TOOLS` Beancount's `bean-check`, a Python with
//! ofxtools, and the schema of camt.053.001.08. Without that variable those checks say that they were skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::front::Front;
use crate::rig::{PROGRAM, Process, Rig, run, text, wait_until};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";

/// Rows with everything that files trip over; the last two have no amount and no date.
fn troublesome(rig: &Rig) -> Vec<Value> {
    let day =
        |ago: i64| rig.bank.with(|_, now| now.plus_hours(-24 * ago).to_string())[..10].to_owned();
    let row = |id: &str, amount: &str, ago: i64, more: Value| {
        let mut row = json!({
            "transactionId": id,
            "bookingDate": day(ago),
            "valueDate": day(ago),
            "transactionAmount": {"amount": amount, "currency": "EUR"},
        });
        for (name, value) in more.as_object().unwrap() {
            row[name] = value.clone();
        }
        row
    };
    vec![
        row(
            "q-1",
            "-1234.5",
            9,
            json!({
                "creditorName": "Quote \"& Söhne\" <GmbH>",
                "creditorAccount": {"iban": "DE89370400440532013000"},
                "remittanceInformationUnstructured": "line one\r\nline two; with, \"marks\" | and \\ back",
                "endToEndId": "NOTPROVIDED",
                "bankTransactionCode": "PMNT-RCDT-ESCT",
            }),
        ),
        row("q-2", "0.00", 8, json!({"remittanceInformationUnstructured": "=HYPERLINK(\"x\")"})),
        row(
            "q-3",
            "1000000.000",
            7,
            json!({
                "debtorName": "(A) \u{1b}[31mred\u{7}",
                "debtorAccount": {"bban": "12-34"},
                "remittanceInformationUnstructuredArray": ["x".repeat(300), "second"],
                "proprietaryBankTransactionCode": "a code of their own that is too long for the field",
            }),
        ),
        row("q-4", "-4.20", 7, json!({"creditorName": "Twin", "transactionId": null})),
        row("q-4", "-4.20", 7, json!({"creditorName": "Twin", "transactionId": null})),
        row("q-5", "abc", 6, json!({"creditorName": "no amount"})),
        json!({"transactionId": "q-6", "transactionAmount": {"amount": "1.00", "currency": "EUR"}}),
    ]
}

/// From now on the bank has booked exactly these rows.
fn books(front: &Front, rows: &[Value]) {
    let answer = json!({"transactions": {"booked": rows, "pending": []}}).to_string();
    front.change(move |request, response| {
        if response.status == 200 && request.path.trim_end_matches('/').ends_with("transactions") {
            response.body = answer.clone().into_bytes();
        }
    });
}

/// A daemon with one account whose bank has booked these rows.
fn with_rows(rows: impl FnOnce(&Rig) -> Vec<Value>) -> (Rig, Front) {
    let mut rig = Rig::new();
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    let rows = rows(&rig);
    books(&front, &rows);
    rig.start();
    rig.linked(BANK);
    (rig, front)
}

fn export(rig: &Rig, format: &str, more: &[&str]) -> crate::rig::Said {
    let words: Vec<&str> = ["export", "--format", format].iter().chain(more).copied().collect();
    rig.verb(&words)
}

/// The folder of tools, or a visible skip.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("BANKSYNCD_TOOLS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!(
            "SKIPPED: hledger, bean-check, ofxtools and the camt.053 schema (BANKSYNCD_TOOLS is not set)"
        );
    }
    folder
}

/// A program accepts a file.
#[track_caller]
fn accepts(command: &mut Command, file: &Path) {
    let said = run(command.env("LC_ALL", "C.UTF-8"));
    assert_eq!(said.code, 0, "{said:#?}\n{}", fs::read_to_string(file).unwrap());
}

#[test]
fn the_fields_own_programs_accept_every_format() {
    let (rig, _front) = with_rows(troublesome);
    let listed = rig.list(&["transactions"]);
    assert_eq!(listed.len(), 7);
    for format in ["csv", "jsonl", "hledger", "beancount", "ofx", "qif", "camt053"] {
        let said = export(&rig, format, &[]).expect(0);
        let again = export(&rig, format, &[]).expect(0);
        assert_eq!(said.out, again.out, "the same data, the same bytes");
        let all = matches!(format, "csv" | "jsonl");
        let written = listed.iter().filter(|row| said.out.contains(&text(row, "id"))).count();
        assert_eq!(written, if all { 7 } else { 5 }, "{format}: {}", said.out);
        assert_eq!(said.err.contains("2 rows were left out"), !all, "{format}: {}", said.err);
        assert!(!said.out.contains('\u{1b}') || all, "{format}");
        fs::write(rig.path(format), &said.out).unwrap();
    }
    let lines: Vec<Value> = fs::read_to_string(rig.path("jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, listed);
    let Some(tools) = tools() else { return };
    let file = |format: &str| rig.path(format);
    accepts(Command::new("hledger").arg("-f").arg(file("hledger")).arg("check"), &file("hledger"));
    accepts(
        Command::new("hledger").arg("-f").arg(file("hledger")).args(["check", "--strict"]),
        &file("hledger"),
    );
    accepts(Command::new(tools.join("bin/bean-check")).arg(file("beancount")), &file("beancount"));
    let ofx = "import sys\nfrom ofxtools.Parser import OFXTree\nt=OFXTree()\nt.parse(sys.argv[1])\n\
               s=t.convert().statements\nassert [len(x.transactions) for x in s]==[5], s";
    accepts(
        Command::new(tools.join("bin/python")).args(["-c", ofx]).arg(file("ofx")),
        &file("ofx"),
    );
    let schema = tools.join("camt.053.001.08.xsd");
    accepts(
        Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(file("camt053")),
        &file("camt053"),
    );
    // CSV reads back to exactly what the objects say.
    let csv = "import csv,json,sys\n\
               rows=list(csv.DictReader(open(sys.argv[1],newline='',encoding='utf-8')))\n\
               objects=[json.loads(l) for l in open(sys.argv[2],encoding='utf-8')]\n\
               assert len(rows)==len(objects)\n\
               for r,o in zip(rows,objects):\n\
               \x20for k,v in r.items():\n\
               \x20\x20w=o[k]\n\
               \x20\x20w=' '.join(w) if k=='flags' else '' if w is None else json.dumps(w) if isinstance(w,(dict,list)) else str(w)\n\
               \x20\x20assert v==w,(k,v,w)";
    accepts(
        Command::new(tools.join("bin/python"))
            .args(["-c", csv])
            .arg(file("csv"))
            .arg(file("jsonl")),
        &file("csv"),
    );
}

#[test]
fn a_file_grows_by_what_it_lacks_and_an_interrupted_append_is_taken_back() {
    let (rig, front) = with_rows(|rig| troublesome(rig)[..2].to_vec());
    let file = rig.path("ledger.journal");
    let name = file.to_str().unwrap();
    let append = || export(&rig, "hledger", &["--append", "--output", name]).expect(0);
    append();
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(first.matches("; id:txn_").count(), 2, "{first}");
    append();
    assert_eq!(fs::read_to_string(&file).unwrap(), first, "nothing new");
    books(&front, &troublesome(&rig)[..5]);
    rig.sync(&[]).expect(0);
    append();
    let second = fs::read_to_string(&file).unwrap();
    assert!(second.starts_with(&first));
    assert_eq!(second.matches("; id:txn_").count(), 5, "{second}");
    // Killed while it wrote: the intent stands in the companion, half a row in the file.
    let companion = rig.path("ledger.journal.cursor");
    let mut state: Value = serde_json::from_slice(&fs::read(&companion).unwrap()).unwrap();
    state["writing"] = json!(true);
    fs::write(&companion, state.to_string()).unwrap();
    fs::write(&file, format!("{second}2026-01-01 * half a r")).unwrap();
    append();
    assert_eq!(fs::read_to_string(&file).unwrap(), second);
    // Other options, a foreign file, a lost end.
    let said = export(&rig, "csv", &["--append", "--output", name]).expect(64);
    assert!(said.err.contains("belongs to a file with other options"), "{said:?}");
    let other = rig.path("other");
    fs::write(&other, "mine").unwrap();
    let said = export(&rig, "csv", &["--append", "--output", other.to_str().unwrap()]).expect(64);
    assert!(said.err.contains("has content and no"), "{said:?}");
    fs::write(&file, "short").unwrap();
    let said = export(&rig, "hledger", &["--append", "--output", name]).expect(65);
    assert!(said.err.contains("shorter than it was left"), "{said:?}");
}

#[test]
fn follow_writes_rows_as_they_come() {
    let (rig, front) = with_rows(|rig| troublesome(rig)[..2].to_vec());
    let file = rig.path("rows.csv");
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(rig.config()).args(["export", "--format", "csv", "--follow"]);
    command.arg("--output").arg(&file).env_clear();
    let _following = Process::spawn(&mut command);
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    wait_until("the rows that are there", || lines() >= 3);
    books(&front, &troublesome(&rig)[..5]);
    rig.sync(&[]).expect(0);
    wait_until("the rows that came", || lines() >= 7);
    let content = fs::read_to_string(&file).unwrap();
    assert_eq!(content.matches("txn_").count(), 5, "{content}");
    assert_eq!(content.matches("booking_status").count(), 1, "one header");
}

#[test]
fn what_makes_no_sense_is_refused_in_a_sentence() {
    let (rig, _front) = with_rows(|rig| troublesome(rig)[..1].to_vec());
    let folder = rig.path("");
    let folder = folder.to_str().unwrap();
    for (format, more, code, words) in [
        ("pdf", &[][..], 64, "expected one of csv, jsonl"),
        ("csv", &["--append"], 64, "`--append` needs a file"),
        ("ofx", &["--append", "--output", "x"], 64, "cannot grow"),
        ("qif", &["--follow"], 64, "cannot grow"),
        ("csv", &["--follow", "--pending"], 64, "pending"),
        ("csv", &["--from", "2026-02-01", "--to", "2026-01-01"], 64, "is after"),
        ("csv", &["--account", "nobody"], 64, "there is no such account"),
        ("csv", &["--output", folder], 73, "is a directory"),
        ("csv", &["--output", "/proc/nowhere/x"], 73, "cannot write"),
    ] {
        let said = export(&rig, format, more);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
        assert_eq!(said.out, "");
    }
    let (status, refused) = rig.ask("GET", "/v1/export?format=csv&cursor=2:x", "").unwrap();
    assert_eq!((status, refused[0]["error"]["exit"].as_u64()), (400, Some(64)), "{refused:?}");
    let foreign = format!("1:{}:0:", "0".repeat(32));
    let (status, refused) =
        rig.ask("GET", &format!("/v1/export?format=csv&cursor={foreign}"), "").unwrap();
    assert_eq!(status, 409, "{refused:?}");
}

#[test]
fn ledger_names_come_from_the_configuration() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let id = text(&rig.accounts()[0], "id");
    let default = export(&rig, "beancount", &[]).expect(0).out;
    assert!(
        default.contains("open Assets:Bank:") && default.contains("Expenses:Unknown"),
        "{default}"
    );
    rig.extra = format!(
        "[export]\nexpenses = \"expenses:misc\"\n[[account]]\nmatch = {id:?}\nledger = \"Assets:Giro\"\n"
    );
    rig.write_config();
    let (status, _) = rig.ask("POST", "/v1/reload", "").unwrap();
    assert_eq!(status, 200);
    let journal = export(&rig, "hledger", &[]).expect(0).out;
    assert!(
        journal.contains("account Assets:Giro\n") && journal.contains("expenses:misc"),
        "{journal}"
    );
    let said = export(&rig, "beancount", &[]).expect(78);
    assert!(said.err.contains("`expenses:misc` is not a name that Beancount takes"), "{said:?}");
}
