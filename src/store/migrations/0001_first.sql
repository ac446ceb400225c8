-- The first schema. Times are milliseconds since 1970-01-01T00:00:00Z, dates are days since 1970-01-01, our ids are 16 bytes.
-- Documents are the planner's, as JSON; beside them stand only the columns that queries need.

-- One row: who this file is. The salt makes transaction ids of two databases differ.
CREATE TABLE database (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    salt       INTEGER NOT NULL CHECK (salt BETWEEN 0 AND 1099511627775),
    created_at INTEGER NOT NULL
) STRICT;

-- Tokens and the like, by name.
CREATE TABLE vault (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE provider (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE institution (
    id         TEXT PRIMARY KEY,
    doc        TEXT    NOT NULL,
    fetched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When the list of a country was read; the empty country is the list of all.
CREATE TABLE institution_list (
    country    TEXT PRIMARY KEY,
    fetched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE institution_listed (
    country        TEXT NOT NULL REFERENCES institution_list (country),
    institution_id TEXT NOT NULL REFERENCES institution (id),
    PRIMARY KEY (country, institution_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
    id  BLOB PRIMARY KEY CHECK (length(id) = 16),
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What raw rows are compressed with. A row here is never changed: rows refer to it for ever.
CREATE TABLE dictionary (
    id      INTEGER PRIMARY KEY CHECK (id > 0),
    content BLOB NOT NULL
) STRICT;

-- `memory` is what reconciliation remembers; `rows_version` grows with every answer that changed rows. Accounts that became
-- one stay as parts of it: `whole` is then the account that goes on (null: it is one itself). Transactions belong to the
-- whole; handles, calls, runs, balances, answers and coverage stay with the part whose handle was called.
CREATE TABLE account (
    number       INTEGER PRIMARY KEY,
    whole        INTEGER REFERENCES account (number),
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    doc          TEXT    NOT NULL,
    memory       TEXT    NOT NULL DEFAULT '{}',
    rows_version INTEGER NOT NULL DEFAULT 0,
    dictionary   INTEGER REFERENCES dictionary (id)
) STRICT;

CREATE INDEX account_whole ON account (whole) WHERE whole IS NOT NULL;

-- Accounts that became one, oldest first, and after which entry of `answer`. `doc` is the planner's: both as they were.
-- `memory` is the kept one's before.
CREATE TABLE account_union (
    number   INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES account (number),
    absorbed INTEGER NOT NULL REFERENCES account (number),
    at       INTEGER NOT NULL,
    after    INTEGER NOT NULL,
    memory   TEXT    NOT NULL,
    doc      TEXT    NOT NULL
) STRICT;

CREATE INDEX account_union_account ON account_union (account);

-- What the balance proof remembers of an account: sums of its listed rows as of its `rows_version`, and its balances.
CREATE TABLE proof (
    account INTEGER PRIMARY KEY REFERENCES account (number),
    doc     TEXT    NOT NULL
) STRICT;

-- Every handle that the provider ever gave an account.
CREATE TABLE account_alias (
    provider_account_id TEXT PRIMARY KEY,
    account             INTEGER NOT NULL REFERENCES account (number),
    since               INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_alias_account ON account_alias (account);

-- The call ledger. A reservation is written before its call leaves.
CREATE TABLE call (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    account             INTEGER NOT NULL REFERENCES account (number),
    scope               TEXT    NOT NULL CHECK (scope IN ('details', 'balances', 'transactions')),
    provider_account_id TEXT    NOT NULL,
    reserved_at         INTEGER NOT NULL,
    settled_at          INTEGER,
    state               TEXT    NOT NULL CHECK (state IN ('reserved', 'succeeded', 'unanswered', 'released'))
) STRICT;
CREATE INDEX call_account ON call (account);

-- A run is looked up by its id while it goes on, by its number ever after: there are thousands a year. Its id is the time of
-- its begin and `random`.
--   outcome   0 pulled, 1 unchanged, 2 failed; null: it goes on
--   changes   what it changed (see store::runs); null: nothing
--   balances  those of its answers that were new (see store::balance_items); null: none
CREATE TABLE run (
    number     INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES account (number),
    started_at INTEGER NOT NULL,
    random     BLOB    NOT NULL CHECK (length(random) = 10),
    took_ms    INTEGER,
    outcome    INTEGER CHECK (outcome BETWEEN 0 AND 2),
    changes    BLOB,
    balances   BLOB,
    CHECK ((took_ms IS NULL) = (outcome IS NULL))
) STRICT;
CREATE UNIQUE INDEX run_open ON run (random) WHERE outcome IS NULL;

-- What events say, once each: nearly all of them say the same about the same account day after day. `mark` is the first 8
-- bytes of BLAKE3 over the rest. The level follows from the code.
CREATE TABLE event_text (
    number         INTEGER PRIMARY KEY,
    mark           INTEGER NOT NULL,
    code           TEXT    NOT NULL,
    message        TEXT    NOT NULL,
    account_id     BLOB    CHECK (length(account_id) = 16),
    link_id        BLOB    CHECK (length(link_id) = 16),
    institution_id TEXT,
    scope          TEXT    CHECK (scope IN ('details', 'balances', 'transactions')),
    details        TEXT    NOT NULL
) STRICT;
CREATE INDEX event_text_mark ON event_text (mark);

-- It happened `after_ms` after its run began (null: when that ended); without a run, after 1970. An event outlives its account.
CREATE TABLE event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    after_ms INTEGER CHECK (after_ms IS NOT NULL OR run IS NOT NULL),
    text     INTEGER NOT NULL REFERENCES event_text (number),
    run      INTEGER REFERENCES run (number)
) STRICT;

-- Events that may not have reached the log yet.
CREATE TABLE event_unlogged (
    id INTEGER PRIMARY KEY REFERENCES event (id)
) STRICT;

-- Messages that wait for a target of `[[notify]]`, by its name: written with the event that they tell of, deleted when the
-- target has taken them. `key` is what a receiver knows a message by that comes a second time.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT    NOT NULL,
    event  INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    key    BLOB    NOT NULL CHECK (length(key) = 16)
) STRICT;
CREATE INDEX outbox_event ON outbox (event);

-- Balances come in series: an account, a type, a currency, the place among equals of these in one answer. `form` is the text
-- of its first item with the amount and the date left out; `newest` is the run that brought its newest item.
CREATE TABLE balance_series (
    number       INTEGER PRIMARY KEY,
    account      INTEGER NOT NULL REFERENCES account (number),
    balance_type TEXT    NOT NULL,
    currency     TEXT,
    place        INTEGER NOT NULL CHECK (place >= 0),
    form         TEXT    NOT NULL,
    newest       INTEGER NOT NULL
) STRICT;
CREATE INDEX balance_series_account ON balance_series (account);

-- Each answer that consists of other series than the one before it, in order (varints): an answer is the newest balances of
-- its series. The same series again move `last_at`.
CREATE TABLE balance_answer (
    number   INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES account (number),
    series   BLOB    NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX balance_answer_account ON balance_answer (account, number);

-- Transactions, lean: what listing order and matching need, and the raw row as received. Everything else is read from
-- `raw` when it is asked for. The public id is made from the first run's time, the salt and `number`, so it needs no index.
--   effective     booking date, else value date, else the date part of the date-times; null: undated
--   lead_days     days from the earliest of all dates to `effective`; for a row with date-times only, which no filter of the
--                 provider looks at, -1 minus that
--   hash          first 16 bytes of BLAKE3 over the raw row
--   status        0 booked, 1 pending
--   state         0 current, 1 missing, 2 vanished, 3 closed
--   revision_run  the run that brought the present text; null: the first run did
--   tier          why the present text goes on from the one before: 0 it is the first, 1 identical, 2 internal id, 3 bank id,
--                 4 fingerprint, 5 proven id with another amount, 6 similar
--   dictionary    0: stored plain
-- `account` and `first_run` refer to account.number and run.number. No foreign keys: looking both up for each of a hundred
-- thousand rows of one account and run costs a seventh of a first sync; `verify` checks them instead.
CREATE TABLE bank_transaction (
    number       INTEGER PRIMARY KEY,
    account      INTEGER NOT NULL,
    first_run    INTEGER NOT NULL,
    effective    INTEGER,
    lead_days    INTEGER NOT NULL DEFAULT 0,
    hash         BLOB    NOT NULL CHECK (length(hash) = 16),
    status       INTEGER NOT NULL CHECK (status IN (0, 1)),
    state        INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    revision     INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1),
    revision_run INTEGER,
    tier         INTEGER NOT NULL DEFAULT 0 CHECK (tier BETWEEN 0 AND 6),
    dictionary   INTEGER NOT NULL,
    raw          BLOB    NOT NULL
) STRICT;
-- The one index: a window is loaded for comparison without touching the table.
CREATE INDEX bank_transaction_window ON bank_transaction (account, effective, hash, lead_days, status, state, revision);

CREATE INDEX bank_transaction_missing ON bank_transaction (account) WHERE state = 1;

-- How many rows of an account ever came without a readable amount or date; only accounts that have such.
CREATE TABLE not_understood (
    account INTEGER PRIMARY KEY REFERENCES account (number),
    rows    INTEGER NOT NULL CHECK (rows > 0)
) STRICT;

-- Texts that a later revision replaced.
CREATE TABLE bank_transaction_version (
    bank_transaction INTEGER NOT NULL REFERENCES bank_transaction (number),
    revision         INTEGER NOT NULL,
    run              INTEGER NOT NULL REFERENCES run (number),
    tier             INTEGER NOT NULL DEFAULT 0 CHECK (tier BETWEEN 0 AND 6),
    dictionary       INTEGER NOT NULL,
    raw              BLOB    NOT NULL,
    PRIMARY KEY (bank_transaction, revision)
) STRICT, WITHOUT ROWID;

-- Rows that are not current: since when, what the answer that lacked them said, and when they were last seen.
CREATE TABLE bank_transaction_absence (
    bank_transaction INTEGER PRIMARY KEY REFERENCES bank_transaction (number),
    since            INTEGER NOT NULL,
    last_updated     TEXT,
    last_seen_at     INTEGER NOT NULL
) STRICT;

-- What a row was before an answer of the other side of a union first changed it; `since` and the rest as in its absence.
CREATE TABLE bank_transaction_before (
    account_union    INTEGER NOT NULL REFERENCES account_union (number),
    bank_transaction INTEGER NOT NULL REFERENCES bank_transaction (number),
    revision         INTEGER NOT NULL,
    status           INTEGER NOT NULL CHECK (status IN (0, 1)),
    state            INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    since            INTEGER,
    last_updated     TEXT,
    last_seen_at     INTEGER,
    PRIMARY KEY (account_union, bank_transaction)
) STRICT, WITHOUT ROWID;

-- Payments that both accounts of a union had: `bank_transaction` goes on, `twin` rests in the absorbed account.
CREATE TABLE bank_transaction_twin (
    account_union    INTEGER NOT NULL REFERENCES account_union (number),
    bank_transaction INTEGER NOT NULL REFERENCES bank_transaction (number),
    twin             INTEGER NOT NULL REFERENCES bank_transaction (number),
    PRIMARY KEY (account_union, bank_transaction)
) STRICT, WITHOUT ROWID;

-- The log of answers, in the order of their coming: in which run, how long after it began (null: when it ended), what it gave
-- as `last_updated` (see store::stamp), by which version of the matching rules it was applied. A distinct answer has its window and the ordered
-- list of row versions, twins twice (see store::answers); one that was the same as the one before it for its window has
-- that one's number in place of `items`, and no window of its own. It is all that is needed to match the past anew.
CREATE TABLE answer (
    number       INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL REFERENCES run (number),
    after_ms     INTEGER,
    last_updated ANY,
    strategy     INTEGER NOT NULL,
    date_from    INTEGER,
    items        ANY     NOT NULL CHECK (typeof(items) IN ('blob', 'integer'))
) STRICT;

-- The newest answer of each of an account's latest windows (`date_from` is then never null; see store::coverage). Dated rows
-- on or after `floor` are surely covered by it (null: it has no dated booked row); `rows_version` is the account's after it
-- was last applied.
CREATE TABLE answer_window (
    account      INTEGER NOT NULL REFERENCES account (number),
    date_from    INTEGER NOT NULL,
    answer       INTEGER NOT NULL REFERENCES answer (number),
    floor        INTEGER,
    rows_version INTEGER NOT NULL,
    PRIMARY KEY (account, date_from)
) STRICT, WITHOUT ROWID;

-- When rows with every date on or after `floor` were last surely covered (see store::coverage for undated rows). Only rows that no lower
-- floor with a later time makes pointless are kept, so there are few: `last_seen_at` of a listed row is found here.
CREATE TABLE coverage (
    account INTEGER NOT NULL REFERENCES account (number),
    floor   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, floor)
) STRICT, WITHOUT ROWID;
