//! Every task has a name and an end that somebody awaits. Each is critical: when one ends early, the daemon goes down with
//! an error and systemd starts it again.

use std::future::Future;
use std::pin::Pin;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::DaemonError;

/// What a task ends with.
pub type TaskResult = Result<(), DaemonError>;

/// The tasks of the daemon.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<(&'static str, TaskResult)>,
    stop: CancellationToken,
}

impl Supervisor {
    /// Without tasks yet; they are told to end by `stop`.
    pub fn new(stop: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), stop }
    }

    /// Starts a task.
    pub fn start(
        &mut self,
        name: &'static str,
        task: impl Future<Output = TaskResult> + Send + 'static,
    ) {
        let task: Pin<Box<dyn Future<Output = TaskResult> + Send>> = Box::pin(task);
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits until all tasks have ended. If one ends before it was told to, the others are told to end, too.
    pub async fn watch(mut self) -> TaskResult {
        let mut first_error = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let result = match ended {
                Ok((name, Ok(()))) if !self.stop.is_cancelled() => {
                    Err(DaemonError::EndedEarly { name })
                }
                Ok((_, result)) => result,
                // A panic aborts the process in release builds; in tests it ends here.
                Err(_) => Err(DaemonError::EndedEarly { name: "a task" }),
            };
            if first_error.is_ok() && result.is_err() {
                first_error = result;
            }
            self.stop.cancel();
        }
        first_error
    }
}
