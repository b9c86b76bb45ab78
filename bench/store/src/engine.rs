//! The design that the ledger has, for the engines beside it: callers, a bounded queue, one thread that takes what waits as
//! one group, commits it with one sync, and then answers.

use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use tokio::sync::{mpsc, oneshot};

/// As the ledger's.
const QUEUE_MAX: usize = 4096;
/// As the ledger's.
const GROUP_MAX: usize = 256;

/// Somewhere that payments are made durable.
pub(crate) trait Payments: Send + Sync {
    /// Pays the `n`-th order, and comes back when that is on disk.
    fn pay(&self, n: u32) -> impl Future<Output = Result<()>> + Send;
}

/// An engine that commits groups.
pub(crate) trait Engine: Send + 'static {
    /// Makes unpaid orders `0..orders`.
    fn load(&mut self, orders: u32) -> Result<()>;
    /// Pays these orders in one transaction that is on disk when this comes back.
    fn pay(&mut self, group: &[u32]) -> Result<()>;
}

type Job = (u32, oneshot::Sender<()>);

/// An engine behind its queue.
pub(crate) struct Grouped {
    jobs: mpsc::Sender<Job>,
    committer: JoinHandle<Result<()>>,
}

impl Grouped {
    pub(crate) fn start(mut engine: impl Engine, orders: u32) -> Result<Self> {
        engine.load(orders)?;
        let (jobs, mut received) = mpsc::channel::<Job>(QUEUE_MAX);
        let committer = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                let mut replies = Vec::with_capacity(GROUP_MAX);
                let mut group = Vec::with_capacity(GROUP_MAX);
                while let Some(first) = received.blocking_recv() {
                    let mut next = Some(first);
                    while let Some((n, reply)) = next {
                        group.push(n);
                        replies.push(reply);
                        next = (group.len() < GROUP_MAX)
                            .then(|| received.try_recv().ok())
                            .flatten();
                    }
                    engine.pay(&group)?;
                    group.clear();
                    for reply in replies.drain(..) {
                        // A caller that is gone wants no answer.
                        let _ = reply.send(());
                    }
                }
                Ok(())
            })?;
        Ok(Self { jobs, committer })
    }

    /// Ends the engine, and says whether it failed.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.jobs);
        self.committer
            .join()
            .map_err(|_| anyhow!("the committer panicked"))?
    }
}

impl Payments for Grouped {
    async fn pay(&self, n: u32) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send((n, reply))
            .await
            .context("the committer ended")?;
        answer.await.context("the committer ended")
    }
}
