//! A program with its arguments, without a shell: the event as JSON on standard input and as `BANKSYNCD_*` in an environment
//! that has nothing else but `PATH`. It runs in a process group of its own, which ends with the time limit.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Failed, Messenger};
use crate::model::port::BoxFuture;
use crate::model::time::UtcInstant;
use crate::outbox::Letter;

/// Where the program finds others.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// How much of what it prints is kept, in bytes.
const OUTPUT_BYTES_MAX: usize = 4_096;
/// How long to wait for the last words of a program that has ended but left its output open to another one.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A program.
#[derive(Debug)]
pub(super) struct Exec {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

/// A process group that is ended when it is dropped, unless it was let go.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may be gone already.
            let _gone = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Exec {
    pub(super) fn new(program: PathBuf, arguments: Vec<String>, timeout: Duration) -> Self {
        Self { program, arguments, timeout }
    }

    async fn run(&self, letter: &Letter) -> Result<(), Failed> {
        let printed = Mutex::new(Vec::new());
        let ended = timeout(self.timeout, self.ended(letter, &printed)).await;
        let reason = match ended {
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => format!("the program ended with {status}"),
            Ok(Err(error)) => format!("the program cannot be run: {error}"),
            Err(_elapsed) => {
                format!(
                    "the program was ended, because it took more than {} s",
                    self.timeout.as_secs()
                )
            }
        };
        let printed = printed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let output = String::from_utf8_lossy(&printed).trim().to_owned();
        let output = (!output.is_empty()).then_some(output);
        Err(Failed { output, ..Failed::because(reason) })
    }

    /// Runs the program to its end and keeps what it prints.
    async fn ended(
        &self,
        letter: &Letter,
        printed: &Mutex<Vec<u8>>,
    ) -> std::io::Result<ExitStatus> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", PATH)
            .envs(letter.words.iter().map(|(name, value)| (*name, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let mut group = Group(leader);
        let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let talk = async {
            let feed = async {
                if let Some(mut input) = input {
                    // A program need not read what it is given.
                    let _unread = input.write_all(letter.json.as_bytes()).await;
                }
            };
            tokio::join!(feed, listen(out, printed), listen(err, printed));
        };
        tokio::pin!(talk);
        let mut talking = true;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = &mut talk, if talking => talking = false,
            }
        };
        if talking {
            // What it leaves running in the background may go on.
            let _silent = timeout(LAST_WORDS, talk).await;
        }
        group.0 = None;
        Ok(status)
    }
}

/// Reads to the end, and keeps as much as there is room for.
async fn listen(pipe: Option<impl AsyncRead + Unpin>, printed: &Mutex<Vec<u8>>) {
    let Some(mut pipe) = pipe else { return };
    let mut piece = [0; 1_024];
    while let Ok(length) = pipe.read(&mut piece).await {
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { return };
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OUTPUT_BYTES_MAX.saturating_sub(printed.len());
        printed.extend(read.iter().take(room));
    }
}

impl Messenger for Exec {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
        _now: UtcInstant,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(self.run(letter))
    }
}
