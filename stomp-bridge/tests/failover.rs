//! What follows a fault: the next broker of the list, and a subscription that comes back. Against
//! the embedded broker and RabbitMQ, over TCP and WebSocket.

#![allow(clippy::unwrap_used)]

mod common;

use common::fault_proxy::{End, Fate, Fault, FaultProxy, Way};
use common::target::{Target, backoff, everywhere, everywhere_in_turn};
use common::{SOON, soon};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stomp_bridge::client::{
    AckError, Destination, Message, Publication, Publisher, PublisherConfig, Subscriber,
    SubscriberConfig, SubscriberStatus,
};
use tokio::time::Instant;

/// The shortest that RabbitMQ agrees on.
const BEAT: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(1);
/// What a fault that is due by then may take on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(4);

fn order_pay() -> Destination {
    Destination::queue("order_pay").unwrap()
}

/// A publisher for the brokers behind both.
fn publisher(target: &Target, brokers: [&FaultProxy; 2]) -> Publisher {
    let urls = brokers.map(|proxy| target.through(proxy.addr)).to_vec();
    let mut config = PublisherConfig::with_brokers(urls.try_into().unwrap());
    config.connect.connect_timeout = CONNECT;
    config.backoff = backoff();
    Publisher::spawn(config)
}

/// Publishes; gives how long that took.
async fn publish(target: &Target, publisher: &Publisher) -> Duration {
    let begun = Instant::now();
    let answer = soon(publisher.publish(Publication::new(order_pay(), "x"))).await;
    assert!(answer.is_ok(), "{target}: {answer:?}");
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lets_nobody_in_is_passed_over() {
    let mute = Fault::Drip {
        bytes: 1,
        pause: CONNECT,
    };
    let faults = [
        (Way::ToClient, Fault::Swallow),
        (Way::ToBroker, Fault::Stuck),
        (Way::ToClient, mute),
        (Way::ToClient, Fault::Garble { bytes: 1 }),
        (Way::ToClient, Fault::Cut(End::Orderly)),
        (Way::ToClient, Fault::Cut(End::Reset)),
    ];
    everywhere(async |target| {
        for (way, fault) in faults {
            let fate = move |_| Some(Fate::at_once(way, fault));
            let broken = FaultProxy::before(target.addr, fate).await;
            let whole = FaultProxy::whole(target.addr).await;
            let publisher = publisher(target, [&broken, &whole]);
            let took = publish(target, &publisher).await;
            assert!(took < CONNECT + SLACK, "{target}, {fault:?}: {took:?}");
            let connections = (broken.connections(), whole.connections());
            assert_eq!(connections, (1, 1), "{target}, {fault:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_lost_is_tried_again_and_then_the_next_and_back() {
    everywhere(async |target| {
        let mut one = FaultProxy::whole(target.addr).await;
        let mut two = FaultProxy::whole(target.addr).await;
        let publisher = publisher(target, [&one, &two]);
        publish(target, &publisher).await;
        one.now(Way::ToBroker, Fault::Cut(End::Reset)).await;
        publish(target, &publisher).await;
        let connections = (one.connections(), two.connections());
        assert_eq!(connections, (2, 0), "{target}: it had served");

        one.refuse().await;
        one.now(Way::ToBroker, Fault::Cut(End::Reset)).await;
        publish(target, &publisher).await;
        let connections = (one.connections(), two.connections());
        assert_eq!(connections, (2, 1), "{target}");

        one.listen_again().await;
        two.refuse().await;
        two.now(Way::ToBroker, Fault::Cut(End::Reset)).await;
        publish(target, &publisher).await;
        let connections = (one.connections(), two.connections());
        assert_eq!(connections, (3, 1), "{target}");
        assert_eq!(publisher.shutdown(SOON).await.unsettled, 0, "{target}");
    })
    .await;
}

/// A subscription through a proxy, and who publishes past it.
struct Reading<'a> {
    target: &'a Target,
    run: String,
    proxy: FaultProxy,
    subscriber: Subscriber,
    publisher: Publisher,
}

impl<'a> Reading<'a> {
    async fn begin(target: &'a Target) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let proxy = FaultProxy::whole(target.addr).await;
        let mut config = SubscriberConfig::new(target.read_through(proxy.addr), order_pay());
        config.connect.heartbeat = BEAT;
        config.backoff = backoff();
        let publisher = PublisherConfig::new(target.through(target.addr));
        Self {
            target,
            run: format!("reading-{}", now.as_nanos()),
            proxy,
            subscriber: soon(Subscriber::subscribe(config)).await.unwrap(),
            publisher: Publisher::spawn(publisher),
        }
    }

    async fn publish(&self, body: &str) {
        let publication = Publication::new(order_pay(), format!("{} {body}", self.run));
        let answer = soon(self.publisher.publish(publication)).await;
        assert!(answer.is_ok(), "{}: {answer:?}", self.target);
    }

    /// The next message of this run; what others left is done with.
    async fn next(&mut self) -> (String, Message) {
        loop {
            let message = soon(self.subscriber.recv()).await.expect("a message");
            let text = message.text().and_then(|text| text.strip_prefix(&self.run));
            if let Some(body) = text.map(|body| body.trim_start().to_owned()) {
                return (body, message);
            }
            message.ack().await.ok();
        }
    }

    /// Acknowledges messages until each of these was one of them.
    async fn takes(&mut self, bodies: &[&str]) {
        let mut wanted = bodies.to_vec();
        while !wanted.is_empty() {
            let (body, message) = self.next().await;
            if soon(message.ack()).await.is_ok() {
                wanted.retain(|other| *other != body);
            }
        }
    }

    /// That message. Others may be repeats, whose acknowledgement a cut took: it is given again.
    async fn gets(&mut self, wanted: &str) -> Message {
        loop {
            let (body, message) = self.next().await;
            if body == wanted {
                return message;
            }
            message.ack().await.ok();
        }
    }

    /// Until there is no connection; gives why.
    async fn lost(&mut self, due: Duration) -> String {
        let (begun, mut status) = (Instant::now(), self.subscriber.status());
        let lost = |status: &SubscriberStatus| {
            matches!(
                status,
                SubscriberStatus::Connecting {
                    last_error: Some(_),
                    ..
                }
            )
        };
        let why = match soon(status.wait_for(lost)).await.unwrap().clone() {
            SubscriberStatus::Connecting { last_error, .. } => last_error.unwrap().to_string(),
            other => panic!("{other:?}"),
        };
        let took = begun.elapsed();
        assert!(took < due + SLACK, "{}: {why}: {took:?}", self.target);
        why
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_comes_back_and_what_a_fault_took_comes_again() {
    everywhere_in_turn(async |target| {
        let mut reading = Reading::begin(target).await;
        reading.publish("first").await;
        reading.takes(&["first"]).await;

        reading.proxy.now(Way::ToClient, Fault::Swallow).await;
        reading.publish("half").await;
        reading.publish("open").await;
        let why = reading.lost(2 * BEAT).await;
        assert_eq!(why, "no heart-beat from the broker", "{target}");
        reading.takes(&["half", "open"]).await;

        let garble = Fault::Garble { bytes: 2 };
        reading.proxy.now(Way::ToClient, garble).await;
        reading.publish("garbled").await;
        let why = reading.lost(2 * BEAT).await;
        assert!(why.starts_with("not understood"), "{target}: {why}");
        reading.takes(&["garbled"]).await;

        reading.publish("held").await;
        let held = reading.gets("held").await;
        let cut = Fault::Cut(End::Reset);
        reading.proxy.now(Way::ToClient, cut).await;
        reading.lost(Duration::ZERO).await;
        let late = soon(held.ack()).await;
        assert_eq!(late, Err(AckError::StaleConnection), "{target}");
        let again = reading.gets("held").await;
        assert!(again.redelivered(), "{target}");
        soon(again.ack()).await.unwrap();
        assert_eq!(reading.proxy.connections(), 4, "{target}");
        reading.subscriber.close().await;
    })
    .await;
}
