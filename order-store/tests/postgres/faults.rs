//! Connections that end at the worst moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use order_store::{
    ExecuteError, Health, OrderStore as _, OrderStoreExt as _, Outcome, PostgresOptions, RelayId,
    StoreError,
    conformance::samples::{create, key, mark_paid, secs},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::support::{LIMIT, Scratch, admin, close};

/// Whether what went wrong may be tried again with the same facts.
fn is_passing(error: &ExecuteError) -> bool {
    matches!(
        error,
        ExecuteError::Store(
            StoreError::Busy | StoreError::NoAnswer | StoreError::Unavailable { .. }
        )
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_killed_lose_and_double_nothing() {
    const ORDERS: usize = 1200;
    let scratch = Scratch::new();
    let name = &scratch.schema;
    let url = format!("{}?application_name={name}", scratch.url);
    let store = Arc::new(scratch.open_by(&url, scratch.options()).await);
    let client = admin(&scratch.url).await;
    let done = Arc::new(AtomicBool::new(false));
    let ending = tokio::spawn({
        let (done, name) = (Arc::clone(&done), name.clone());
        async move {
            let mut killed = 0;
            let mut ticks = interval(Duration::from_millis(20));
            while !done.load(Ordering::Relaxed) {
                ticks.tick().await;
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE application_name = $1 AND state = 'active'";
                let row = client.query_one(sql, &[&name]).await.unwrap();
                killed += row.get::<_, i64>(0);
            }
            killed
        }
    });
    let mut callers = JoinSet::new();
    for caller in 0..32 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut applied = Vec::new();
            for n in (caller..ORDERS).step_by(32) {
                let number = format!("order-{n:04}");
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                let mut wins = 0;
                loop {
                    match store.create(create(&number)).await {
                        Ok(_) => break,
                        Err(error) => assert!(is_passing(&error), "{error}"),
                    }
                }
                loop {
                    match store.mark_paid(paid.clone()).await {
                        Ok(executed) => {
                            wins += usize::from(executed.outcome == Outcome::Applied);
                            break;
                        }
                        Err(error) => assert!(is_passing(&error), "{error}"),
                    }
                }
                applied.push(wins);
            }
            applied
        });
    }
    let applied: Vec<usize> = timeout(LIMIT * 2, callers.join_all())
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    done.store(true, Ordering::Relaxed);
    let killed = ending.await.unwrap();
    assert!(killed >= 10, "only {killed} connections were killed");
    assert_eq!(applied.len(), ORDERS);
    assert!(applied.iter().all(|wins| *wins <= 1));
    scratch.assert_each_paid_once(1200).await;
    assert_eq!(scratch.outbox().await, 2400);
    close(&store).await;
}

/// What the proxy does with the next payment that comes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Lets the server have it, waits for its answer, and keeps that.
    Answer,
    /// Keeps it from the server.
    Request,
    /// Keeps it, and lets the server have it when another connection has begun to ask for orders.
    Late,
}

/// A payment that is kept, with its way to the server.
type Kept = Arc<tokio::sync::Mutex<Option<(TcpStream, Vec<u8>)>>>;

/// Stands between a store and its server.
struct Proxy {
    port: u16,
    /// One cut to come, or none.
    armed: Arc<std::sync::Mutex<Option<Cut>>>,
    cuts: Arc<AtomicUsize>,
    stalled: Arc<AtomicBool>,
    resumed: Arc<Notify>,
    /// Turns new connections away.
    refusing: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(url: &str) -> Self {
        let (_, place) = url.rsplit_once('@').unwrap();
        let server = place.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            armed: Arc::default(),
            cuts: Arc::default(),
            stalled: Arc::default(),
            resumed: Arc::default(),
            refusing: Arc::default(),
        };
        let (refusing, kept) = (Arc::clone(&proxy.refusing), Kept::default());
        let (armed, cuts) = (Arc::clone(&proxy.armed), Arc::clone(&proxy.cuts));
        let (stalled, resumed) = (Arc::clone(&proxy.stalled), Arc::clone(&proxy.resumed));
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&server).await else {
                    continue;
                };
                let (armed, cuts) = (Arc::clone(&armed), Arc::clone(&cuts));
                let (stalled, resumed) = (Arc::clone(&stalled), Arc::clone(&resumed));
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    drop(pass(near, far, &armed, &kept, &cuts, &stalled, &resumed).await);
                });
            }
        });
        proxy
    }

    fn url(&self, url: &str) -> String {
        let (user, place) = url.rsplit_once('@').unwrap();
        let (_, database) = place.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    fn arm(&self, cut: Cut) {
        *self.armed.lock().unwrap() = Some(cut);
    }
}

/// Passes bytes on until one side ends, or the armed cut comes.
async fn pass(
    mut near: TcpStream,
    mut far: TcpStream,
    armed: &std::sync::Mutex<Option<Cut>>,
    kept: &Kept,
    cuts: &AtomicUsize,
    stalled: &AtomicBool,
    resumed: &Notify,
) -> std::io::Result<()> {
    const PAYMENT: &[u8] = b"/paid/pay_notify";
    const ASKS_FOR_ORDERS: &[u8] = b"SELECT o.mch_id, o.out_trade_no, o.version";
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = near.read(&mut up) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                while stalled.load(Ordering::SeqCst) {
                    resumed.notified().await;
                }
                let has = |text: &[u8]| up[..n].windows(text.len()).any(|part| part == text);
                let has_payment = has(PAYMENT);
                if has(ASKS_FOR_ORDERS)
                    && let Some((mut server, payment)) = kept.lock().await.take()
                {
                    server.write_all(&payment).await?;
                    let _answered = server.read(&mut down).await?;
                }
                let cut = if has_payment { armed.lock().unwrap().take() } else { None };
                match cut {
                    None => far.write_all(&up[..n]).await?,
                    Some(Cut::Late) => {
                        *kept.lock().await = Some((far, up[..n].to_vec()));
                        cuts.fetch_add(1, Ordering::SeqCst);
                        return Ok(());
                    }
                    Some(cut) => {
                        if cut == Cut::Answer {
                            far.write_all(&up[..n]).await?;
                            // The answer tells that the commit is done; nobody else hears of it.
                            let _answered = far.read(&mut down).await?;
                        }
                        cuts.fetch_add(1, Ordering::SeqCst);
                        return Ok(());
                    }
                }
            }
            n = far.read(&mut down) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                near.write_all(&down[..n]).await?;
            }
        }
    }
}

/// A commit without an answer is looked up: it is `Applied` whether the server had done it or never heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_without_an_answer_is_read_back() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    for n in 0..20_usize {
        let number = format!("order-{n:02}");
        store.create(create(&number)).await.unwrap();
        let cut = if n % 2 == 0 {
            Cut::Answer
        } else {
            Cut::Request
        };
        proxy.arm(cut);
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        let executed = timeout(LIMIT, store.mark_paid(paid.clone())).await.unwrap();
        assert_eq!(executed.unwrap().outcome, Outcome::Applied, "{number}");
        assert_eq!(proxy.cuts.load(Ordering::SeqCst), n + 1);
        let again = store.mark_paid(paid).await.unwrap();
        assert_eq!(again.outcome, Outcome::AlreadyApplied);
    }
    scratch.assert_each_paid_once(20).await;
    assert_eq!(scratch.outbox().await, 40);
}

/// The server has it only after the store has begun to look what became of it: still it is the caller's own, and `Applied`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_comes_while_it_is_looked_for_is_ones_own() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    for n in 0..4_usize {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        proxy.arm(Cut::Late);
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        let executed = timeout(LIMIT, store.mark_paid(paid)).await.unwrap();
        assert_eq!(proxy.cuts.load(Ordering::SeqCst), n + 1);
        assert_eq!(executed.unwrap().outcome, Outcome::Applied, "{number}");
    }
    scratch.assert_each_paid_once(4).await;
    assert_eq!(scratch.outbox().await, 8);
}

/// Health tells of now: it does not wait for whoever failed to connect to try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_comes_back_without_a_call() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let options = PostgresOptions {
        patience: Duration::from_millis(300),
        ..scratch.options()
    };
    let store = scratch.open_by(&proxy.url(&scratch.url), options).await;
    // The task that listens, the one that rolls up and a committer have their connections.
    store.create(create("order-1")).await.unwrap();
    let refused = async {
        let mut reads = JoinSet::new();
        let store = Arc::new(store);
        loop {
            // As many at once as there are connections for, so that new ones are needed.
            for _ in 0..8 {
                let store = Arc::clone(&store);
                reads.spawn(async move { store.get(&key("order-1")).await.is_err() });
            }
            let mut failed = false;
            while let Some(result) = reads.join_next().await {
                failed |= result.unwrap();
            }
            if failed {
                return store;
            }
        }
    };
    proxy.refusing.store(true, Ordering::SeqCst);
    let store = timeout(LIMIT, refused).await.unwrap();
    assert!(matches!(store.health(), Health::Failed { .. }));
    proxy.refusing.store(false, Ordering::SeqCst);
    let mut ticks = interval(Duration::from_millis(20));
    timeout(LIMIT / 4, async {
        while store.health() != Health::Writable {
            ticks.tick().await;
        }
    })
    .await
    .expect("the database is back, and health does not say so");
}

/// A database that does not answer fills the queue, and then who comes is told so; what was in the queue is done in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_is_busy() {
    const CALLERS: usize = 6000;
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let options = PostgresOptions {
        committers: 1,
        busy_after: Duration::from_millis(10),
        statement_timeout: secs(30),
        ..scratch.options()
    };
    let store = scratch.open_by(&proxy.url(&scratch.url), options).await;
    store.create(create("order-first")).await.unwrap();
    let store = Arc::new(store);
    proxy.stalled.store(true, Ordering::SeqCst);
    let busy = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let (store, busy) = (Arc::clone(&store), Arc::clone(&busy));
        callers.spawn(async move {
            let created = store.create(create(&format!("order-{n:04}"))).await;
            match created {
                Ok(executed) => usize::from(executed.outcome == Outcome::Applied),
                Err(ExecuteError::Store(StoreError::Busy)) => {
                    busy.fetch_add(1, Ordering::SeqCst);
                    0
                }
                Err(error) => panic!("{error}"),
            }
        });
    }
    timeout(LIMIT, async {
        while busy.load(Ordering::SeqCst) < 100 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    proxy.stalled.store(false, Ordering::SeqCst);
    proxy.resumed.notify_waiters();
    let made: usize = timeout(LIMIT, callers.join_all())
        .await
        .unwrap()
        .into_iter()
        .sum();
    let busy = busy.load(Ordering::SeqCst);
    assert_eq!(made + busy, CALLERS);
    assert!(busy >= 100 && made > 0, "{made} made, {busy} busy");
    let count = "SELECT count(*) FROM {s}.orders";
    assert_eq!(
        usize::try_from(scratch.number(count).await).unwrap(),
        made + 1
    );
}

/// A requeue whose answer was lost is done, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_requeue_without_an_answer_is_done() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    store.create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(paid).await.unwrap();
    let park = async || {
        let relay = RelayId::new("relay");
        let claims = store.claim(relay, secs(600), 1).await.unwrap();
        let claim = claims.into_iter().next().unwrap();
        let id = claim.row.id.clone();
        store.park(claim.token, "no luck".to_owned()).await.unwrap();
        id
    };
    let id = park().await;
    for (n, cut) in [Cut::Answer, Cut::Request].into_iter().enumerate() {
        assert_eq!(store.parked(9).await.unwrap().len(), 1);
        proxy.arm(cut);
        timeout(LIMIT, store.requeue(&id)).await.unwrap().unwrap();
        assert_eq!(proxy.cuts.load(Ordering::SeqCst), n + 1);
        assert!(store.parked(9).await.unwrap().is_empty());
        // What is not held back cannot be let go.
        let again = store.requeue(&id).await;
        assert!(
            matches!(again, Err(StoreError::NoSuchRow { .. })),
            "{again:?}"
        );
        assert_eq!(park().await, id);
    }
}
