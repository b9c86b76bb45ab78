//! What the committer is asked for, and how it answers.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{
    ClaimToken, Command, ExecuteError, Executed, NotifyId, NotifyRecord, OutboxId, Record,
    StoreError,
};

/// Where an answer goes. Whoever asked may be gone; then nobody hears it, and what was done stays done.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// One thing to do.
pub(super) enum Job {
    Execute(Box<Command>, Reply<Result<Executed, ExecuteError>>),
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
        Reply<Result<Executed, ExecuteError>>,
        Box<Result<Executed, ExecuteError>>,
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
            Self::Execute(reply, answer) => drop(reply.send(*answer)),
            Self::Unit(reply, answer) => drop(reply.send(answer)),
            Self::Notify(reply, answer) => drop(reply.send(answer)),
        }
    }

    /// The sync failed.
    pub(super) fn fail(self, why: &str) {
        let failed = || StoreError::Failed {
            why: why.to_owned(),
        };
        match self {
            Self::Execute(reply, _) => drop(reply.send(Err(failed().into()))),
            Self::Unit(reply, _) => drop(reply.send(Err(failed()))),
            Self::Notify(reply, _) => drop(reply.send(Err(failed()))),
        }
    }
}
