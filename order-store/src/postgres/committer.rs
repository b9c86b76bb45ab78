//! The tasks that write orders.
//!
//! Each takes what is waiting, reads its orders with one statement, decides, writes with another, and only then answers. No timer
//! gathers the group: what comes in during a commit is the next one. An order belongs to one committer, so that two of one
//! process never overtake each other; another machine can, and then the group is read and decided again.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep},
};
use wxpay_core::{AppId, MchId};

use super::{
    fault::{Attempt, Fault},
    group::{Answer, Ask, Decided, Unread, decide_group, likely},
    key::{column, shard_of},
    link::{Link, jittered},
    lookup::{read, read_owners},
    session::Session,
    sql::Sql,
    wake::Wake,
    write::Probe,
};
use crate::{ExecuteError, Executed, OrderKey, StoreError};

/// The most commands of a group.
const GROUP_MAX: usize = 256;
/// How often a group that was rolled back is tried again.
const TRIES_MAX: u32 = 24;
/// How often a constraint may stop a group whose orders nobody has moved in between, before the ledger is said to contradict itself.
const STUCK_MAX: u32 = 3;
/// The longest wait before such a try.
const TRY_WAIT: Duration = Duration::from_millis(20);

/// Where an answer goes. Whoever asked may be gone; what was done stays done.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// One command.
pub(super) struct Job {
    pub(super) ask: Ask,
    pub(super) reply: Reply<Result<Executed, ExecuteError>>,
}

/// A task that writes the orders of its share of the shards.
pub(super) struct Committer {
    pub(super) link: Link,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) wake: Arc<Wake>,
    pub(super) patience: Duration,
    /// Accounts that are in the table already.
    pub(super) accounts: HashSet<(MchId, AppId)>,
}

/// A group whose commit had no answer.
struct Unknown {
    commit_id: [u8; 16],
    probe: Option<Probe>,
    answers: Vec<Answer>,
    sends: bool,
}

/// What a group came to.
enum End {
    Done {
        answers: Vec<Answer>,
        sends: bool,
    },
    Failed(StoreError),
    /// The database refuses something in it, or has something that cannot be read; with others in the group nobody knows what.
    Refused(StoreError),
}

impl Committer {
    /// Works until the store is closed or dropped, and what was waiting is done.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let mut jobs = vec![first];
            self.gather(&mut jobs).await;
            self.commit(jobs).await;
        }
    }

    /// Takes what is waiting. The callers that the last group answered are about to ask again, and the first of them has woken this
    /// task: it lets the others have their turn, for as long as more come of it.
    async fn gather(&mut self, jobs: &mut Vec<Job>) {
        let mut before = 0;
        while before < jobs.len() && jobs.len() < GROUP_MAX {
            before = jobs.len();
            yield_now().await;
            while jobs.len() < GROUP_MAX
                && let Ok(job) = self.jobs.try_recv()
            {
                jobs.push(job);
            }
        }
    }

    async fn commit(&mut self, jobs: Vec<Job>) {
        let (asks, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.ask, job.reply)).unzip();
        match self.settle(&asks).await {
            End::Refused(error) if asks.len() > 1 => {
                tracing::warn!(%error, commands = asks.len(), "a group was refused; one by one");
                let mut rest = asks.into_iter().zip(replies);
                while let Some((ask, reply)) = rest.next() {
                    let end = self.settle(std::slice::from_ref(&ask)).await;
                    let gone = match &end {
                        End::Failed(error) => Some(again(error)),
                        _ => None,
                    };
                    self.answer(end, vec![reply]);
                    // The rest was not sent: it need not wait for a database that is away, each for as long as this one did.
                    if let Some(StoreError::Unavailable { why }) = gone {
                        let replies = rest.by_ref().map(|(_, reply)| reply).collect();
                        self.answer(End::Failed(StoreError::Unavailable { why }), replies);
                    }
                }
            }
            end => self.answer(end, replies),
        }
    }

    fn answer(&self, end: End, replies: Vec<Reply<Result<Executed, ExecuteError>>>) {
        match end {
            End::Done { answers, sends } => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    drop(reply.send(answer.map_err(ExecuteError::Refused)));
                }
                if sends {
                    self.wake.rows_were_written();
                }
            }
            End::Failed(error) | End::Refused(error) => {
                for reply in replies {
                    drop(reply.send(Err(again(&error).into())));
                }
            }
        }
    }

    /// Brings one group to its end.
    async fn settle(&mut self, asks: &[Ask]) -> End {
        let deadline = Instant::now() + self.patience;
        let mut unknown: Vec<Unknown> = Vec::new();
        let mut tries = 0;
        let mut unread = Unread::New;
        let (mut read, mut stuck) = (Versions::new(), 0);
        loop {
            let before = std::mem::take(&mut read);
            // A group whose commit has no answer may be written all the same.
            let failed = |error: StoreError, unknown: &[Unknown]| {
                End::Failed(if unknown.is_empty() {
                    error
                } else {
                    StoreError::NoAnswer
                })
            };
            let session = match self.link.session(deadline).await {
                Ok(session) => session,
                Err(error) => return failed(error, &unknown),
            };
            let fault = match attempt(
                session,
                asks,
                unread,
                &mut read,
                &mut unknown,
                &mut self.accounts,
            )
            .await
            {
                Ok(end) => return end,
                Err(Attempt::Broken(error)) if unknown.is_empty() => return End::Refused(error),
                Err(Attempt::Broken(error)) => return failed(error, &unknown),
                Err(Attempt::Fault(fault)) => fault,
            };
            tries += 1;
            if tries > TRIES_MAX || Instant::now() >= deadline {
                return failed(fault.into(), &unknown);
            }
            match fault {
                Fault::Refused { .. } if unknown.is_empty() => return End::Refused(fault.into()),
                Fault::Refused { .. } => return failed(fault.into(), &unknown),
                Fault::Lost(why) => {
                    tracing::warn!(why, "the database went away under a group");
                    self.link.lose();
                }
                Fault::Taken { constraint } if before == read && stuck + 1 == STUCK_MAX => {
                    let what = format!(
                        "{constraint} has what these orders do not know of: {}",
                        names(&read)
                    );
                    let error = StoreError::Corrupt { what };
                    return if unknown.is_empty() {
                        End::Refused(error)
                    } else {
                        failed(error, &unknown)
                    };
                }
                fault => {
                    let taken = matches!(fault, Fault::Taken { .. });
                    stuck = if taken && before == read {
                        stuck + 1
                    } else {
                        0
                    };
                    tracing::debug!(?fault, tries, "a group is tried again");
                    unread = Unread::Unknown;
                    sleep(jittered(TRY_WAIT.min(Duration::from_millis(tries.into())))).await;
                }
            }
        }
    }
}

/// What a group was decided on: its orders with their versions, and nothing for one that is not there.
type Versions = BTreeMap<OrderKey, Option<i64>>;

/// For a message: the first of them.
fn names(read: &Versions) -> String {
    let shown: Vec<String> = read.keys().take(4).map(ToString::to_string).collect();
    shown.join(", ")
}

/// Reads, decides and writes once.
async fn attempt(
    session: &Session,
    asks: &[Ask],
    unread: Unread,
    read_now: &mut Versions,
    unknown: &mut Vec<Unknown>,
    accounts: &mut HashSet<(MchId, AppId)>,
) -> Result<End, Attempt> {
    let keys: BTreeSet<&OrderKey> = asks.iter().map(|ask| ask.command.key()).collect();
    let mut found = read(session, keys.iter().copied(), &likely(asks, unread)).await?;
    read_now.extend(keys.into_iter().map(|key| {
        let version = found.orders.get(key).map(|stored| stored.version);
        (key.clone(), version)
    }));
    // Behind the read: else a commit that comes between the two would be taken for another's.
    if let Some(at) = read_back(session, unknown).await? {
        let Unknown { answers, sends, .. } = unknown.swap_remove(at);
        return Ok(End::Done { answers, sends });
    }
    let Decided {
        answers,
        mut writes,
    } = loop {
        match decide_group(&found, asks, unread) {
            Ok(decided) => break decided,
            Err(missing) => read_owners(session, &missing, &mut found.owners).await?,
        }
    };
    let sends = !writes.outbox.is_empty();
    if writes.is_empty() {
        // Everything was known or refused, by what is committed.
        return Ok(End::Done { answers, sends });
    }
    let new_accounts = writes.accounts.clone();
    writes
        .accounts
        .retain(|account| !accounts.contains(account));
    let commit_id = commit_id()?;
    match writes.send(session, &commit_id).await {
        Ok(()) => {
            accounts.extend(new_accounts);
            Ok(End::Done { answers, sends })
        }
        Err(fault) => {
            if let Fault::Lost(_) = fault {
                unknown.push(Unknown {
                    commit_id,
                    probe: writes.probe(),
                    answers,
                    sends,
                });
            }
            Err(fault.into())
        }
    }
}

/// A random name of one write.
pub(super) fn commit_id() -> Result<[u8; 16], StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Io {
        what: "random bytes".to_owned(),
        error: std::io::Error::other(error),
    })?;
    Ok(id)
}

/// Which of the groups without an answer was committed.
///
/// One that is not there yet may still come: its server has not noticed that nobody listens. Then the next try waits for its row
/// locks, is overtaken by it, and looks again. A group without a row of the log only moves due times, which may be done twice.
async fn read_back(session: &Session, unknown: &[Unknown]) -> Result<Option<usize>, Attempt> {
    for (at, group) in unknown.iter().enumerate() {
        let Some(Probe { key, n }) = &group.probe else {
            continue;
        };
        let rows = session
            .query(
                Sql::ReadBack,
                &[
                    &shard_of(key),
                    &key.mch_id.as_str(),
                    &key.out_trade_no.as_str(),
                    n,
                ],
            )
            .await?;
        if let Some(row) = rows.first()
            && column::<&[u8]>(row, 0)? == group.commit_id
        {
            tracing::info!("a commit without an answer was one");
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// The same error for each of the group's callers: `StoreError` cannot be cloned, for the sake of its `io::Error`.
pub(super) fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Busy => StoreError::Busy,
        StoreError::NoAnswer => StoreError::NoAnswer,
        StoreError::Closed => StoreError::Closed,
        StoreError::Unavailable { why } => StoreError::Unavailable { why: why.clone() },
        StoreError::Database { code, message } => StoreError::Database {
            code: code.clone(),
            message: message.clone(),
        },
        StoreError::Corrupt { what } => StoreError::Corrupt { what: what.clone() },
        other => StoreError::Unavailable {
            why: other.to_string(),
        },
    }
}
