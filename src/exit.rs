//! How the program ends: the codes of sysexits(3) that it uses, and what the service manager makes of them.
//!
//! The unit restarts the daemon on failure, except after codes that a restart cannot heal
//! (`RestartPreventExitStatus=64 65 66 77 78`); [`Code::restart_helps`] says the same and a packaging test compares them.

use std::fmt;
use std::process::ExitCode;

/// An exit code. A panic has none: it aborts the process, and the unit restarts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// 0: done; `status`: nothing needs a person. The unit stays stopped.
    Ok,
    /// 1: partial failure, broken promise, link rejected or abandoned; `status`: something needs a person. The unit restarts.
    Partial,
    /// 64: wrong use of the command line. The unit stays failed.
    Usage,
    /// 65: damaged database or backup, or an input file that is not understood. The unit stays failed, the file untouched.
    DataErr,
    /// 69: the daemon cannot be reached. Clients only.
    Unavailable,
    /// 70: a fault in the program. The unit restarts.
    Software,
    /// 73: a file, folder or socket cannot be created. The unit restarts.
    CantCreate,
    /// 74: input or output failed, or the disk is full. The unit restarts.
    IoErr,
    /// 75: try later: quota spent, provider down, another daemon holds the database. The unit restarts.
    TempFail,
    /// 77: not permitted (socket, files). The unit stays failed.
    NoPerm,
    /// 78: bad or missing configuration, credential or key, wrong key, newer schema. The unit stays failed.
    Config,
}

impl Code {
    /// All of them, ascending.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Partial,
        Self::Usage,
        Self::DataErr,
        Self::Unavailable,
        Self::Software,
        Self::CantCreate,
        Self::IoErr,
        Self::TempFail,
        Self::NoPerm,
        Self::Config,
    ];

    /// The number that the shell sees.
    pub const fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Partial => 1,
            Self::Usage => 64,
            Self::DataErr => 65,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::CantCreate => 73,
            Self::IoErr => 74,
            Self::TempFail => 75,
            Self::NoPerm => 77,
            Self::Config => 78,
        }
    }

    /// From the number, as the control socket carries it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// When it is used, for help and manual.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done; `status`: nothing needs a person",
            Self::Partial => {
                "partial failure, broken promise, link rejected or abandoned; `status`: something needs a person"
            }
            Self::Usage => "wrong use of the command line",
            Self::DataErr => "damaged database or backup; input file not understood",
            Self::Unavailable => "daemon not reachable",
            Self::Software => "internal error",
            Self::CantCreate => "a file, folder or socket cannot be created",
            Self::IoErr => "input or output failed, disk full",
            Self::TempFail => {
                "try later: quota spent, provider down, another daemon holds the database"
            }
            Self::NoPerm => "not permitted (socket, files)",
            Self::Config => {
                "bad or missing configuration, credential or key, wrong key, newer schema"
            }
        }
    }

    /// Whether starting the daemon again, with nothing changed, can go better.
    pub const fn restart_helps(self) -> bool {
        match self {
            Self::Partial | Self::Software | Self::CantCreate | Self::IoErr | Self::TempFail => {
                true
            }
            Self::Ok
            | Self::Usage
            | Self::DataErr
            | Self::Unavailable
            | Self::NoPerm
            | Self::Config => false,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_come_back() {
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(code));
            assert!(!code.meaning().is_empty());
        }
        assert!(Code::ALL.is_sorted());
        assert_eq!(Code::from_number(2), None);
        let never: Vec<u8> = Code::ALL
            .into_iter()
            .filter(|code| !code.restart_helps() && !matches!(code, Code::Ok | Code::Unavailable))
            .map(Code::number)
            .collect();
        assert_eq!(never, [64, 65, 77, 78]);
    }
}
