//! What the committer is asked for, and how it answers.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::Failure;
use crate::{
    ClaimToken, Command, ExecuteError, Executed, NotifyId, NotifyRecord, Order, OutboxId, Outcome,
    Record, StoreError,
};

/// Where an answer goes. Whoever asked may be gone; then nobody hears it, and what was done stays done.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// What was executed. The group after it may look at the order until it is on disk, so it is not copied before.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) order: Arc<Order>,
}

impl From<Done> for Executed {
    fn from(Done { outcome, order }: Done) -> Self {
        Self {
            outcome,
            order: Arc::unwrap_or_clone(order),
        }
    }
}

/// One thing to do.
pub(super) enum Job {
    Execute(Box<Command>, Reply<Result<Done, ExecuteError>>),
    Settle(ClaimToken, Settlement, Reply<Result<(), StoreError>>),
    Requeue(OutboxId, Reply<Result<(), StoreError>>),
    Notify(Box<NotifyRecord>, Reply<Result<NotifyId, StoreError>>),
    Load(Vec<Record>, Reply<Result<(), StoreError>>),
    Close(Reply<Result<(), StoreError>>),
}

/// What became of a claimed row.
pub(super) enum Settlement {
    Sent,
    PutOff(Duration, String),
    Parked(String),
}

/// An answer that waits for the sync.
pub(super) enum Answer {
    Execute(
        Reply<Result<Done, ExecuteError>>,
        Result<Done, ExecuteError>,
    ),
    Unit(Reply<Result<(), StoreError>>, Result<(), StoreError>),
    Notify(
        Reply<Result<NotifyId, StoreError>>,
        Result<NotifyId, StoreError>,
    ),
}

impl Answer {
    /// The sync is done.
    pub(super) fn send(self) {
        match self {
            Self::Execute(reply, answer) => drop(reply.send(answer)),
            Self::Unit(reply, answer) => drop(reply.send(answer)),
            Self::Notify(reply, answer) => drop(reply.send(answer)),
        }
    }

    /// The sync failed.
    pub(super) fn fail(self, failure: &Failure) {
        let failed = || StoreError::from(failure.clone());
        match self {
            Self::Execute(reply, _) => drop(reply.send(Err(failed().into()))),
            Self::Unit(reply, _) => drop(reply.send(Err(failed()))),
            Self::Notify(reply, _) => drop(reply.send(Err(failed()))),
        }
    }
}
