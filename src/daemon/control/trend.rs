//! How the balance of each account went over the last days: one number a day, of the balance that says what is on the
//! account.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use super::rows;
use crate::daemon::view::{TrendDay, TrendView};
use crate::display::Rule;
use crate::model::id::AccountId;
use crate::model::money::Amount;
use crate::model::time::{BankDate, UtcInstant, Zone};
use crate::store::{BalanceChange, BalanceFilter, BalanceRow};

/// Days that are shown unless others are asked for.
const DAYS_DEFAULT: u16 = 30;
/// Most days.
const DAYS_MAX: u16 = 366;

#[derive(Debug, Deserialize)]
pub(super) struct TrendQuery {
    days: Option<u16>,
}

pub(super) async fn trend(
    State(shared): State<Shared>,
    Query(query): Query<TrendQuery>,
) -> Result<Response, Refusal> {
    let days = query.days.unwrap_or(DAYS_DEFAULT);
    if days == 0 || days > DAYS_MAX {
        return Err(Refusal::usage(format!("`days` must be from 1 to {DAYS_MAX}")));
    }
    if !shared.reloader.config().display.trend {
        return Ok(reply::lines(std::iter::empty::<TrendView<'_>>()));
    }
    let report = shared.engine.report().await?;
    let zone = &report.policy.zone;
    let now = shared.clock.now().wall;
    let newest = shared.store.balances(BalanceFilter::default()).collect().await?;
    // What a day begins with was said before it: as far back again.
    let since = now.plus_days(i64::from(days).saturating_mul(-2));
    let changes = shared.store.balance_changes(since).await?;
    let mut changes_of: BTreeMap<AccountId, Vec<&BalanceChange>> = BTreeMap::new();
    for change in &changes {
        changes_of.entry(change.account_id).or_default().push(change);
    }
    let rules = rows::rules(&shared, &report);
    let answers = newest.chunk_by(|one, other| one.account_id == other.account_id);
    let views = answers.filter_map(|answer| {
        let shown = shown(answer, &rules)?;
        let own = changes_of.get(&shown.account_id).map(Vec::as_slice).unwrap_or_default();
        Some(view(shown, own, (now, days, zone)))
    });
    Ok(reply::lines(views))
}

/// The balance of an answer that says what is on the account: by the display rules, else the first with an amount.
fn shown<'a>(
    answer: &'a [BalanceRow],
    rules: &BTreeMap<AccountId, Arc<Rule>>,
) -> Option<&'a BalanceRow> {
    let account_id = answer.first()?.account_id;
    let balances: Vec<_> = answer.iter().map(|row| &row.balance).collect();
    let by_rule = rules.get(&account_id).and_then(|rule| rule.ledger_balance(&balances));
    let place = by_rule.or_else(|| balances.iter().position(|one| one.money.is_some()))?;
    answer.get(place)
}

/// One amount a day: the last one that was seen on it or before, by the changes of the account.
fn view<'a>(
    shown: &'a BalanceRow,
    changes: &[&BalanceChange],
    (now, days, zone): (UtcInstant, u16, &Zone),
) -> TrendView<'a> {
    let currency = shown.balance.money.as_ref().map(|money| money.currency.0.as_str());
    let own = changes.iter().filter(|change| {
        change.balance_type == shown.balance.balance_type
            && Some(change.currency.as_str()) == currency
    });
    // Newest first: the first one of a day is its last.
    let mut last_of: BTreeMap<BankDate, Amount> = BTreeMap::new();
    for change in own {
        last_of.entry(zone.date(change.at)).or_insert(change.amount);
    }
    let today = zone.date(now);
    let day = |back: u16| {
        let date = today.plus_days(-i64::from(back))?;
        let known = last_of.range(..=date).next_back().map(|(_, amount)| amount.to_string());
        Some(TrendDay { date, amount: known })
    };
    TrendView {
        account_id: shown.account_id,
        balance_type: &shown.balance.balance_type,
        currency,
        days: (0..days).rev().filter_map(day).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::balance::Balance;
    use crate::model::money::{Currency, Money};

    const NOON: UtcInstant = UtcInstant::from_ms(1_773_144_000_000);

    #[test]
    fn a_day_ends_with_what_was_known_then() {
        let account_id = AccountId::from_bits(1);
        let amount = |text: &str| Amount::parse(text).unwrap();
        let change = |days_ago: i64, text: &str| BalanceChange {
            account_id,
            balance_type: "closingBooked".into(),
            currency: "EUR".into(),
            at: NOON.plus_days(-days_ago),
            amount: amount(text),
        };
        let other =
            |change: BalanceChange| BalanceChange { balance_type: "expected".into(), ..change };
        // Newest first, as they come; two on one day, and one of another kind.
        let changes = [
            change(0, "5.00"),
            BalanceChange { at: NOON.plus_hours(-1), ..change(0, "4") },
            other(change(1, "99")),
            change(3, "-2.50"),
        ];
        let money = Money { amount: amount("5.00"), currency: Currency("EUR".into()) };
        let balance = Balance {
            balance_type: "closingBooked".into(),
            money: Some(money),
            reference_date: None,
            raw: "{}".into(),
        };
        let shown = BalanceRow { account_id, balance, place: 0, fetched_at: NOON };
        let view = view(&shown, &changes.each_ref(), (NOON, 5, &Zone::UTC));
        let days: Vec<_> =
            view.days.iter().map(|day| (day.date.to_string(), day.amount.clone())).collect();
        let day = |date: &str, amount: Option<&str>| (date.to_owned(), amount.map(str::to_owned));
        assert_eq!(
            days,
            [
                day("2026-03-06", None),
                day("2026-03-07", Some("-2.50")),
                day("2026-03-08", Some("-2.50")),
                day("2026-03-09", Some("-2.50")),
                day("2026-03-10", Some("5.00")),
            ]
        );
    }
}
