//! The way into the task: bounded, first come first served.

use super::outcome::NotSent;
use super::reply::Reply;
use crate::client::publication::Publication;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout_at};

/// What the task is asked for.
pub(super) enum Command {
    Publish {
        publication: Publication,
        since: Instant,
        reply: Reply,
    },
    /// Answered with the number of messages before it that are open: once there is none, or at
    /// `until`.
    Drain {
        until: Instant,
        reply: oneshot::Sender<usize>,
    },
}

/// What a handle knows to hand messages over.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) entrance: Entrance,
    /// From `publish` to the first SEND.
    pub(super) queue_timeout: Duration,
    pub(super) max_body_bytes: usize,
    /// Messages of one batch that may be without an answer.
    pub(super) batch_size: usize,
}

#[derive(Clone)]
pub(super) struct Entrance {
    commands: mpsc::Sender<Command>,
    turn: Arc<Turn>,
}

/// The line in front of a full queue.
#[derive(Default)]
struct Turn {
    waiting: AtomicUsize,
    lock: Mutex<()>,
}

struct Waiting<'a>(&'a Turn);

impl Turn {
    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Entrance {
    pub(super) fn new(commands: mpsc::Sender<Command>) -> Self {
        let turn = Arc::default();
        Self { commands, turn }
    }

    /// How many may be on their way into the task.
    pub(super) fn waiting(&self) -> Line {
        Line(Arc::downgrade(&self.turn))
    }

    /// Commands in the queue.
    pub(super) fn queued(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    /// Puts a command in if there is room and nobody waits for it.
    pub(super) fn try_enter(&self, command: Command) -> Entered {
        if self.turn.waiting.load(Ordering::Acquire) > 0 {
            return Entered::Full(command);
        }
        match self.commands.try_send(command) {
            Ok(()) => Entered::In,
            Err(TrySendError::Closed(_)) => Entered::Stopped,
            Err(TrySendError::Full(command)) => Entered::Full(command),
        }
    }

    /// Puts a command in, behind all that came before. Who finds the queue full waits for a turn:
    /// a place that comes free while others wait is theirs.
    pub(super) async fn enter(&self, command: Command, deadline: Instant) -> Result<(), NotSent> {
        let command = match self.try_enter(command) {
            Entered::In => return Ok(()),
            Entered::Stopped => return Err(NotSent::Stopped),
            Entered::Full(command) => command,
        };
        let _waiting = self.turn.wait();
        let in_turn = async {
            let _turn = self.turn.lock.lock().await;
            let permit = self.commands.reserve().await;
            permit.map_err(|_| NotSent::Stopped)?.send(command);
            Ok(())
        };
        // Out of the runtime's budget: it would send a future that is polled in its turn to the
        // end of the line, and messages out of their order.
        timeout_at(deadline, unconstrained(in_turn))
            .await
            .unwrap_or(Err(NotSent::TimedOut))
    }
}

/// Whether a command got in at once.
pub(super) enum Entered {
    In,
    Full(Command),
    Stopped,
}

/// The line, as the task sees it.
pub(super) struct Line(std::sync::Weak<Turn>);

impl Line {
    pub(super) fn len(&self) -> usize {
        let turn = self.0.upgrade();
        turn.map_or(0, |turn| turn.waiting.load(Ordering::Acquire))
    }
}
