//! A forgotten account leaves nothing in the file: looked for in the decrypted pages, not in what queries show.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::model::notice::{EventCode, Notice};
use banksyncd::planner::effect::{Batch, Data};
use banksyncd::store::{EventFilter, TransactionFilter};

use crate::support::{T0, World, account, account_id, answer, block_on, key, open, raw, run_id};

/// SQLCipher 4 with a raw key: each page of 4096 bytes ends with 16 bytes of initialisation vector and 64 of authentication;
/// the first begins with 16 of salt (<https://www.zetetic.net/sqlcipher/design/>, read 2026-11).
fn decrypted(path: &Path) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap();
    let hex = |bytes: &[u8]| -> String {
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
    };
    let mut plain = Vec::new();
    for (number, page) in std::fs::read(path).unwrap().chunks(4096).enumerate() {
        let begin = if number == 0 { 16 } else { 0 };
        let piece = path.with_extension("page");
        std::fs::write(&piece, &page[begin..4016]).unwrap();
        let mut program = Command::new("openssl");
        program.args(["enc", "-d", "-aes-256-cbc", "-nopad", "-K", &hex(key().expose())]);
        program.args(["-iv", &hex(&page[4016..4032]), "-in"]).arg(&piece);
        let output = program.stderr(Stdio::null()).output().ok()?;
        assert!(output.status.success());
        plain.extend(output.stdout);
    }
    Some(plain)
}

fn has(bytes: &[u8], marker: &[u8]) -> bool {
    bytes.windows(marker.len()).any(|window| window == marker)
}

fn row(owner: u32, number: u32) -> String {
    raw(1 + number % 28, &format!("-{number}.5{owner}"), &format!("owner {owner} row {number}"), "")
}

/// What the file holds of a row in the clear, once decrypted.
fn mark(owner: u32, number: u32) -> [u8; 16] {
    *blake3::hash(row(owner, number).as_bytes()).as_bytes().first_chunk().unwrap()
}

const ROWS: u32 = 400;

async fn fill(world: &World) {
    let second = Batch { accounts: vec![account(2)], ..Batch::default() };
    world.apply(second).await.unwrap();
    // In turns, so that the rows of both lie side by side.
    for part in 1..=4_u32 {
        for owner in [1, 2] {
            let rows: Vec<String> = (0..ROWS.div_ceil(4) * part).map(|it| row(owner, it)).collect();
            let id = account_id(owner.into());
            let data = Data::Transactions {
                account_id: id,
                run_id: run_id(u128::from(part * 10 + owner)),
                date_from: None,
                answer: Box::new(answer(&rows, None, None)),
            };
            let notice = Notice::new(EventCode::TransactionsAdded, "new")
                .account(id)
                .detail("text", format!("personal matter of {owner}"));
            let batch = Batch { data: Some(data), notices: vec![notice], ..Batch::default() };
            world.apply(batch).await.unwrap();
        }
    }
}

#[test]
fn nothing_of_a_forgotten_account_is_left_in_the_file() {
    block_on(async {
        let world = World::new().await;
        fill(&world).await;
        world.store.close().await.unwrap();
        let Some(before) = decrypted(&world.path()) else {
            println!("skipped: there is no openssl");
            return;
        };
        for owner in [1, 2] {
            assert!((0..ROWS).all(|number| has(&before, &mark(owner, number))));
            assert!(has(&before, format!("personal matter of {owner}").as_bytes()));
            assert!(has(&before, format!("handle-{owner}").as_bytes()));
        }
        // Deleted, and then nothing more: as if the process had been killed.
        let (store, _) = open(&world.path(), key()).await.unwrap();
        let batch = Batch {
            at: Some(T0),
            forgotten_accounts: vec![account_id(2)],
            notices: vec![Notice::new(EventCode::AccountForgotten, "gone").account(account_id(2))],
            ..Batch::default()
        };
        store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
        store.close().await.unwrap();
        let (store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.accounts.len(), 1);
        assert!(store.erased(account_id(1)).await.is_err());
        store.erased(account_id(2)).await.unwrap();
        let log = std::fs::metadata(world.path().with_extension("db-wal")).map_or(0, |it| it.len());
        assert!(log < 100_000, "{log} bytes of log");
        let checks = store.verify(Arc::new(Rows), |_| ()).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
        store.close().await.unwrap();

        let after = decrypted(&world.path()).unwrap();
        assert!((0..ROWS).all(|number| has(&after, &mark(1, number))));
        assert!(has(&after, b"personal matter of 1") && has(&after, b"handle-1"));
        for number in 0..ROWS {
            assert!(!has(&after, &mark(2, number)), "row {number}");
        }
        assert!(!has(&after, b"personal matter of 2") && !has(&after, b"handle-2"));
        // No dictionary either: it is made of rows.
        assert!(has(&before, b"owner 2 row") && !has(&after, b"owner 2 row"));
    });
}

#[test]
fn numbers_of_forgotten_rows_are_never_given_again() {
    block_on(async {
        let mut world = World::new().await;
        fill(&world).await;
        let arrivals = world.store.arrivals(TransactionFilter::default(), None).await.unwrap();
        let forget = Batch { forgotten_accounts: vec![account_id(2)], ..Batch::default() };
        world.apply(forget).await.unwrap();
        world.store.clean().await.unwrap();
        let rows: Vec<String> = (0..=ROWS).map(|number| row(1, number)).collect();
        world.pull_rows(&rows).await;
        // A file that was written before lacks the new row, and that alone.
        let filter = TransactionFilter::default;
        let lacking = world.store.arrivals(filter(), Some(arrivals.cursor)).await.unwrap();
        assert_eq!(lacking.rows.collect().await.unwrap().len(), 1);
        world.verified().await;
        let replayed = world.store.replay(Arc::new(Rows), false).await.unwrap();
        assert_eq!(replayed.differences, []);
        let events = world.store.events(EventFilter::default()).collect().await.unwrap();
        let about = events.iter().filter(|event| event.notice.account_id == Some(account_id(2)));
        assert!(
            about.clone().count() > 0 && about.clone().all(|event| event.notice.details.is_empty())
        );
    });
}
