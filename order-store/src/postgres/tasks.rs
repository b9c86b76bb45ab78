//! The tasks of a store, and the ways to them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{
    PostgresOptions, PostgresStore,
    committer::{self, Committer},
    inbox::{self, Keeper, Ring},
    link::{Link, Pool, Reach},
    reads,
    session::{Connector, Purpose},
    settle::{self, Settler},
    wake::{Listener, Wake},
};

/// The most jobs that wait for each writing task.
const QUEUE_MAX: usize = 4096;
/// The most notifies that wait: they are large.
const INBOX_QUEUE_MAX: usize = 256;

/// The ways to the tasks that write. A closed store has none.
#[derive(Clone)]
pub(super) struct Queues {
    pub(super) committers: Vec<mpsc::Sender<committer::Job>>,
    pub(super) settler: mpsc::Sender<settle::Job>,
    pub(super) accepted: mpsc::Sender<inbox::Job>,
    pub(super) refused: mpsc::Sender<inbox::Job>,
}

impl Queues {
    /// Whether a task is gone that should be there as long as its queue is: it panicked.
    pub(super) fn lack_a_task(&self) -> bool {
        self.committers.iter().any(mpsc::Sender::is_closed)
            || self.settler.is_closed()
            || self.accepted.is_closed()
            || self.refused.is_closed()
    }
}

impl PostgresStore {
    pub(super) fn start(connector: Arc<Connector>, options: PostgresOptions, name: String) -> Self {
        let (reach, wake) = (Arc::new(Reach::default()), Arc::new(Wake::new()));
        let patience = options.patience;
        let link = |purpose| Link::new(Arc::clone(&connector), Arc::clone(&reach), purpose);
        let mut tasks = JoinSet::new();
        let committers = (0..options.committers.clamp(1, 8))
            .map(|_| {
                let (sender, jobs) = mpsc::channel(QUEUE_MAX);
                let committer = Committer {
                    link: link(Purpose::Orders),
                    jobs,
                    wake: Arc::clone(&wake),
                    patience,
                    accounts: HashSet::new(),
                };
                tasks.spawn(committer.run());
                sender
            })
            .collect();
        let (settler, jobs) = mpsc::channel(QUEUE_MAX);
        tasks.spawn(
            Settler {
                link: link(Purpose::Records),
                jobs,
                wake: Arc::clone(&wake),
                patience,
                clock: options.clock.clone(),
                dead_letter: options.dead_letter,
            }
            .run(),
        );
        let mut keeper = |ring, purpose| {
            let (sender, jobs) = mpsc::channel(INBOX_QUEUE_MAX);
            let link = link(purpose);
            let keeper = Keeper {
                ring,
                link,
                jobs,
                patience,
            };
            tasks.spawn(keeper.run());
            sender
        };
        let accepted = keeper(Ring::Accepted, Purpose::Records);
        let refused = keeper(Ring::Refused, Purpose::Forgettable);
        let stop = watch::Sender::new(false);
        let listener = Listener {
            connector: Arc::clone(&connector),
            wake: Arc::clone(&wake),
            reach: Arc::clone(&reach),
            poll_every: options.poll_every,
            clock: options.clock.clone(),
        };
        tasks.spawn(listener.run(stop.subscribe()));
        let pool = Arc::new(Pool::new(
            connector,
            Arc::clone(&reach),
            options.readers.clamp(1, 64),
            options.busy_after,
            patience,
        ));
        tasks.spawn(roll_up(
            Arc::clone(&pool),
            options.roll_up_every,
            stop.subscribe(),
        ));
        Self {
            queues: RwLock::new(Some(Queues {
                committers,
                settler,
                accepted,
                refused,
            })),
            pool,
            reach,
            wake,
            options,
            name,
            stop,
            tasks: Mutex::new(Some(tasks)),
        }
    }
}

/// Rolls totals up now and then. What a stop cuts off is done or not, and the next store goes on.
async fn roll_up(pool: Arc<Pool>, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            reads::roll_up(&pool).await;
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
