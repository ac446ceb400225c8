//! The view invariant as a property: whatever a bank shows, its booked rows are listed with multiplicity, and nothing is
//! listed that a covering answer lacks.

use std::collections::BTreeMap;

use banksyncd::gocardless::Rows;
use banksyncd::model::id::TransactionId;
use banksyncd::model::notice::EventCode;
use banksyncd::model::port::RowReader as _;
use banksyncd::model::time::BankDate;
use proptest::prelude::*;

use crate::support::{World, answer, block_on, day, raw};

/// One thing that a bank does between two answers.
#[derive(Clone, Debug)]
enum Deed {
    Book { day: u32, amount: i32, text: u8 },
    Twin(usize),
    Edit(usize, u8),
    Remove(usize),
    Announce { day: u32, amount: i32, text: u8 },
    BookPending(usize),
    Pull { from: Option<u32>, rotate: usize },
    Repeat,
}

fn deed() -> impl Strategy<Value = Deed> {
    let row = || (1..28_u32, -3..3_i32, 0..3_u8);
    prop_oneof![
        4 => row().prop_map(|(day, amount, text)| Deed::Book { day, amount, text }),
        1 => any::<prop::sample::Index>().prop_map(|place| Deed::Twin(place.index(1 << 16))),
        2 => (any::<prop::sample::Index>(), 0..9_u8).prop_map(|(place, text)| Deed::Edit(place.index(1 << 16), text)),
        1 => any::<prop::sample::Index>().prop_map(|place| Deed::Remove(place.index(1 << 16))),
        1 => row().prop_map(|(day, amount, text)| Deed::Announce { day, amount, text }),
        1 => any::<prop::sample::Index>().prop_map(|place| Deed::BookPending(place.index(1 << 16))),
        5 => (prop::option::of(1..28_u32), 0..9_usize).prop_map(|(from, rotate)| Deed::Pull { from, rotate }),
        1 => Just(Deed::Repeat),
    ]
}

/// A row of the bank: sometimes with an id, sometimes without a date or with a date-time only.
fn written(day: u32, amount: i32, text: u8, id: usize) -> String {
    let more = match id % 3 {
        0 => String::new(),
        1 => format!(r#","transactionId":"id-{id:05}""#),
        _ => r#","transactionId":"NOTPROVIDED""#.to_owned(),
    };
    let row = raw(day, &amount.to_string(), &format!("text {text}"), &more);
    match day {
        13 => row.replace(r#""bookingDate":"2026-03-13","#, ""),
        14 => {
            row.replace(r#""bookingDate":"2026-03-14""#, r#""bookingDateTime":"2026-03-14T10:00""#)
        }
        _ => row,
    }
}

#[derive(Default)]
struct Bank {
    booked: Vec<(u32, i32, u8, usize)>,
    pending: Vec<(u32, i32, u8, usize)>,
    rows: usize,
}

impl Bank {
    fn shown(rows: &[(u32, i32, u8, usize)], from: Option<u32>) -> Vec<String> {
        let shows = |day: u32| from.is_none_or(|from| day >= from && day != 13 && day != 14);
        rows.iter()
            .filter(|row| shows(row.0))
            .map(|row| written(row.0, row.1, row.2, row.3))
            .collect()
    }

    fn does(&mut self, deed: &Deed) {
        self.rows += 1;
        let pick = |rows: &Vec<(u32, i32, u8, usize)>, place: usize| {
            (!rows.is_empty()).then(|| place % rows.len())
        };
        match *deed {
            Deed::Book { day, amount, text } => self.booked.push((day, amount, text, self.rows)),
            Deed::Announce { day, amount, text } => {
                self.pending.push((day, amount, text, self.rows));
            }
            Deed::Twin(place) => {
                if let Some(place) = pick(&self.booked, place) {
                    self.booked.push(self.booked[place]);
                }
            }
            Deed::Edit(place, text) => {
                if let Some(place) = pick(&self.booked, place) {
                    self.booked[place].2 = text;
                }
            }
            Deed::Remove(place) => {
                if let Some(place) = pick(&self.booked, place) {
                    self.booked.remove(place);
                }
            }
            Deed::BookPending(place) => {
                if let Some(place) = pick(&self.pending, place) {
                    let (day, amount, text, id) = self.pending.remove(place);
                    self.booked.push((day.saturating_add(1).min(28), amount, text, id));
                }
            }
            Deed::Pull { .. } | Deed::Repeat => {}
        }
    }
}

fn counted<'a>(rows: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    counts
}

async fn check(
    world: &World,
    shown: &[String],
    from: Option<BankDate>,
) -> Result<(), TestCaseError> {
    let listed = world.listed().await;
    let lists = counted(listed.iter().map(|row| row.raw.as_str()));
    let came = counted(shown.iter().map(String::as_str));
    for (row, count) in &came {
        prop_assert!(lists.get(row) >= Some(count), "(a) {row} is shown {count} times");
    }
    let keys = shown.iter().map(|row| Rows.key(row));
    let Some(oldest) = keys.filter_map(|key| key.effective_date).min() else { return Ok(()) };
    let floor = from.map_or(oldest, |from| from.max(oldest));
    for (row, count) in &lists {
        let key = Rows.key(row);
        let passes = from.is_none() || key.filterable;
        let covered = passes && key.earliest_date.is_none_or(|earliest| earliest >= floor);
        if covered {
            prop_assert!(came.get(row) >= Some(count), "(b) {row} is listed {count} times");
        }
    }
    Ok(())
}

async fn live(deeds: &[Deed]) -> Result<(), TestCaseError> {
    let mut world = World::new().await;
    let mut bank = Bank::default();
    let mut last: Option<(Option<BankDate>, Vec<String>)> = None;
    for deed in deeds {
        bank.does(deed);
        world.wait_hours(5);
        match deed {
            Deed::Pull { from, rotate } => {
                let mut shown = Bank::shown(&bank.booked, *from);
                let middle = rotate % shown.len().max(1);
                shown.rotate_left(middle);
                let pending = Bank::shown(&bank.pending, *from);
                let from = from.and_then(day);
                world.pull(from, answer(&shown, Some(&pending), None)).await;
                check(&world, &shown, from).await?;
                last = Some((from, shown));
            }
            Deed::Repeat => {
                if let Some((from, shown)) = &last {
                    world.unchanged(*from, None).await;
                    check(&world, shown, *from).await?;
                }
            }
            _ => {}
        }
    }
    world.verified().await;
    Ok(())
}

/// Any JSON, with the members of rows among others.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "1e400",
            "-0.5",
            "\"\\ud800\\u0000\"",
            "\"2026-03-31\"",
            "\"2026-02-30\""
        ])
        .prop_map(str::to_owned),
        "[ -!#-\\[\\]-~]{0,12}".prop_map(|text| format!("\"{text}\"")),
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,9})?".prop_map(|number| number),
    ];
    let names = vec![
        "transactionId",
        "internalTransactionId",
        "bookingDate",
        "valueDate",
        "bookingDateTime",
        "transactionAmount",
        "amount",
        "currency",
        "creditorAccount",
        "creditorName",
        "remittanceInformationUnstructured",
        "remittanceInformationUnstructuredArray",
        "x",
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        let member = (prop::sample::select(names.clone()), inner.clone());
        let member = member.prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// Any JSON in place of rows, one answer after another: nothing is lost, all of the newest answer is listed, with flags where it
/// is not understood, and each text that nobody understands is counted and told of once.
async fn takes(answers: &[Vec<String>]) -> Result<(), TestCaseError> {
    let mut world = World::new().await;
    let understood = |raw: &str| Rows.key(raw).understood;
    let (mut before, mut told) = (BTreeMap::new(), 0);
    for rows in answers {
        world.wait_hours(5);
        let applied = world.pull_rows(rows).await;
        check(&world, rows, None).await?;
        let now: BTreeMap<_, _> =
            world.all().await.into_iter().map(|row| (row.id, row.raw)).collect();
        let worse = |(id, raw): &(&TransactionId, &String)| {
            !understood(raw) && before.get(*id).is_none_or(|before: &String| understood(before))
        };
        let odd = u64::try_from(now.iter().filter(worse).count()).unwrap();
        told += odd;
        let event = |code| applied.events.iter().find(|event| event.notice.code == code);
        let said =
            event(EventCode::RowsNotUnderstood).map(|event| event.notice.details["count"].clone());
        prop_assert_eq!(said, (odd > 0).then(|| odd.into()));
        prop_assert_eq!(world.store.rows_not_understood().await.unwrap(), told);
        for row in world.listed().await {
            let read = Rows.read(&row.raw);
            let whole = read.amount.is_some() && row.effective_date.is_some();
            prop_assert_eq!(understood(&row.raw), whole);
            prop_assert!(whole || !read.flags.is_empty(), "{}", row.raw);
        }
        let mut kept = Vec::new();
        for id in now.keys() {
            kept.extend(world.store.versions(*id).await.unwrap().into_iter().map(|one| one.raw));
        }
        prop_assert!(before.values().chain(rows).all(|text| kept.contains(text)));
        before = now;
    }
    world.verified().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_view_is_the_bank_s_after_every_answer(deeds in prop::collection::vec(deed(), 5..60)) {
        block_on(live(&deeds))?;
    }

    #[test]
    fn any_json_is_kept_listed_and_told_of(
        answers in prop::collection::vec(prop::collection::vec(any_json(), 0..12), 1..4),
    ) {
        block_on(takes(&answers))?;
    }

    #[test]
    fn arbitrary_texts_are_kept(rows in prop::collection::vec("[\\x00-\\x7fé€𝄞]{0,40}", 0..40)) {
        block_on(async {
            let mut world = World::new().await;
            world.pull_rows(&rows).await;
            let listed = world.all().await;
            prop_assert_eq!(
                counted(listed.iter().map(|row| row.raw.as_str())),
                counted(rows.iter().map(String::as_str))
            );
            world.verified().await;
            Ok(())
        })?;
    }
}
