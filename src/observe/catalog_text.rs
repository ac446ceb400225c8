//! The texts of the catalogue: for every event what happened, why, and what to do. Data only.

use crate::model::notice::EventCode;

use super::catalog::Text;

macro_rules! texts {
    ($($code:ident $title:literal $explanation:literal $cure:literal $command:literal;)+) => {
        /// The text of an event.
        pub const fn text(code: EventCode) -> Text {
            match code {
                $(EventCode::$code => Text {
                    title: $title,
                    explanation: $explanation,
                    cure: $cure,
                    command: $command,
                },)+
            }
        }
    };
}

texts! {
    DaemonStarted "The daemon is up"
        "The configuration was read, the database opened and checked, and the control socket answers. Pulls that were \
         missed while the daemon was down are made up for as far as the quota allows."
        "" "";
    DaemonStopped "The daemon goes down in good order"
        "It was asked to stop. A call under way was finished and stored, the database was closed."
        "" "";
    ConfigReloaded "A changed configuration is in force"
        "The configuration was read again, found good and taken over without a restart."
        "" "";
    ConfigRejected "A changed configuration is bad; the old one stays in force"
        "The configuration was read again and has problems. The daemon goes on with the one that it had, but will not \
         start with this file."
        "See all problems with their places, mend them, and reload:"
        "banksyncd check-config";
    TokenIssued "A new pair of tokens was made"
        "The provider gave an access token and a refresh token for the API secret. This happens at the first start, when \
         the refresh token has ended or when the secret was changed."
        "" "";
    TokenRefreshed "The access token was renewed"
        "The access token was about to end and was replaced by means of the refresh token. This is routine."
        "" "";
    CredentialsRejected "The provider refuses the API secret"
        "The secret id or the secret key is wrong, or the secret was deleted or disabled in the provider's portal. All \
         calls stop; the daemon tries again, slowly."
        "Make a secret in the provider's portal, put its id and key where the configuration says, and restart the daemon:"
        "systemctl restart banksyncd";
    IpNotAllowed "The provider refuses calls from this address"
        "The API secret is limited to certain addresses, and the address of this machine is not among them; perhaps it \
         has changed. All calls stop; the daemon tries again, slowly."
        "Add the public address of this machine to the secret in the provider's portal, then ask for a pull:"
        "banksyncd sync --wait";
    PlanLimitReached "The limit of the provider's plan is reached"
        "The provider answers that payment is required: the plan does not cover more accounts or links. All calls stop; \
         the daemon tries again, slowly."
        "Look at the plan in the provider's portal, or remove links that are not needed. All links are listed by:"
        "banksyncd links";
    LinkCreated "A link waits for a person at the bank"
        "A link was made. Somebody has to open its address in a browser and agree at the bank; the daemon asks the \
         provider until that is done, refused or given up."
        "The address is shown by:"
        "banksyncd links";
    LinkCompleted "Access was given at the bank"
        "The account holder agreed, and the provider lists the accounts of the link. They are pulled from now on."
        "" "";
    LinkFailed "Linking failed"
        "The bank, the provider or the account holder refused the link. Nothing was stored for it."
        "Try again, perhaps with fewer days of history; the institutions are listed by `banksyncd institutions`:"
        "banksyncd link {institution}";
    LinkAbandoned "Nobody finished linking"
        "The address of the link was not used in time, or the way through the bank was not finished. The link is over."
        "If it is still wanted, begin again:"
        "banksyncd link {institution}";
    LinkReplaced "A successor has taken over"
        "A newer link gives access to the accounts of this one. Accounts keep their ids and their history; the old link \
         was removed at the provider."
        "" "";
    AccessExpiring "Access to a bank ends soon"
        "The account holder agreed for a limited time, and that time is nearly over. When it ends, no data come any more."
        "Renew it while the old link still works; the accounts keep their ids and their history:"
        "banksyncd renew {link}";
    AccessExpired "Access to a bank has ended"
        "The time for which the account holder agreed is over. The accounts of the link are not called any more; what is \
         stored stays."
        "Somebody has to agree again at the bank; the accounts keep their ids and their history:"
        "banksyncd renew {link}";
    AccessRevoked "Access to a bank was taken back"
        "The account holder, the bank or the provider ended access before its time. The accounts of the link are not \
         called any more; what is stored stays."
        "If access is still wanted, somebody has to agree again at the bank:"
        "banksyncd renew {link}";
    AccessRenewed "Access to a bank was renewed"
        "A new link gives access to accounts that were known before. They keep their ids and their history."
        "" "";
    ReconfirmationDue "Access has to be confirmed"
        "In Great Britain the account holder confirms every 90 days that access goes on, from 14 days before that day. After \
         it no data come until that is done, and 14 days later access ends."
        "Open the page that this prints, and look at the outcome with it afterwards:"
        "banksyncd reconfirm {link}";
    ReconfirmationDone "Access was confirmed"
        "The account holder has said for each account whether access goes on. Those that were confirmed go on for 90 days more."
        "" "";
    AccountDiscovered "A new account"
        "A link opened an account that was not known before. It is pulled from now on."
        "" "";
    AccountsAmbiguous "Which account continues as which is not clear"
        "A link opened an account that could be one of those known before. They are kept apart, so that no history is \
         mixed up by a guess. One that may continue an account that is switched off is not pulled meanwhile."
        "Say which two are one by `banksyncd accounts merge OLD NEW`, the old one first: its id goes on. If it is an \
         account of its own, give it an [[account]] in the config. All accounts are listed by:"
        "banksyncd accounts";
    AccountsMerged "Two accounts are one"
        "Two entries are the same account at the bank, by the rows that both have or because a person said so. It has \
         the history of both, and each payment once."
        "If they are not, this takes them apart again, exactly as they were:"
        "banksyncd accounts split {account}";
    AccountForgotten "An account was forgotten"
        "A person had everything of it erased from the database. It is not pulled any more, and a renewal does not bring it \
         back. Backups and exports that were made before still have it."
        "" "";
    AccountSuspended "The provider suspended an account"
        "After too many failures in a row the provider refuses every call for this account. It never lifts this by \
         itself; what is stored stays."
        "Only a new link gives access again:"
        "banksyncd link {institution}";
    AccountPaused "An account is left alone after failures in a row"
        "Calls for this account failed several times in a row. The provider suspends an account for good after ten, so \
         the daemon stops well before, asks only for the account's health, and goes on when it is well again."
        "Often the bank has a bad day and nothing is to be done. If it lasts, look at the events; to try once more now:"
        "banksyncd sync --force --wait {account}";
    AccountInactive "An account is closed at the bank"
        "The bank says that this account is inactive or closed. It is not called any more; what is stored stays."
        "If it is open after all, make a new link; else disable the account in the configuration (`enabled = false`)."
        "";
    AccountRecovered "An account works again"
        "A call succeeded for an account that had been failing. Pulls go on as planned."
        "" "";
    AccountStale "An account has had no fresh data for too long"
        "The last complete pull of this account is older than `freshness` allows, whatever the cause: a provider that is \
         down, a quota that is spent, access that has ended, a daemon that did not run."
        "See the cause and its cure:"
        "banksyncd status";
    ScopeRefused "A bank does not give one kind of data"
        "The bank refuses one kind of data for this account (details, balances or transactions; see BANKSYNCD_SCOPE). \
         It is not asked for any more; the other kinds go on."
        "If it was given before, a new link may bring it back:"
        "banksyncd renew {link}";
    SyncCompleted "A pull ended well"
        "Everything that was due for an account was read and stored."
        "" "";
    SyncFailed "A pull ended without all of its data"
        "One of the calls of a pull failed. What came is stored; the rest is tried again after a while."
        "Nothing is to be done unless it goes on. What needs a person is shown by:"
        "banksyncd status";
    QuotaSpent "No calls are left for now"
        "The bank allows only a few calls per account and day, and they are spent. The next pull waits until the \
         oldest of them is 24 hours old; it is late, not left out."
        "The calls left and the next allowed instant are shown by:"
        "banksyncd quota";
    ProviderUnavailable "The provider does not answer"
        "There is no answer, or one that is not from the API: the network, the provider or something between is down. \
         The daemon tries again, more and more slowly."
        "Check the network of this machine and the provider's status page; nothing is lost meanwhile."
        "";
    ProviderRecovered "The provider answers again"
        "A call succeeded after an outage. What was missed is made up for as far as the quota allows."
        "" "";
    TransactionsAdded "New transactions"
        "A pull brought booked or pending transactions that were not known."
        "They are listed by:"
        "banksyncd transactions {account}";
    TransactionChanged "The bank changed a transaction"
        "A transaction that is known came again with other words or dates. The new version is shown, the old one kept."
        "" "";
    TransactionVanished "The bank took a transaction back"
        "A booked transaction that the bank listed before is absent from answers that should hold it. It is kept, and \
         no longer listed as current."
        "Compare with the bank's own statement. All rows in every state are listed by:"
        "banksyncd transactions --all {account}";
    RowsNotUnderstood "Rows are kept that could not be understood"
        "The bank sent transactions without a readable amount or date. They are stored as they came and listed with \
         flags; no other row is affected."
        "Look at them as the bank sent them:"
        "banksyncd transactions --raw {account}";
    ValueNotUnderstood "The provider uses a word that is not known"
        "A status or another word from the provider is new to this version. It is stored as it came, and calls go on by \
         the other signs."
        "Nothing is to be done; a newer version may know the word."
        "";
    BalanceMismatch "Balance and transactions do not agree"
        "The bank's balance changed by another amount than its transactions say. A transaction may be missing, doubled or \
         late."
        "Compare with the bank's own statement. The balances are listed by:"
        "banksyncd balances --history {account}";
    BalanceExplained "Balance and transactions agree again"
        "A difference between the bank's balance and its transactions that was reported is gone: the transaction came, \
         or the balance followed."
        "" "";
    ClockStepped "The system clock jumped"
        "The clock of this machine was set or had stopped. What is due is computed anew; calls may be late, never too \
         many."
        "See that the clock is kept by a time service:"
        "timedatectl status";
    StoreFull "The database cannot be written"
        "The disk is full, or the folder is not writable. Calls stop until there is room; nothing that was stored is lost."
        "Make room on the disk that holds the database:"
        "df -h /var/lib/banksyncd";
    StoreIntegrityFailed "The database is damaged"
        "A check of the database found pages or contents that are not as they were written: a fault of the disk or of \
         another program. The file is left as it is."
        "Stop the daemon, keep a copy of the file, and restore the latest backup. What is wrong is shown by:"
        "banksyncd verify";
    BackupCompleted "A backup was written"
        "A copy of the database was written and checked. It opens with the same key."
        "" "";
    BackupFailed "A backup could not be written"
        "The copy of the database could not be written or did not pass its check. Earlier backups are untouched."
        "Look at the message, make room or mend the permissions, and try again with `banksyncd backup FILE`."
        "";
    NotifyFailed "Messages to a target were given up"
        "A target of `[[notify]]` did not take its messages for three days, said that it wants no more of them, or had a \
         thousand waiting. What they would have told is in the list of events. Newer messages are still tried; this is \
         told once, until the target takes a message again."
        "See what is wrong with which target, mend it, and try it with `banksyncd notify test`:"
        "banksyncd notify";
}
