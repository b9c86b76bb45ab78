//! The whole RabbitMQ is disturbed: it goes and comes back with messages under way, and it is under
//! a memory alarm. Nothing else may use it meanwhile: cargo runs one test binary after the other,
//! and the tests in here take turns.

#![allow(clippy::unwrap_used)]

mod common;

use common::rabbitmq::{ctl, fresh, target};
use common::target::{Scheme, Target, backoff};
use common::{SOON, soon};
use futures_util::StreamExt;
use std::collections::HashSet;
use std::time::Duration;
use stomp_bridge::client::{
    Backoff, Cut, Destination, Lost, Publication, PublishError, Publisher, PublisherConfig, Resend,
    Status, Subscriber, SubscriberConfig,
};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, timeout};

/// For the broker's stop and start, and all that follows.
const LIMIT: Duration = Duration::from_mins(4);
const BEAT: Duration = Duration::from_secs(1);
/// For a receipt, when the broker is known to give none.
const RECEIPT: Duration = Duration::from_secs(3);
/// What a time-out may take longer on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(6);

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn order_pay() -> Destination {
    Destination::queue("order_pay").unwrap()
}

/// Goes on for as long as the broker is away.
fn patient(target: &Target) -> PublisherConfig {
    let mut config = PublisherConfig::new(target.through(target.addr));
    config.connect.heartbeat = BEAT;
    config.backoff = backoff();
    config.queue_timeout = LIMIT;
    config.resend = Resend::Within(LIMIT);
    // The broker's end is about no message.
    config.poison_tries = u32::MAX;
    config
}

/// Reads and acknowledges until each body was there; gives how many came more than once.
async fn read_all(reader: &mut Subscriber, run: &str, wanted: usize) -> usize {
    let (mut seen, mut repeats) = (HashSet::new(), 0);
    while seen.len() < wanted {
        let message = reader.recv().await.expect("a message");
        if let Some(body) = message.text().filter(|text| text.starts_with(run)) {
            assert_eq!(message.header("x-outbox-id"), Some(body));
            repeats += usize::from(!seen.insert(body.to_owned()));
        }
        // A cut may have taken it back: then it comes again.
        message.ack().await.ok();
    }
    repeats
}

/// Publishes that many, and tells of each answer.
async fn publish_all(
    target: &Target,
    run: &str,
    messages: usize,
    answered: mpsc::UnboundedSender<()>,
) {
    let publisher = Publisher::spawn(patient(target));
    let bodies = (0..messages).map(|n| format!("{run} {:?} {n}", target.scheme));
    let publications = bodies.map(|body| {
        Publication::new(order_pay(), body.clone())
            .message_id(body)
            .key("one")
    });
    let mut answers = std::pin::pin!(publisher.publish_all(publications));
    while let Some((number, answer)) = answers.next().await {
        assert!(answer.is_ok(), "{target}, {number}: {answer:?}");
        answered.send(()).ok();
    }
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0, "{target}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_and_comes_back_loses_nothing() {
    const MESSAGES: usize = 20_000;
    const BEFORE_THE_STOP: usize = 4000;
    let _alone = ONE_AT_A_TIME.lock().await;
    let run = fresh("down");
    let (tcp, ws) = (target(Scheme::Tcp), target(Scheme::WebSocket));
    let mut config = SubscriberConfig::new(tcp.read_through(tcp.addr), order_pay());
    config.backoff = backoff();
    let mut reader = soon(Subscriber::subscribe(config)).await.unwrap();
    let (answered, mut answers) = mpsc::unbounded_channel();
    let away = async {
        for _ in 0..BEFORE_THE_STOP {
            answers.recv().await.expect("an answer");
        }
        ctl(&["stop_app"]).await;
        // With the broker away the answers come to an end before the messages do.
        let mut before = BEFORE_THE_STOP;
        while let Ok(answer) = timeout(BEAT, answers.recv()).await {
            answer.expect("an answer");
            before += 1;
        }
        assert!(before < 2 * MESSAGES, "the stop came too late: {before}");
        ctl(&["start_app"]).await;
        before
    };
    let work = async {
        tokio::join!(
            publish_all(&tcp, &run, MESSAGES, answered.clone()),
            publish_all(&ws, &run, MESSAGES, answered.clone()),
            read_all(&mut reader, &run, 2 * MESSAGES),
            away,
        )
    };
    let ((), (), repeats, before) = timeout(LIMIT, work).await.expect("all in time");
    reader.close().await;
    eprintln!("{before} answered before the stop, {repeats} repeats");
}

/// Lifts the alarm, however the test ends.
struct Alarm;

impl Alarm {
    async fn raise() -> Self {
        ctl(&["set_vm_memory_high_watermark", "0"]).await;
        Self
    }

    async fn lift(self) {
        std::mem::forget(self);
        ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        common::rabbitmq::ctl_blocking(&["set_vm_memory_high_watermark", "0.4"]).ok();
    }
}

/// Over TCP, since 3.10 does not hold up Web STOMP in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn a_memory_alarm_is_told_in_bounded_time_and_everything_arrives_after_it() {
    /// More than it takes with the first read of a connection, which it still does.
    const MESSAGES: usize = 3000;
    let _alone = ONE_AT_A_TIME.lock().await;
    let (run, tcp) = (fresh("alarm"), target(Scheme::Tcp));
    let config = SubscriberConfig::new(tcp.read_through(tcp.addr), order_pay());
    let mut reader = soon(Subscriber::subscribe(config)).await.unwrap();
    let mut config = patient(&tcp);
    config.receipt_timeout = RECEIPT;
    // Long enough for the status to be looked at between two connections.
    config.backoff = Backoff {
        base: BEAT,
        cap: BEAT,
    };
    let publisher = Publisher::spawn(config.clone());
    config.resend = Resend::Never;
    let asker = Publisher::spawn(config);
    let message = |body: String| Publication::new(order_pay(), body.clone()).message_id(body);
    for publisher in [&publisher, &asker] {
        let before = publisher.publish(message("before".to_owned()));
        soon(before).await.unwrap();
    }

    let alarm = Alarm::raise().await;
    // Each connection may have one receipt more.
    let begun = Instant::now();
    let error = loop {
        match soon(asker.publish(message("asks".to_owned()))).await {
            Ok(_) => assert!(begun.elapsed() < SOON, "nothing is held up"),
            Err(error) => break error,
        }
    };
    let reason = Cut::Blocked;
    assert_eq!(error, PublishError::Unknown { reason });
    let took = begun.elapsed();
    assert!(took < RECEIPT + SLACK, "{took:?}");

    let mut status = publisher.status();
    let publications = (0..MESSAGES).map(|n| message(format!("{run} {n}")));
    let publish = async {
        let answers: Vec<_> = publisher.publish_all(publications).collect().await;
        for (number, answer) in answers {
            assert!(answer.is_ok(), "{number}: {answer:?}");
        }
    };
    let until_it_is_told = async {
        let told = |status: &Status| {
            matches!(
                status,
                Status::Connecting {
                    last_error: Some(Lost::Cut(Cut::Blocked)),
                    ..
                }
            )
        };
        soon(status.wait_for(told)).await.unwrap();
        alarm.lift().await;
    };
    let begun = Instant::now();
    let work = async {
        tokio::join!(
            publish,
            until_it_is_told,
            read_all(&mut reader, &run, MESSAGES)
        )
    };
    timeout(LIMIT, work).await.expect("all in time");
    eprintln!("{MESSAGES} through an alarm in {:?}", begun.elapsed());
    let after = message("after".to_owned());
    assert!(soon(asker.publish(after)).await.is_ok(), "it goes on");
    for publisher in [publisher, asker] {
        assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
    }
    reader.close().await;
}
