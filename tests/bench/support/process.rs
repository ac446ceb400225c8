//! The kernel's figures for a process: processor time to the nanosecond, memory to the page.

use std::fs;
use std::time::{Duration, Instant};

/// No processor time for so long: the work is done.
const QUIET: Duration = Duration::from_millis(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(4);
/// What a process may use while it waits, in microseconds.
const IDLE_US: u64 = 500;

/// A process that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Processor time of all its threads, user and kernel, in microseconds.
    pub(crate) fn cpu_us(self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten();
        let nanoseconds: u64 = tasks
            .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
            .sum();
        nanoseconds.div_euclid(1_000)
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident(self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most resident memory so far, in bytes.
    pub(crate) fn peak(self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib: Option<u64> =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        kib.unwrap_or_default() * 1_024
    }

    /// Waits until the process works no more; gives when it stopped.
    pub(crate) fn wait_until_quiet(self) -> Instant {
        let (mut cpu_us, mut since) = (self.cpu_us(), Instant::now());
        while since.elapsed() < QUIET {
            pause(LOOK);
            let now_us = self.cpu_us();
            if now_us > cpu_us + IDLE_US {
                (cpu_us, since) = (now_us, Instant::now());
            }
        }
        since
    }
}

/// Lets time pass: what is measured here is time.
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Processor, cores, memory and kernel of this machine, on one line.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_matches([' ', '\t', ':']).to_owned()
    };
    format!(
        "{}, {} cores, {} RAM, Linux {}",
        after(&read("/proc/cpuinfo"), "model name"),
        std::thread::available_parallelism().map_or(1, usize::from),
        after(&read("/proc/meminfo"), "MemTotal:"),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}
