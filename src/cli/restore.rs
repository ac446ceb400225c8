//! `restore`: puts a backup in the place of the database. Everything is checked before anything is replaced, and what was
//! there is kept. The daemon must be stopped.

use super::args::{Global, Restore};
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::{key, recovery_key};
use crate::daemon::clock::{OsClock, OsEntropy};
use crate::daemon::{DaemonError, store_exit};
use crate::exit::Code;
use crate::model::port::{Clock as _, Entropy as _};
use crate::observe::Chain;
use crate::store::{self, Kind, Restored};

/// Restores.
pub(super) fn run(args: &Restore, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    let restored = restore(args, global, output)?;
    if global.json {
        let kept = restored.kept.as_ref().map(|path| path.to_string_lossy());
        let ledger_kept = restored.ledger_kept;
        output.object(&serde_json::json!({ "kept": kept, "ledger_kept": ledger_kept }))?;
        return Ok(Code::Ok);
    }
    output.line("the backup is in place")?;
    if let Some(kept) = &restored.kept {
        output.line(&format!("what was there is kept as `{}`", kept.display()))?;
    }
    if !restored.ledger_kept {
        output.note(
            "the calls of the last day are not known any more: to stay within the banks\' quotas, the next pulls are in 24 hours",
        );
    }
    output.note("\nhint: start the daemon again with `systemctl start banksyncd`");
    Ok(Code::Ok)
}

fn restore(args: &Restore, global: &Global, output: &mut Output) -> Result<Restored, CliError> {
    let config = key::config(global)?;
    let key = key::read(&config, global)?;
    let backup_key = args.recovery_key.then(|| recovery_key::ask(output)).transpose()?;
    let now = OsClock::new().now().wall;
    let backup = (args.file.as_path(), backup_key);
    let mut progress = Progress::new(output);
    progress.spin("checking the backup");
    let restored = store::restore(config.store.path, key, backup, now, OsEntropy.bits());
    progress.clear();
    restored.map_err(|error| refused(args, error))
}

/// Everything that is wrong with contents is wrong with the backup: the database itself may be in any state.
fn refused(args: &Restore, error: store::Error) -> CliError {
    let (wrong, hint) = match error.kind() {
        Kind::Damaged => (format!("is damaged ({})", Chain(&error)), "use another backup"),
        Kind::WrongKey => (
            "was made with another key".to_owned(),
            "give the key that it was made with: `--recovery-key` asks for it",
        ),
        _ => return DaemonError::Open(error).into(),
    };
    CliError::Failed {
        exit: store_exit(error.kind()),
        message: format!("the backup `{}` {wrong}", args.file.display()),
        hint: Some(format!("{hint}; nothing was changed")),
    }
}
