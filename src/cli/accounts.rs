//! `accounts`: what there is, how fresh it is, and how long access lasts; and which accounts are one.

use std::collections::BTreeMap;

use super::args::{Accounts, AccountsVerb, Merge, Split};
use super::client::{Patience, path};
use super::error::CliError;
use super::object::Object;
use super::table::{Column, Table};
use super::text::{account_number, ago, days_left, one_line};
use super::{Code, Ctx, Method};
use crate::model::time::UtcInstant;

/// Lists accounts, merges two, or takes one apart.
pub async fn run(args: &Accounts, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    match &args.verb {
        None => list(ctx).await,
        Some(AccountsVerb::Merge(both)) => merge(both, ctx).await,
        Some(AccountsVerb::Split(one)) => split(one, ctx).await,
    }
}

/// Asks for a change of accounts and reads these as they are afterwards.
async fn change(
    target: &str,
    body: &serde_json::Value,
    ctx: &mut Ctx<'_>,
) -> Result<Option<Vec<Object>>, CliError> {
    let mut lines = ctx.client.lines(Method::Post, target, Some(body), Patience::Endless).await?;
    let mut objects = Vec::new();
    while let Some(line) = lines.next().await? {
        if ctx.json {
            ctx.output.json(line)?;
        } else {
            objects.push(Object::parse(line)?);
        }
    }
    Ok((!ctx.json).then_some(objects))
}

async fn merge(both: &Merge, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let body = serde_json::json!({ "kept": both.kept, "absorbed": both.absorbed });
    let Some(accounts) = change(&path(&["accounts", "merge"]), &body, ctx).await? else {
        return Ok(Code::Ok);
    };
    print(&accounts, ctx)?;
    if let Some(account) = accounts.first() {
        let id = one_line(account.text_or_empty("id"));
        let undo = ctx.command("banksyncd accounts split");
        ctx.output.note(&format!("\nthe two are one now; `{undo} {id}` takes them apart again"));
    }
    Ok(Code::Ok)
}

async fn split(one: &Split, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["accounts", &one.account, "split"]);
    if let Some(accounts) = change(&target, &serde_json::json!({}), ctx).await? {
        print(&accounts, ctx)?;
        ctx.output.note("\nthese are two accounts again");
    }
    Ok(Code::Ok)
}

async fn list(ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let target = path(&["accounts"]);
    if ctx.json {
        return ctx.pass(&target, Patience::Short).await;
    }
    let accounts = ctx.list(&target, Patience::Short).await?;
    if accounts.is_empty() {
        ctx.output.line("no accounts yet")?;
        let find = ctx.command("banksyncd institutions");
        let link = ctx.command("banksyncd link");
        ctx.output.note(&format!(
            "\nhint: find your bank with `{find} NAME`, then link it with `{link} ID`"
        ));
        return Ok(Code::Ok);
    }
    print(&accounts, ctx)?;
    Ok(Code::Ok)
}

/// Shows accounts as a table.
pub(super) fn print(accounts: &[Object], ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let now = ctx.now().wall;
    let mut table = Table::new(&[
        Column::left("ACCOUNT").whole(),
        Column::left("STATUS"),
        Column::left("SYNCED"),
        Column::left("ACCESS"),
    ]);
    for account in accounts {
        table.row(&row(account, now));
    }
    table.print(&mut ctx.output)
}

fn row(account: &Object, now: UtcInstant) -> [String; 4] {
    let mut head = label(account);
    let currency = account.text_or_empty("currency");
    if !currency.is_empty() {
        head = format!("{head} ({})", one_line(currency));
    }
    let mut lines = vec![head];
    let number = account.text("iban").or_else(|| account.text("bban"));
    lines.extend(number.map(account_number));
    lines.push(one_line(account.text_or_empty("institution_id")));
    lines.push(one_line(account.text_or_empty("id")));
    lines.push(String::new());
    let access = account.instant("access_expires_at");
    [
        lines.join("\n"),
        status(account),
        ago(now, account.instant("last_synced_at")),
        access.map_or_else(|| "-".to_owned(), |end| days(now, end)),
    ]
}

/// Days of access left.
pub(super) fn days(now: UtcInstant, end: UtcInstant) -> String {
    match days_left(now, end) {
        0 => "ended".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// The status, and what else there is to say about it.
fn status(account: &Object) -> String {
    let status = one_line(account.text_or_empty("status"));
    let failures = account.number("consecutive_failures").unwrap_or_default();
    if account.flag("enabled") == Some(false) {
        format!("{status}\noff")
    } else if failures > 0 {
        format!("{status}\n{failures} failed")
    } else {
        status
    }
}

/// What a person calls this account: its nickname, else the name, the product or the number that the bank gives it.
pub(super) fn label(account: &Object) -> String {
    let name = ["nickname", "name", "product", "iban", "bban", "id"]
        .into_iter()
        .find_map(|field| account.text(field).filter(|text| !text.trim().is_empty()));
    one_line(name.unwrap_or_default())
}

/// The labels of all accounts, by id.
pub(super) async fn labels(ctx: &Ctx<'_>) -> Result<BTreeMap<String, String>, CliError> {
    Ok(told_apart(&ctx.list(&path(&["accounts"]), Patience::Short).await?))
}

/// The labels of these accounts, by id. Banks give many accounts one name: then the end of the number and the currency are
/// added, or the bank in front, and where neither is enough the id stands instead.
pub(super) fn told_apart(accounts: &[Object]) -> BTreeMap<String, String> {
    let names = [label, longer, with_bank].map(|name| Names::of(accounts, name));
    let told = |one: &Object| {
        let told = names.iter().find_map(|names| names.only(one));
        told.unwrap_or_else(|| one_line(one.text_or_empty("id")))
    };
    accounts.iter().map(|one| (one.text_or_empty("id").to_owned(), told(one))).collect()
}

/// How many accounts have a name.
struct Names {
    name: fn(&Object) -> String,
    counts: BTreeMap<String, usize>,
}

impl Names {
    fn of(accounts: &[Object], name: fn(&Object) -> String) -> Self {
        let mut counts = BTreeMap::new();
        for one in accounts {
            *counts.entry(name(one)).or_default() += 1;
        }
        Self { name, counts }
    }

    /// The name of an account, if no other one has it.
    fn only(&self, one: &Object) -> Option<String> {
        let name = (self.name)(one);
        (self.counts.get(&name) == Some(&1)).then_some(name)
    }
}

/// The label, the end of the number, and the currency.
fn longer(account: &Object) -> String {
    let number = account.text("iban").or_else(|| account.text("bban")).unwrap_or_default();
    let surplus = number.chars().count().saturating_sub(4);
    let end: String = number.chars().skip(surplus).collect();
    let mut parts = vec![label(account)];
    parts.extend((!end.is_empty()).then(|| format!("…{}", one_line(&end))));
    parts.extend(account.text("currency").map(one_line));
    parts.join(" ")
}

/// The first word of the bank's id, and the label.
fn with_bank(account: &Object) -> String {
    let bank = account.text_or_empty("institution_id");
    let first = bank.split_once('_').map_or(bank, |(first, _rest)| first);
    format!("{} {}", one_line(first), label(account))
}

/// The label of an account by its id, else the id.
pub(super) fn name_of(labels: &BTreeMap<String, String>, object: &Object) -> String {
    let id = object.text_or_empty("account_id");
    labels.get(id).cloned().unwrap_or_else(|| one_line(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_one_name_are_told_apart() {
        let of_bank = |bank: &str, id: &str, name: &str, iban: &str, currency: &str| {
            let text = format!(
                r#"{{"id":"{id}","institution_id":"{bank}","name":"{name}","iban":"{iban}","currency":"{currency}"}}"#
            );
            Object::parse(text.as_bytes()).unwrap()
        };
        let account = |id: &str, name: &str, iban: &str, currency: &str| {
            of_bank("AMSTEL_AMSTNL2A", id, name, iban, currency)
        };
        let labels = told_apart(&[
            account("acc_1", "Giro", "DE0001", "EUR"),
            account("acc_2", "Giro", "DE0002", "EUR"),
            account("acc_3", "Giro", "DE0002", "USD"),
            account("acc_4", "Savings", "DE0003", "EUR"),
            account("acc_5", "Card", "", "EUR"),
            account("acc_6", "Card", "", "EUR"),
            account("acc_7", "Main", "NL00", "EUR"),
            of_bank("POLDER_POLDNL2U", "acc_8", "Main", "NL00", "EUR"),
        ]);
        let labels: Vec<&str> = labels.values().map(String::as_str).collect();
        let apart = ["Giro …0001 EUR", "Giro …0002 EUR", "Giro …0002 USD", "Savings"];
        let banks = ["AMSTEL Main", "POLDER Main"];
        assert_eq!(labels, [apart.as_slice(), &["acc_5", "acc_6"], &banks].concat());
    }
}
