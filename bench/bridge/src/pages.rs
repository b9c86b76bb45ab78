//! Pages that wait for notices, and who publishes them, in a process of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::child::{self, Child};
use crate::embedded;
use crate::machine::allow_open_files;
use crate::socket::Socket;

/// Pages that connect at the same time.
const CONNECTING: usize = 64;
const LIMIT: Duration = Duration::from_mins(2);
const SPARE_FILES: usize = 64;
const BODY: &str = "an order and its sum";

/// Where pages subscribe.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    /// All to the fanout.
    Everyone,
    /// Each to a key of its own.
    Private,
}

/// An account and its passcode.
pub(crate) type Account = (String, String);

/// Pages in a process of their own.
pub(crate) struct Pages(Child);

impl Pages {
    /// Starts `count` of them, all subscribed.
    pub(crate) fn start(
        at: SocketAddr,
        count: usize,
        route: Route,
        reader: &Account,
        publisher: &Account,
    ) -> Result<Self> {
        let mut child = Child::start("pages")?;
        let route = match route {
            Route::Everyone => "everyone",
            Route::Private => "private",
        };
        let ((login, passcode), (by, with)) = (reader, publisher);
        child.ask(&format!(
            "{at} {count} {route} {login} {passcode} {by} {with}"
        ))?;
        Ok(Self(child))
    }

    /// As [`start`](Self::start), on the embedded broker.
    pub(crate) fn on_embedded(at: SocketAddr, count: usize, route: Route) -> Result<Self> {
        let account = (embedded::LOGIN.to_owned(), embedded::LOGIN.to_owned());
        Self::start(at, count, route, &account, &account)
    }

    /// Publishes to all; from the first SEND until all pages have all.
    pub(crate) fn fanout(&mut self, messages: usize, window: usize) -> Result<Duration> {
        let answer = self.0.ask(&format!("fanout {messages} {window}"))?;
        Ok(Duration::from_nanos(answer.parse()?))
    }

    /// Publishes to one page after the other; from each SEND to its MESSAGE.
    pub(crate) fn private(&mut self, notices: usize) -> Result<Vec<Duration>> {
        let answer = self.0.ask(&format!("private {notices}"))?;
        let times = answer.split(' ').map(str::parse);
        Ok(times
            .map(|time| time.map(Duration::from_nanos))
            .collect::<Result<_, _>>()?)
    }
}

/// In the child.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut questions = child::questions();
        let Some(first) = questions.recv().await else {
            return Ok(());
        };
        let words: Vec<&str> = first.split(' ').collect();
        let [at, count, route, login, passcode, by, with] = words[..] else {
            bail!("the first line is not understood");
        };
        let (at, count) = (at.parse()?, count.parse()?);
        allow_open_files(u64::try_from(count + SPARE_FILES)?)?;
        let mut all = All {
            count,
            tally: Arc::default(),
            publisher: Socket::open(at, by, with).await.context("publisher")?,
            readers: JoinSet::new(),
        };
        all.open(at, route, login, passcode).await?;
        child::answer("ready")?;
        loop {
            let question = tokio::select! {
                question = questions.recv() => question,
                // Its pings want answers while nothing is asked.
                _ = all.publisher.frames() => bail!("a frame that was not asked for"),
                Some(ended) = all.readers.join_next() => return ended?.context("a page"),
            };
            let Some(question) = question else {
                return Ok(());
            };
            let words: Vec<&str> = question.split(' ').collect();
            match words[..] {
                ["fanout", messages, window] => {
                    let work = all.fanout(messages.parse()?, window.parse()?);
                    let took = timeout(LIMIT, work).await.context("not all arrived")??;
                    child::answer(took.as_nanos())?;
                }
                ["private", notices] => {
                    let work = all.private(notices.parse()?);
                    let times = timeout(LIMIT, work).await.context("not all arrived")??;
                    let times: Vec<_> = times.iter().map(|t| t.as_nanos().to_string()).collect();
                    child::answer(times.join(" "))?;
                }
                _ => bail!("{question:?} is not understood"),
            }
        }
    })
}

/// What came to the pages.
#[derive(Default)]
struct Tally {
    delivered: AtomicU64,
    wanted: AtomicU64,
    all_there: Notify,
}

impl Tally {
    fn want(&self, more: u64) {
        self.wanted.fetch_add(more, Ordering::Relaxed);
    }

    fn add(&self, frames: u64) {
        let before = self.delivered.fetch_add(frames, Ordering::Relaxed);
        if before + frames == self.wanted.load(Ordering::Relaxed) {
            self.all_there.notify_one();
        }
    }
}

struct All {
    count: usize,
    tally: Arc<Tally>,
    publisher: Socket,
    readers: JoinSet<Result<()>>,
}

impl All {
    async fn open(&mut self, at: SocketAddr, route: &str, login: &str, code: &str) -> Result<()> {
        let turns = Arc::new(Semaphore::new(CONNECTING));
        let mut opening = JoinSet::new();
        for page in 0..self.count {
            let destination = match route {
                "everyone" => "/exchange/paynotify".to_owned(),
                _ => format!("/exchange/paynotify.page/{}", key(page)),
            };
            let (login, code) = (login.to_owned(), code.to_owned());
            let turns = Arc::clone(&turns);
            opening.spawn(async move {
                let _turn = turns.acquire().await?;
                let mut socket = Socket::open(at, &login, &code).await?;
                socket.subscribe(&destination).await?;
                anyhow::Ok(socket)
            });
        }
        while let Some(opened) = opening.join_next().await {
            let mut socket = opened?.context("a page cannot connect")?;
            let tally = Arc::clone(&self.tally);
            self.readers.spawn(async move {
                loop {
                    tally.add(socket.frames().await?);
                }
            });
        }
        Ok(())
    }

    async fn fanout(&mut self, messages: usize, window: usize) -> Result<Duration> {
        self.tally.want(u64::try_from(messages * self.count)?);
        let frames: Vec<String> = (0..messages)
            .map(|n| send("/exchange/paynotify", n))
            .collect();
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let (mut sent, mut confirmed) = (0, 0);
        let started = Instant::now();
        while confirmed < messages {
            let until = messages.min(confirmed + window);
            if until > sent {
                self.publisher.say(&frames[sent..until]).await?;
                sent = until;
            }
            confirmed += usize::try_from(self.publisher.frames().await?)?;
        }
        self.tally.all_there.notified().await;
        Ok(started.elapsed())
    }

    async fn private(&mut self, notices: usize) -> Result<Vec<Duration>> {
        // A step that shares no factor with the count comes to pages in no order.
        const STEP: usize = 7_919;
        let Self {
            count,
            tally,
            publisher,
            ..
        } = self;
        let mut times = Vec::with_capacity(notices);
        for notice in 0..notices {
            let destination = format!("/exchange/paynotify/{}", key(notice * STEP % *count));
            let frame = send(&destination, notice);
            tally.want(1);
            let started = Instant::now();
            publisher.say(&[&frame]).await?;
            let arrived = async {
                tally.all_there.notified().await;
                started.elapsed()
            };
            let (time, receipt) = tokio::join!(arrived, publisher.frames());
            receipt?;
            times.push(time);
        }
        Ok(times)
    }
}

/// As long and as even as a page's ticket.
fn key(page: usize) -> String {
    let mixed = (page as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("{mixed:032x}")
}

fn send(destination: &str, receipt: usize) -> String {
    format!(
        "SEND\ndestination:{destination}\nreceipt:{receipt}\ncontent-length:{}\npersistent:true\n\n{BODY}\0",
        BODY.len()
    )
}
