//! Transactions answers: what is added, kept, revised, taken off the list and brought back.

use banksyncd::model::id::TransactionId;
use banksyncd::model::notice::EventCode;
use banksyncd::model::transaction::{BookingStatus, RowState};
use banksyncd::planner::effect::RowsChanged;
use banksyncd::planner::reconcile::tiers::Tier;
use banksyncd::store::{Applied, TransactionFilter};

use crate::support::{T0, World, answer, block_on, day, raw};

fn codes(applied: &Applied) -> Vec<EventCode> {
    applied.events.iter().map(|event| event.notice.code).collect()
}

fn rows(applied: &Applied) -> RowsChanged {
    applied.rows.unwrap()
}

fn texts(rows: &[banksyncd::store::TransactionRow]) -> Vec<&str> {
    rows.iter().map(|row| row.raw.as_str()).collect()
}

#[test]
fn twins_are_two_rows_and_the_same_answer_again_changes_nothing() {
    block_on(async {
        let mut world = World::new().await;
        let coffee = raw(1, "-4.20", "Coffee", "");
        let bank = [raw(2, "10.00", "Salary", ""), coffee.clone(), coffee.clone()];
        let applied = world.pull_rows(&bank).await;
        assert_eq!(rows(&applied), RowsChanged { added: 3, ..RowsChanged::default() });
        assert_eq!(codes(&applied), [EventCode::TransactionsAdded]);
        let listed = world.listed().await;
        assert_eq!(texts(&listed), [&coffee, &coffee, &bank[0]]);
        world.wait_hours(6);
        let shuffled = [coffee.clone(), bank[0].clone(), coffee];
        for again in [&bank, &shuffled] {
            let applied = world.pull_rows(again).await;
            assert_eq!((rows(&applied), codes(&applied)), (RowsChanged::default(), vec![]));
        }
        let after = world.listed().await;
        assert_eq!(
            after.iter().map(|row| row.id).collect::<Vec<_>>(),
            listed.iter().map(|row| row.id).collect::<Vec<_>>()
        );
        assert!(after.iter().all(|row| (row.first_seen_at, row.last_seen_at) == (T0, world.at)));
        world.verified().await;
    });
}

#[test]
fn an_unchanged_answer_moves_last_seen_and_nothing_else() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(1, "-4.20", "Coffee", ""), raw(3, "1", "x", "")]).await;
        world.wait_hours(6);
        let applied = world.unchanged(None, None).await;
        assert_eq!((rows(&applied), codes(&applied)), (RowsChanged::default(), vec![]));
        let listed = world.listed().await;
        assert!(listed.iter().all(|row| row.last_seen_at == world.at && row.revision == 1));
    });
}

#[test]
fn a_row_goes_missing_then_vanishes_and_comes_back_under_its_id() {
    block_on(async {
        let mut world = World::new().await;
        let [a, b, c] = ["a", "b", "c"].map(|text| raw(5, "-1", text, ""));
        let old = raw(1, "-1", "old", "");
        world.pull_rows(&[&a, &b, &c, &old]).await;
        let id = world.listed().await.iter().find(|row| row.raw == b).unwrap().id;
        world.wait_hours(6);
        let applied = world.pull(None, answer(&[&a, &c, &old], None, Some("one"))).await;
        assert_eq!((rows(&applied).missing, codes(&applied)), (1, vec![]));
        assert_eq!(
            texts(&world.listed().await),
            [&old, &c, &a],
            "a list that begins with the newest is turned around"
        );
        let missing = world.store.transaction(id).await.unwrap().unwrap();
        assert_eq!((missing.state, missing.last_seen_at), (RowState::Missing, T0));

        let same = world.unchanged(None, Some("one")).await;
        assert_eq!(rows(&same).vanished, 0, "the provider did not ask the bank again");
        let second = world.unchanged(None, Some("two")).await;
        assert_eq!(
            (rows(&second).vanished, codes(&second)),
            (1, vec![EventCode::TransactionVanished])
        );
        assert_eq!(world.store.transaction(id).await.unwrap().unwrap().state, RowState::Vanished);
        assert_eq!(world.all().await.len(), 4);

        let back = world.pull(None, answer(&[&a, &b, &c, &old], None, None)).await;
        assert_eq!(rows(&back), RowsChanged { revived: 1, ..RowsChanged::default() });
        let row = world.store.transaction(id).await.unwrap().unwrap();
        assert_eq!((row.state, row.revision, row.last_seen_at), (RowState::Current, 1, world.at));
        world.verified().await;
    });
}

#[test]
fn rows_that_an_answer_does_not_surely_cover_are_never_touched() {
    block_on(async {
        let mut world = World::new().await;
        let [before, edge, inside] =
            [(1, "before"), (5, "edge"), (8, "inside")].map(|(day, text)| raw(day, "-1", text, ""));
        let undated = r#"{"transactionAmount":{"amount":"1","currency":"EUR"}}"#.to_owned();
        let early = raw(8, "-1", "early value", r#","valueDate":"2026-03-02""#);
        world.pull_rows(&[&before, &edge, &inside, &undated, &early]).await;
        world.wait_hours(6);
        let applied = world.pull(day(4), answer(&[&inside], None, None)).await;
        assert_eq!(rows(&applied), RowsChanged::default(), "the answer begins on day 8");
        let new = raw(6, "-2", "new", "");
        let applied = world.pull(day(4), answer(&[&new], None, None)).await;
        assert_eq!(rows(&applied), RowsChanged { added: 1, missing: 1, ..RowsChanged::default() });
        let listed = world.listed().await;
        assert_eq!(texts(&listed), [&before, &edge, &new, &early, &undated]);
    });
}

#[test]
fn an_answer_without_rows_is_believed_a_day_later() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(5, "-1", "a", "")]).await;
        world.wait_hours(1);
        let nothing: [&str; 0] = [];
        assert_eq!(rows(&world.pull_rows(&nothing).await), RowsChanged::default());
        world.wait_hours(23);
        assert_eq!(rows(&world.unchanged(None, None).await), RowsChanged::default());
        world.wait_hours(1);
        assert_eq!(rows(&world.unchanged(None, None).await).missing, 1);
        assert!(world.listed().await.is_empty());
        world.wait_hours(12);
        assert_eq!(rows(&world.unchanged(None, None).await).vanished, 1);
    });
}

#[test]
fn a_known_answer_with_rows_between_two_empty_ones_stands_for_itself() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(9, "-1", "coffee", "")]).await;
        let nothing: [&str; 0] = [];
        for hours in [6, 18] {
            world.wait_hours(hours);
            world.pull(day(5), answer(&nothing, None, None)).await;
            assert_eq!(world.listed().await.len(), 1);
            world.wait_hours(6);
            world.unchanged(None, None).await;
        }
        assert_eq!(world.listed().await.len(), 1);
        world.verified().await;
    });
}

#[test]
fn an_edit_makes_a_version_and_is_told_by_the_names_of_its_fields() {
    block_on(async {
        let mut world = World::new().await;
        let id = r#","transactionId":"2026030100001""#;
        let (old, new) = (raw(1, "-4.20", "Coffe", id), raw(1, "-4.20", "Coffee", id));
        world.pull_rows(&[&old, &raw(2, "1", "x", "")]).await;
        let before = world.listed().await;
        world.wait_hours(6);
        let applied = world.pull_rows(&[&new, &raw(2, "1", "x", "")]).await;
        assert_eq!(rows(&applied), RowsChanged { changed: 1, ..RowsChanged::default() });
        assert_eq!(codes(&applied), [EventCode::TransactionChanged]);
        assert_eq!(
            applied.events[0].notice.details["fields"],
            serde_json::json!(["remittance_information"])
        );
        let after = world.listed().await;
        assert_eq!((after[0].id, after[0].revision, &after[0].raw), (before[0].id, 2, &new));
        let versions = world.store.versions(after[0].id).await.unwrap();
        assert_eq!(
            versions.iter().map(|version| (version.revision, &version.raw)).collect::<Vec<_>>(),
            [(1, &old), (2, &new)]
        );
        assert_ne!(versions[0].run_id, versions[1].run_id);
        world.verified().await;

        // The first answer once more: the old text is another revision, and the id stays.
        world.wait_hours(6);
        world.pull_rows(&[&old, &raw(2, "1", "x", "")]).await;
        let again = world.listed().await;
        assert_eq!((again[0].id, again[0].revision, &again[0].raw), (before[0].id, 3, &old));
    });
}

#[test]
fn an_old_answer_repeated_after_another_one_holds_again() {
    block_on(async {
        let mut world = World::new().await;
        let [a, b] = ["a", "b"].map(|text| raw(5, "-1", text, ""));
        world.pull_rows(&[&a, &b]).await;
        world.wait_hours(1);
        assert_eq!(rows(&world.pull(day(1), answer(&[&a], None, None)).await).missing, 1);
        world.wait_hours(1);
        assert_eq!(
            rows(&world.unchanged(None, None).await),
            RowsChanged { revived: 1, ..RowsChanged::default() }
        );
        assert_eq!(texts(&world.listed().await), [&a, &b]);
        world.wait_hours(1);
        assert_eq!(rows(&world.unchanged(None, None).await), RowsChanged::default());
    });
}

#[test]
fn pending_rows_are_a_snapshot_and_keep_their_id_when_they_are_booked() {
    block_on(async {
        let mut world = World::new().await;
        let [one, two] = ["Shop one", "Shop two"].map(|text| raw(5, "-7.00", text, ""));
        let undated =
            r#"{"transactionAmount":{"amount":"-3","currency":"EUR"},"creditorName":"Z"}"#
                .to_owned();
        let base = raw(1, "-1", "base", "");
        world.pull(None, answer(&[&base], Some(&[&one, &two, &undated]), None)).await;
        let pending = TransactionFilter { pending: true, ..TransactionFilter::default() };
        let before = world.list(pending).await;
        assert_eq!(texts(&before), [&base, &one, &two, &undated]);
        assert_eq!(world.listed().await.len(), 1);

        world.wait_hours(6);
        let booked = raw(7, "-7.00", "SHOP  ONE", "");
        let applied = world.pull(day(2), answer(&[&booked], Some(&[&two]), None)).await;
        assert_eq!(rows(&applied), RowsChanged { changed: 1, ..RowsChanged::default() });
        assert_eq!(codes(&applied), [], "being booked is no change of a booked row");
        let now = world.listed().await;
        assert_eq!(
            (now[1].id, now[1].revision, now[1].booking_status),
            (before[1].id, 2, BookingStatus::Booked)
        );
        assert_eq!(texts(&world.list(pending).await), [&base, &two, &booked, &undated]);

        world.wait_hours(6);
        world.pull(None, answer(&[&base, &booked], None, None)).await;
        assert_eq!(world.list(pending).await.len(), 2, "no key is an empty list");
        let closed = world.store.transaction(before[2].id).await.unwrap().unwrap();
        assert_eq!(closed.state, RowState::Closed);
        world.verified().await;
    });
}

#[test]
fn rows_of_any_json_are_kept_as_they_are() {
    block_on(async {
        let mut world = World::new().await;
        let odd = [
            "null",
            "[]",
            r#""text""#,
            "1e400",
            "{}",
            r#"{"bookingDate":"date","transactionAmount":{"amount":"abc"}}"#,
            r#"{"bookingDate":"5207-01-01","transactionAmount":{"amount":1.50,"currency":"xxx"}}"#,
            r#"{"a":1,"a":2,"é":"\ud83d"}"#,
        ];
        let applied = world.pull(None, answer(&odd, Some(&odd[..2]), None)).await;
        assert_eq!(codes(&applied), [EventCode::TransactionsAdded, EventCode::RowsNotUnderstood]);
        assert_eq!(rows(&applied).added, 10);
        let mut listed: Vec<String> = world.listed().await.into_iter().map(|row| row.raw).collect();
        let mut expected = odd.map(str::to_owned).to_vec();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
        assert_eq!(
            rows(&world.pull(None, answer(&odd, Some(&odd[..2]), None)).await),
            RowsChanged::default()
        );
        world.verified().await;
    });
}

#[test]
fn a_leftover_of_booking_is_kept_and_not_listed_and_the_booked_row_has_its_id() {
    block_on(async {
        let mut world = World::new().await;
        let id = r#","transactionId":"2026030500077""#;
        let base = raw(1, "-1", "base", "");
        let placeholder = raw(5, "-7.00", "card payment pending", id);
        let booked = raw(6, "-7.00", "Shop one, card 4711", id);
        let pending = TransactionFilter { pending: true, ..TransactionFilter::default() };
        world.pull(None, answer(&[&base], Some(&[&placeholder]), None)).await;
        let announced = world.list(pending).await[1].id;
        for _ in 0..2 {
            world.wait_hours(6);
            world.pull(None, answer(&[&base, &booked], Some(&[&placeholder]), None)).await;
            let listed = world.list(pending).await;
            assert_eq!(texts(&listed), [&base, &booked]);
            assert_eq!(listed[1].id, announced);
            let all = world.all().await;
            assert_eq!(all.len(), 3, "the leftover is kept once");
            assert!(all.iter().any(|row| row.raw == placeholder && row.state == RowState::Closed));
        }
        world.verified().await;
    });
}

#[test]
fn an_explanation_names_the_evidence_and_the_near_misses() {
    block_on(async {
        let mut world = World::new().await;
        let id = r#","transactionId":"2026030100001""#;
        let twin = raw(2, "-4.20", "Tea", "");
        world.pull_rows(&[&raw(1, "-4.20", "Coffe", id), &twin]).await;
        world.wait_hours(6);
        world.pull_rows(&[&raw(1, "-4.20", "Coffee", id), &twin]).await;
        let listed = world.listed().await;
        let explained = world.store.explain(listed[0].id).await.unwrap().unwrap();
        assert_eq!((explained.row.revision, explained.answers), (2, 2));
        let tiers: Vec<_> = explained.versions.iter().map(|version| version.tier).collect();
        assert_eq!(tiers, [None, Some(Tier::BankId)]);
        let near: Vec<_> =
            explained.neighbours.iter().map(|row| (row.row.id, row.in_one_answer)).collect();
        assert_eq!(near, [(listed[1].id, true)]);
        assert!(world.store.explain(TransactionId::new(0, 1)).await.unwrap().is_none());
    });
}

#[test]
fn a_pending_row_under_a_booked_rows_id_is_kept_and_not_listed() {
    block_on(async {
        let mut world = World::new().await;
        let id = r#","transactionId":"2026030500001""#;
        let announced = raw(5, "-7.00", "Shop", id);
        let filter = TransactionFilter { pending: true, ..TransactionFilter::default() };
        world
            .pull(
                None,
                answer(&[raw(1, "-1", "base", "")], Some(std::slice::from_ref(&announced)), None),
            )
            .await;
        let before = world.list(filter).await;
        let booked = raw(6, "-7.00", "SHOP BERLIN", id);
        let both = || {
            answer(
                &[booked.clone(), raw(1, "-1", "base", "")],
                Some(std::slice::from_ref(&announced)),
                None,
            )
        };
        world.wait_hours(6);
        let applied = world.pull(None, both()).await;
        assert_eq!(rows(&applied), RowsChanged { changed: 1, ..RowsChanged::default() });
        for _ in 0..2 {
            let now = world.list(filter).await;
            assert_eq!(texts(&now), [&before[0].raw, &booked]);
            assert_eq!(now[1].id, before[1].id, "the payment keeps its id");
            let all = world.all().await;
            assert_eq!(all.len(), 3);
            let leftover = all.iter().find(|row| row.state == RowState::Closed).unwrap();
            assert_eq!((&leftover.raw, leftover.effective_date), (&announced, day(5)));
            world.wait_hours(6);
            assert_eq!(rows(&world.pull(None, both()).await), RowsChanged::default());
        }
        world.verified().await;
    });
}

#[test]
fn only_a_valid_id_the_amount_and_a_near_date_make_a_leftover() {
    block_on(async {
        let mut world = World::new().await;
        let of =
            |day, amount, text, id| raw(day, amount, text, &format!(r#","transactionId":"{id}""#));
        let booked = [
            of(5, "-4.20", "Shop", "2026030500001"),
            of(5, "-1", "Mon", "9998"),
            of(6, "-1", "Tue", "9998"),
        ];
        let leftover = of(4, "-4.2", "card", "2026030500001");
        let pending = [
            leftover.clone(),
            of(4, "-5", "another amount", "2026030500001"),
            of(25, "-4.2", "another time", "2026030500001"),
            of(4, "-1", "an id of many", "9998"),
        ];
        world.pull(None, answer(&booked, Some(&pending), None)).await;
        let filter = TransactionFilter { pending: true, ..TransactionFilter::default() };
        let listed = world.list(filter).await;
        let mut found = texts(&listed);
        let mut expected: Vec<&str> =
            booked.iter().chain(&pending[1..]).map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(world.all().await.len(), 7);
        world.verified().await;
    });
}

#[test]
fn a_colliding_id_does_not_carry_an_id_over() {
    block_on(async {
        let mut world = World::new().await;
        let id = r#","transactionId":"9998""#;
        let row = |day, text| raw(day, "-2.50", text, id);
        world.pull_rows(&[row(1, "Mon"), row(2, "Tue"), row(3, "Wed")]).await;
        world.wait_hours(6);
        let applied = world.pull_rows(&[row(1, "Mon"), row(2, "Tue"), row(4, "Thu")]).await;
        assert_eq!(rows(&applied), RowsChanged { added: 1, missing: 1, ..RowsChanged::default() });
    });
}
