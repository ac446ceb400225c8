//! Every answer that is at hand, three ways: as it is, shuffled, and split by date over two overlapping windows with all
//! copies of a twin on one side. The views are identical.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use banksyncd::gocardless::Rows;
use banksyncd::model::port::RowReader as _;
use banksyncd::model::time::BankDate;
use banksyncd::store::TransactionFilter;
use serde_json::value::RawValue;

use crate::support::{World, answer, block_on};

#[derive(serde::Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    transactions: Option<Lists<'a>>,
}

#[derive(serde::Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    booked: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pending: Option<Vec<&'a RawValue>>,
}

type Texts = Vec<String>;

/// The rows of a file; `None` if it is no transactions answer.
fn rows(path: &Path) -> Option<(Texts, Option<Texts>)> {
    let text = std::fs::read_to_string(path).ok()?;
    let lists = serde_json::from_str::<Body<'_>>(&text).ok()?.transactions?;
    let own = |list: Vec<&RawValue>| list.into_iter().map(|row| row.get().to_owned()).collect();
    Some((own(lists.booked?), lists.pending.map(own)))
}

fn date(row: &str) -> Option<BankDate> {
    Rows.key(row).effective_date
}

type View = BTreeMap<(String, String), usize>;

async fn view(world: &World) -> View {
    let filter = TransactionFilter { pending: true, ..TransactionFilter::default() };
    let mut view = View::new();
    for row in world.list(filter).await {
        *view.entry((format!("{:?}", row.booking_status), row.raw)).or_default() += 1;
    }
    world.verified().await;
    view
}

async fn as_it_is(booked: &[String], pending: Option<&[String]>) -> View {
    let mut world = World::new().await;
    world.pull(None, answer(booked, pending, None)).await;
    view(&world).await
}

/// The first answer has the days up to the middle and those just before it again in the second, which is filtered.
async fn split(booked: &[String], pending: Option<&[String]>) -> View {
    let mut dates: Vec<_> = booked.iter().filter_map(|row| date(row)).collect();
    dates.sort_unstable();
    let middle = dates.get(dates.len().div_euclid(2)).copied();
    let overlap = dates.get(dates.len().div_euclid(4)).copied();
    let early: Vec<_> = booked.iter().filter(|row| date(row) <= middle).cloned().collect();
    let late: Vec<_> = booked.iter().filter(|row| date(row) >= overlap).cloned().collect();
    let mut world = World::new().await;
    world.pull(None, answer(&early, None, None)).await;
    world.wait_hours(1);
    world.pull(overlap, answer(&late, pending, None)).await;
    view(&world).await
}

async fn three_ways(path: &Path) {
    let Some((booked, pending)) = rows(path) else { return };
    let whole = as_it_is(&booked, pending.as_deref()).await;
    let mut turned = booked.clone();
    turned.reverse();
    let middle = turned.len().div_euclid(3);
    turned.rotate_left(middle);
    assert_eq!(as_it_is(&turned, pending.as_deref()).await, whole, "shuffled: {}", path.display());
    assert_eq!(split(&booked, pending.as_deref()).await, whole, "split: {}", path.display());
}

fn try_folder(folder: &Path) -> usize {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let answers: Vec<_> = files.iter().filter(|path| rows(path).is_some()).collect();
    for path in &answers {
        block_on(three_ways(path));
    }
    answers.len()
}

#[test]
fn fixtures_show_the_same_in_any_order_and_through_any_window() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gocardless");
    assert!(try_folder(&fixtures) > 3);
}

#[test]
fn published_samples_show_the_same_in_any_order_and_through_any_window() {
    let Some(folder) = std::env::var_os("BANKSYNCD_SAMPLES") else {
        // Past the test harness, which swallows what passing tests print.
        writeln!(std::io::stderr(), "skipped: BANKSYNCD_SAMPLES is not set").unwrap();
        return;
    };
    assert!(try_folder(Path::new(&folder)) > 0);
}
