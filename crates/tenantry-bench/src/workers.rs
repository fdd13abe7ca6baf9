//! How many threads carry out what is measured.
//!
//! A Redis on the same machine has one core for itself while it is busy. A client with as many worker threads as the
//! machine has cores then spends its time on waking threads; so there is one worker fewer unless it is said otherwise.

use std::{env, thread};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;

/// Says how many, for every benchmark that has a choice.
pub(crate) const VARIABLE: &str = "BENCH_WORKERS";

/// The worker threads of one runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers {
    count: usize,
    cores: usize,
}

impl Workers {
    /// One fewer than there are cores, since Redis needs one.
    pub(crate) fn beside_redis() -> Result<Self> {
        Self::choose(|cores| cores.saturating_sub(1).max(1))
    }

    /// As many as there are cores.
    pub(crate) fn on_all_cores() -> Result<Self> {
        Self::choose(|cores| cores)
    }

    fn choose(usual: impl Fn(usize) -> usize) -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        let count = match env::var(VARIABLE) {
            Ok(said) => said.parse().with_context(|| format!("{VARIABLE} is a number of threads, not {said:?}"))?,
            Err(_) => usual(cores),
        };
        ensure!(count > 0, "{VARIABLE} is 1 at least");
        Ok(Self { count, cores })
    }

    pub(crate) fn runtime(self) -> Result<Runtime> {
        Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(self.count).enable_all().build()?)
    }

    /// For the title of a table: how many there are, and who else needs the cores.
    pub(crate) fn told(self, others: &str) -> String {
        let Self { count, cores } = self;
        let threads = if count == 1 { "thread" } else { "threads" };
        format!("{count} worker {threads} on {cores} cores{others}")
    }
}
