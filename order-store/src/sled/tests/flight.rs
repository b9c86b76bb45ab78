//! A group that is decided against one which is still on its way to the disk.

use std::sync::{
    Arc, Mutex, OnceLock, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{
    oneshot::{self, error::TryRecvError},
    watch,
};

use super::{
    super::{
        counters::Counters,
        decided::{Changes, Decided, Ground},
        fault::Step,
        group::Group,
        job::{Done, Job},
        kept::Snapshots,
        open::open,
        shared::{Live, Shared},
        verification::Verification,
        writer::Writer,
    },
    create,
    failures::failing,
    mark_paid,
};
use crate::{
    Command, DeadLetter, ExecuteError, MarkPaid, Outcome, Refusal, StoreError, SystemClock,
    Timestamp, random::Randoms,
};

type Answer = oneshot::Receiver<Result<Done, ExecuteError>>;

/// The halves of a committer, without its threads.
struct Committer {
    shared: Arc<Shared>,
    writer: Writer,
    counters: Counters,
    randoms: Randoms,
    sync_fails: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl Committer {
    /// With two orders that are not paid.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (options, sync_fails) = failing(Step::Sync);
        let now = Timestamp::from_millis(0);
        let opened = open(folder.path(), &options.how(), now).unwrap();
        let shared = Arc::new(Shared {
            live: RwLock::new(Some(Live {
                trees: opened.trees.clone(),
                index: opened.index,
                head: opened.head,
            })),
            locator: RwLock::new(opened.locator),
            relay: Mutex::new(opened.relay),
            ring: Mutex::new(opened.ring),
            audit: Mutex::new(None),
            snapshots: Snapshots::default(),
            verified: watch::Sender::new(Verification::Whole(opened.verified)),
            failed: OnceLock::new(),
            wake: watch::Sender::new(0),
            clock: Arc::new(SystemClock),
            dead_letter: DeadLetter::default(),
        });
        let mut committer = Self {
            writer: Writer {
                shared: Arc::clone(&shared),
                trees: opened.trees,
                disk: opened.disk,
            },
            shared,
            counters: opened.counters,
            randoms: Randoms::default(),
            sync_fails,
            _folder: folder,
        };
        for number in ["order-1", "order-2"] {
            let (made, _, _) = committer.decide(&Changes::default(), create(number));
            committer.writer.commit(made).unwrap();
        }
        committer
    }

    /// Decides a group of one command, against what is on disk and what the group before changes.
    fn decide(
        &mut self,
        before: &Changes,
        command: impl Into<Command>,
    ) -> (Decided, Changes, Answer) {
        let shared = &self.shared;
        let ground = Ground {
            trees: &self.writer.trees,
            locator: &shared.locator,
            changes: before,
        };
        let now = Timestamp::from_millis(0);
        let mut group = Group::new(ground, &mut self.counters, now, shared.dead_letter);
        let (reply, answer) = oneshot::channel();
        let job = Job::Execute(Box::new(command.into()), reply);
        group.take(job, || shared.relay(), || self.randoms.next());
        let (decided, changes) = group.finish(|| shared.relay());
        (decided, changes, answer)
    }

    /// Pays the first order, and while that is on its way does the other thing; then writes both. What came of each.
    fn pay_and(&mut self, second: MarkPaid) -> (Told, Told) {
        let (first, changes, mut paid) = self.decide(&Changes::default(), mark_paid("order-1"));
        let (next, _, mut other) = self.decide(&changes, second);
        // Both are decided, and neither is answered before the first one's sync.
        assert_eq!(paid.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(other.try_recv().unwrap_err(), TryRecvError::Empty);
        let written = self.writer.commit(first);
        assert_eq!(other.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(self.writer.commit(next).is_ok(), written.is_ok());
        (told(&mut paid), told(&mut other))
    }
}

#[derive(Debug, PartialEq)]
enum Told {
    Done(Outcome),
    Refused(Refusal),
    Failed,
}

fn told(answer: &mut Answer) -> Told {
    match answer.try_recv().unwrap() {
        Ok(executed) => Told::Done(executed.outcome),
        Err(ExecuteError::Refused(refusal)) => Told::Refused(refusal),
        Err(ExecuteError::Store(StoreError::Failed { .. })) => Told::Failed,
        Err(error) => panic!("{error:?}"),
    }
}

fn other_transaction() -> MarkPaid {
    let mut paid = mark_paid("order-1");
    paid.transaction_id = "t-other".parse().unwrap();
    paid
}

fn transaction_of_the_other_order() -> MarkPaid {
    let mut paid = mark_paid("order-2");
    paid.transaction_id = mark_paid("order-1").transaction_id;
    paid
}

#[test]
fn the_same_facts_in_the_next_group_are_known() {
    let mut committer = Committer::new();
    assert_eq!(
        committer.pay_and(mark_paid("order-1")),
        (
            Told::Done(Outcome::Applied),
            Told::Done(Outcome::AlreadyApplied)
        )
    );
    let paid = mark_paid("order-2");
    assert_eq!(
        committer.pay_and(paid),
        (
            Told::Done(Outcome::AlreadyApplied),
            Told::Done(Outcome::Applied)
        )
    );
}

#[test]
fn other_facts_in_the_next_group_are_refused() {
    let mut committer = Committer::new();
    let known = mark_paid("order-1").transaction_id;
    assert_eq!(
        committer.pay_and(other_transaction()),
        (
            Told::Done(Outcome::Applied),
            Told::Refused(Refusal::OtherTransaction { known })
        )
    );
    let mut committer = Committer::new();
    let owner = mark_paid("order-1").key;
    assert_eq!(
        committer.pay_and(transaction_of_the_other_order()),
        (
            Told::Done(Outcome::Applied),
            Told::Refused(Refusal::TransactionOfOtherOrder { owner })
        )
    );
}

/// What the next one rests on is not on disk: what it writes nothing for is not known either.
#[test]
fn when_the_first_group_fails_the_next_is_answered_so_too() {
    for second in [
        mark_paid("order-1"),
        mark_paid("order-2"),
        other_transaction(),
        transaction_of_the_other_order(),
    ] {
        let mut committer = Committer::new();
        committer.sync_fails.store(true, Ordering::SeqCst);
        assert_eq!(committer.pay_and(second), (Told::Failed, Told::Failed));
    }
}
