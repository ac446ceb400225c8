//! `replay`: what the present rules make of all stored answers, compared with what is stored. Needs the database to itself.

use super::args::{Global, Replay};
use super::directly;
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::table::{Column, Table};
use crate::daemon::run::runtime;
use crate::exit::Code;
use crate::store::{Difference, Replayed};

/// Replays, shows the differences, and applies them if that is wanted.
pub(super) fn run(args: &Replay, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    let work = directly::replay(global, args.apply);
    let watched = Progress::during("matching all answers anew", output.is_watched(), work);
    let replayed = runtime()?.block_on(watched)?;
    if global.json {
        for difference in &replayed.differences {
            output.object(difference)?;
        }
    } else if !replayed.differences.is_empty() {
        print(&replayed.differences, output)?;
    }
    output.note(&summary(&replayed, args.apply));
    Ok(Code::Ok)
}

fn print(differences: &[Difference], output: &mut Output) -> Result<(), CliError> {
    let mut table = Table::new(&[
        Column::left("ACCOUNT OR TRANSACTION").whole(),
        Column::left("DIFFERS IN"),
        Column::left("STORED"),
        Column::left("REPLAYED"),
    ]);
    for difference in differences {
        let transaction = difference.transaction_id.map(|id| id.to_string());
        let account = difference.account_id.map(|id| id.to_string());
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.row(&[
            transaction.or(account).unwrap_or_else(|| "-".to_owned()),
            difference.what.as_str().to_owned(),
            side(&difference.stored),
            side(&difference.replayed),
        ]);
    }
    table.print(output)
}

fn summary(replayed: &Replayed, apply: bool) -> String {
    let Replayed { answers, transactions, differences } = replayed;
    let looked_at = format!("{answers} answers replayed, {transactions} transactions compared");
    match differences.len() {
        0 => format!("{looked_at}: no difference"),
        1 if apply => format!("{looked_at}: 1 difference, applied"),
        count if apply => format!("{looked_at}: {count} differences, applied"),
        1 => format!("{looked_at}: 1 difference, not applied without `--apply`"),
        count => format!("{looked_at}: {count} differences, not applied without `--apply`"),
    }
}
