//! What can go wrong with the database, told apart by what a person has to do about it.
//!
//! Messages never hold row data or keys: values travel as bound parameters, so SQLite's texts cannot quote them.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What follows from an [`Error`], for exit codes and decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Another key is needed.
    WrongKey,
    /// A plain SQLite file lies at the path.
    NotEncrypted,
    /// The file is damaged; it was left as it is.
    Damaged,
    /// A newer program made the file.
    NewerSchema,
    /// Another process holds the file.
    Busy,
    /// The file or its folder cannot be made.
    CannotCreate,
    /// File permissions are in the way.
    NotPermitted,
    /// Reading or writing failed.
    Io,
    /// No space is left; nothing was half-written, the same call can be tried again.
    Full,
    /// The store was closed.
    Closed,
    /// The request contradicts what is stored.
    Refused,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// What a person can do about it.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Kind::WrongKey => {
                Some("give the key with which this database was made; nothing was changed")
            }
            Kind::NotEncrypted => {
                Some("name another `[store] path`, or move that file away; nothing was changed")
            }
            Kind::Damaged => Some(
                "keep the file, see what is damaged with `banksyncd verify`, and restore a backup with `banksyncd restore FILE`; nothing was changed",
            ),
            Kind::NewerSchema => {
                Some("install the version that made it, or a newer one; nothing was changed")
            }
            Kind::Busy => Some(
                "stop that process first (`systemctl stop banksyncd`, or Ctrl-C where it runs), or name another `[store] path`",
            ),
            Kind::CannotCreate | Kind::NotPermitted => {
                Some("make the folder of `[store] path` belong to the user that runs banksyncd")
            }
            Kind::Full => Some("free some space; the daemon goes on by itself"),
            Kind::Io => Some("look at the disk and its file system: `journalctl -k`"),
            Kind::Closed | Kind::Refused | Kind::Internal => None,
        }
    }
}

/// A failed operation of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key check says so, or there is none and nothing else is plausible.
    #[error("`{}` was made with another key{}", .path.display(), unchecked_text(*.checked))]
    WrongKey {
        /// The database.
        path: PathBuf,
        /// Whether the key check says so.
        checked: bool,
    },
    /// The file begins as an unencrypted database does.
    #[error("`{}` is a plain SQLite file, not an encrypted database", .path.display())]
    NotEncrypted {
        /// The file.
        path: PathBuf,
    },
    /// The key is right and the contents are not; where it showed is its source.
    #[error("the database `{}` is damaged", .path.display())]
    DamagedFile {
        /// The database.
        path: PathBuf,
        /// Where it showed.
        source: Box<Error>,
    },
    /// Contents that are not what this program writes.
    #[error("what is stored is not whole ({what})")]
    Damaged {
        /// Where it showed.
        what: String,
    },
    /// Made by a newer version of this program.
    #[error("the database has schema version {found}, this program knows versions up to {known}")]
    NewerSchema {
        /// In the file.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// Held by another process.
    #[error("`{}` is in use by {}", .path.display(), holder_text(*.holder))]
    Busy {
        /// The database.
        path: PathBuf,
        /// The process that holds it, if it says.
        holder: Option<u32>,
    },
    /// A file operation failed.
    #[error("cannot {operation} `{}`", .path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A database operation failed.
    #[error("cannot {operation}")]
    Sql {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// A document could not be written or read as JSON.
    #[error("cannot {operation}: its JSON does not fit")]
    Document {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: serde_json::Error,
    },
    /// Not with what is stored.
    #[error("{0}")]
    Refused(&'static str),
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// This program contradicts itself.
    #[error("{0}")]
    Internal(&'static str),
}

impl Error {
    /// What follows from it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::WrongKey { .. } => Kind::WrongKey,
            Self::NotEncrypted { .. } => Kind::NotEncrypted,
            Self::Damaged { .. } | Self::DamagedFile { .. } => Kind::Damaged,
            Self::NewerSchema { .. } => Kind::NewerSchema,
            Self::Busy { .. } => Kind::Busy,
            Self::File { operation, source, .. } => file_kind(operation, source),
            Self::Sql { source, .. } => sql_kind(source),
            Self::Document { .. } | Self::Internal(_) => Kind::Internal,
            Self::Refused(_) => Kind::Refused,
            Self::Closed => Kind::Closed,
        }
    }

    /// Whether trying again later can help: the disk was full, a device failed for a moment.
    pub fn may_heal(&self) -> bool {
        match self.kind() {
            Kind::Full | Kind::Io | Kind::Busy => true,
            Kind::WrongKey
            | Kind::NotEncrypted
            | Kind::Damaged
            | Kind::NewerSchema
            | Kind::CannotCreate
            | Kind::NotPermitted
            | Kind::Closed
            | Kind::Refused
            | Kind::Internal => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.kind().hint()
    }

    /// The process that holds the database, where that is the problem and it is known.
    pub fn holder(&self) -> Option<u32> {
        match self {
            Self::Busy { holder, .. } => *holder,
            _ => None,
        }
    }

    /// For `map_err` on a database operation: `operation` completes "cannot …".
    pub(super) fn sql(operation: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Sql { operation, source }
    }

    /// For `map_err` on a file operation.
    pub(super) fn file(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { operation, path: path.to_owned(), source }
    }

    /// For `map_err` on a document.
    pub(super) fn document(operation: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |source| Self::Document { operation, source }
    }

    /// Names the file, where it is the file that is wrong.
    pub(super) fn about(self, path: &Path) -> Self {
        if self.kind() != Kind::Damaged || matches!(self, Self::DamagedFile { .. }) {
            return self;
        }
        Self::DamagedFile { path: path.to_owned(), source: Box::new(self) }
    }

    /// Stored bytes are not what this program writes.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

fn unchecked_text(checked: bool) -> &'static str {
    if checked { "" } else { ", or its beginning is damaged (there is no key check beside it)" }
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn file_kind(operation: &str, error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::NotPermitted,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Kind::Full
        }
        io::ErrorKind::ReadOnlyFilesystem => Kind::Io,
        _ if operation == CREATE => Kind::CannotCreate,
        _ => Kind::Io,
    }
}

/// The operation whose failure means [`Kind::CannotCreate`].
pub(super) const CREATE: &str = "create";

fn sql_kind(error: &rusqlite::Error) -> Kind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Kind::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Damaged,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
        Some(ErrorCode::PermissionDenied) => Kind::NotPermitted,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory,
        ) => Kind::Io,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_errors_are_told_apart() {
        let kind = |operation, kind: io::ErrorKind| {
            Error::file(operation, Path::new("/x"))(io::Error::from(kind)).kind()
        };
        assert_eq!(kind(CREATE, io::ErrorKind::NotFound), Kind::CannotCreate);
        assert_eq!(kind(CREATE, io::ErrorKind::PermissionDenied), Kind::NotPermitted);
        assert_eq!(kind(CREATE, io::ErrorKind::StorageFull), Kind::Full);
        assert_eq!(kind(CREATE, io::ErrorKind::ReadOnlyFilesystem), Kind::Io);
        assert_eq!(kind("read", io::ErrorKind::NotFound), Kind::Io);
    }
}
