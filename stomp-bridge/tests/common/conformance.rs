//! What must hold against any broker that serves the flow: the embedded one and RabbitMQ.

use super::soon;
use futures_util::StreamExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stomp_bridge::client::{
    AckError, AckMode, BrokerUrl, ConnectError, ConnectOptions, Credentials, Cut, Destination,
    Publication, PublishError, Publisher, PublisherConfig, Requeue, SubscribeError, Subscriber,
    SubscriberConfig, check_queue,
};

/// Whether the broker says why it refuses. RabbitMQ over WebSocket only closes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    Told,
    Silent,
}

pub struct Endpoint {
    pub payer: BrokerUrl,
    pub listener: BrokerUrl,
    pub guest: BrokerUrl,
    pub refusals_of_payer: Refusals,
    pub refusals_of_guest: Refusals,
}

pub async fn run(endpoint: &Endpoint) {
    connects_and_says_why_not(endpoint).await;
    a_message_arrives_with_its_headers(endpoint).await;
    order_is_kept_through_the_window(endpoint).await;
    a_refusal_is_told_as_far_as_the_transport_can(endpoint).await;
    a_refused_message_stops_its_own_key_only(endpoint).await;
    messages_are_acknowledged_one_by_one(endpoint).await;
    the_queue_can_be_looked_at(endpoint).await;
    a_page_gets_its_own_notice_only(endpoint).await;
    webguest_is_kept_out(endpoint).await;
}

/// Different in each run, since a real broker's queue may hold what an earlier run left.
fn run_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("run-{}", now.as_nanos())
}

async fn reader(url: &BrokerUrl, destination: &Destination) -> Subscriber {
    let options = ConnectOptions::default();
    soon(Subscriber::open(url, destination, &options))
        .await
        .unwrap()
}

async fn connects_and_says_why_not(at: &Endpoint) {
    let options = ConnectOptions::default();
    let server = Publisher::connect_once(&at.payer, &options).await.unwrap();
    assert_eq!(server.version, "1.2");
    assert!(server.server.is_some());

    let wrong = at
        .payer
        .clone()
        .with_credentials(Credentials::new("payer", "wrong").unwrap());
    let error = Publisher::connect_once(&wrong, &options).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::AccessRefused { .. }),
        "{error:?}"
    );

    let nowhere = format!("{}?vhost=nowhere", at.payer)
        .parse::<BrokerUrl>()
        .unwrap();
    let nowhere = nowhere.with_credentials(at.payer.credentials().unwrap().clone());
    let error = Publisher::connect_once(&nowhere, &options)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::VirtualHost { .. }),
        "{error:?}"
    );
}

async fn a_message_arrives_with_its_headers(at: &Endpoint) {
    let run = run_id();
    let order_pay = Destination::queue("order_pay").unwrap();
    let mut reader = reader(&at.listener, &order_pay).await;
    let publisher = Publisher::spawn(PublisherConfig::new(at.payer.clone()));
    let body = format!("{{\"run\":\"{run}\",\"nul\":\"\0\",\"name\":\"付款\"}}");
    let message = Publication::new(order_pay.clone(), body.clone())
        .content_type("application/json")
        .message_id(format!("{run}:1"));
    soon(publisher.publish(message)).await.unwrap();
    loop {
        let got = soon(reader.recv()).await.expect("the message");
        if got.text() != Some(body.as_str()) {
            continue;
        }
        assert_eq!(got.destination, "/queue/order_pay");
        assert_eq!(got.header("content-type"), Some("application/json"));
        assert_eq!(got.header("persistent"), Some("true"));
        assert_eq!(got.header("redelivered"), Some("false"));
        assert_eq!(
            got.header("content-length"),
            Some(body.len().to_string().as_str())
        );
        for id in ["x-outbox-id", "amqp-message-id"] {
            assert_eq!(got.header(id), Some(format!("{run}:1").as_str()));
        }
        break;
    }
    assert_eq!(publisher.shutdown(super::SOON).await.unsettled, 0);
    reader.close().await;
}

/// Enough, fast enough, that RabbitMQ's flow control holds the connection up several times.
async fn order_is_kept_through_the_window(at: &Endpoint) {
    const MESSAGES: usize = 10_000;
    const IN_TIME: Duration = Duration::from_mins(2);
    let run = run_id();
    let order_pay = Destination::queue("order_pay").unwrap();
    let mut reader = reader(&at.listener, &order_pay).await;
    let mut config = PublisherConfig::new(at.payer.clone());
    config.window = 1000;
    config.queue_timeout = IN_TIME;
    config.receipt_timeout = IN_TIME;
    let publisher = Publisher::spawn(config);
    let publish = |n| publisher.publish(Publication::new(order_pay.clone(), format!("{run} {n}")));
    let all = futures_util::future::join_all((0..MESSAGES).map(publish));
    let read = async {
        let mut seen = Vec::new();
        while seen.len() < MESSAGES {
            let got = reader.recv().await.expect("a message");
            let number = got.text().and_then(|t| t.strip_prefix(&format!("{run} ")));
            seen.extend(number.map(|n| n.parse::<usize>().unwrap()));
        }
        seen
    };
    let both = tokio::time::timeout(IN_TIME, async { tokio::join!(all, read) });
    let (confirmed, seen) = both.await.expect("it did not happen in time");
    let failed: Vec<_> = confirmed.iter().filter(|r| r.is_err()).take(3).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(seen.is_sorted(), "out of order");
    publisher.shutdown(super::SOON).await;
    reader.close().await;
}

async fn a_refusal_is_told_as_far_as_the_transport_can(at: &Endpoint) {
    let publisher = Publisher::spawn(PublisherConfig::new(at.payer.clone()));
    let nope = Destination::exchange("nope", None).unwrap();
    let error = soon(publisher.publish(Publication::new(nope, "x")))
        .await
        .unwrap_err();
    match (&error, at.refusals_of_payer) {
        (PublishError::Refused { message, body }, Refusals::Told) => {
            assert_eq!(message, "access_refused");
            assert!(
                body.contains("access to exchange 'nope' in vhost '/' refused"),
                "{body}"
            );
            assert!(!error.may_have_arrived());
        }
        (
            PublishError::Poison {
                tries: 3,
                reason: Cut::Closed { note },
            },
            Refusals::Silent,
        ) => {
            assert!(note.contains("1000"), "{note}");
            assert!(error.may_have_arrived());
        }
        (error, _) => panic!("{error:?}"),
    }
    // It comes back by itself.
    let fine = Publication::new(Destination::queue("order_pay").unwrap(), "after");
    soon(publisher.publish(fine)).await.unwrap();
    publisher.shutdown(super::SOON).await;
}

/// However much the transport tells, the culprit is found among the others.
async fn a_refused_message_stops_its_own_key_only(at: &Endpoint) {
    const MESSAGES: usize = 30;
    let publisher = Publisher::spawn(PublisherConfig::new(at.payer.clone()));
    let order_pay = Destination::queue("order_pay").unwrap();
    let nope = Destination::exchange("nope", None).unwrap();
    let messages = (0..MESSAGES).map(|n| {
        let (to, key) = match n {
            10 => (&nope, "c"),
            20 => (&order_pay, "c"),
            n => (&order_pay, ["a", "b"][n % 2]),
        };
        let id = n.to_string();
        Publication::new(to.clone(), "x").message_id(id).key(key)
    });
    let answers: Vec<_> = soon(publisher.publish_all(messages).collect()).await;
    for (n, answer) in answers {
        match (n, answer, at.refusals_of_payer) {
            (10, Err(PublishError::Refused { .. }), Refusals::Told)
            | (10, Err(PublishError::Poison { .. }), Refusals::Silent) => {}
            (20, Err(PublishError::KeyBlocked { earlier, .. }), _) => {
                assert_eq!(earlier.as_deref(), Some("10"));
            }
            (n, answer, _) => assert!(n != 10 && n != 20 && answer.is_ok(), "{n}: {answer:?}"),
        }
    }
    publisher.shutdown(super::SOON).await;
}

async fn messages_are_acknowledged_one_by_one(at: &Endpoint) {
    let run = run_id();
    let order_pay = Destination::queue("order_pay").unwrap();
    let publisher = Publisher::spawn(PublisherConfig::new(at.payer.clone()));
    let names = ["acked", "dead", "kept"].map(|name| format!("{run} {name}"));
    let messages = names
        .iter()
        .map(|name| Publication::new(order_pay.clone(), name.clone()));
    let answers: Vec<_> = soon(publisher.publish_all(messages).collect()).await;
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
    publisher.shutdown(super::SOON).await;

    let mut config = SubscriberConfig::new(at.listener.clone(), order_pay);
    config.prefetch = Some(3);
    // Of this run; what others left is done with.
    let next = async |subscriber: &mut Subscriber| loop {
        let message = soon(subscriber.recv()).await.expect("a message");
        if message.text().is_some_and(|text| text.starts_with(&run)) {
            break message;
        }
        soon(message.ack()).await.unwrap();
    };
    let mut one = soon(Subscriber::subscribe(config.clone())).await.unwrap();
    let mut held = Vec::new();
    for name in &names {
        let message = next(&mut one).await;
        assert_eq!(message.text(), Some(name.as_str()));
        held.push(message);
    }
    soon(held[0].ack()).await.unwrap();
    soon(held[0].ack()).await.unwrap_err();
    soon(held[1].nack(Requeue::DeadLetter)).await.unwrap();
    soon(held[2].nack(Requeue::Yes)).await.unwrap();
    let again = next(&mut one).await;
    assert_eq!(again.text(), Some(names[2].as_str()));
    assert!(again.redelivered());
    // Held, and not acknowledged by the end.
    let closed = soon(one.close_within(Duration::from_millis(100))).await;
    assert!(closed.unsettled >= 1);
    assert_eq!(soon(again.ack()).await, Err(AckError::Stopped));

    config.ack = AckMode::Client;
    let mut other = soon(Subscriber::subscribe(config)).await.unwrap();
    let kept = next(&mut other).await;
    assert_eq!(kept.text(), Some(names[2].as_str()));
    assert!(kept.redelivered());
    soon(kept.ack()).await.unwrap();
    drop(kept);
    soon(other.close_within(super::SOON)).await;
}

async fn the_queue_can_be_looked_at(at: &Endpoint) {
    let options = ConnectOptions::default();
    let order_pay = Destination::queue("order_pay").unwrap();
    soon(check_queue(&at.listener, &order_pay, &options))
        .await
        .unwrap();
    let error = soon(check_queue(&at.guest, &order_pay, &options)).await;
    assert!(error.is_err(), "no right to read");
}

async fn a_page_gets_its_own_notice_only(at: &Endpoint) {
    let run = run_id();
    let page =
        |key: &str| Destination::exchange("paynotify.page", &*format!("{run}{key}")).unwrap();
    let mut page_a = reader(&at.guest, &page("a")).await;
    let mut page_b = reader(&at.guest, &page("b")).await;
    let fanout = Destination::exchange("paynotify", None).unwrap();
    let mut everyone = reader(&at.listener, &fanout).await;
    let publisher = Publisher::spawn(PublisherConfig::new(at.payer.clone()));
    for (key, order) in [("a", "order-1"), ("b", "order-2")] {
        let to = Destination::exchange("paynotify", &*format!("{run}{key}")).unwrap();
        soon(publisher.publish(Publication::new(to, order)))
            .await
            .unwrap();
    }
    let first = soon(page_a.recv()).await.unwrap();
    assert_eq!(first.text(), Some("order-1"));
    assert_eq!(first.destination, format!("/exchange/paynotify/{run}a"));
    // The first that page b hears of is its own, though the other was published before.
    assert_eq!(soon(page_b.recv()).await.unwrap().text(), Some("order-2"));
    for order in ["order-1", "order-2"] {
        assert_eq!(soon(everyone.recv()).await.unwrap().text(), Some(order));
    }
    publisher.shutdown(super::SOON).await;
    for reader in [page_a, page_b, everyone] {
        reader.close().await;
    }
}

async fn webguest_is_kept_out(at: &Endpoint) {
    let options = ConnectOptions::default();
    for closed in [
        Destination::exchange("paynotify", None),
        Destination::queue("order_pay"),
        Destination::amq_queue("order_pay"),
        Destination::exchange("nope", None),
    ] {
        let closed = closed.unwrap();
        let error = soon(Subscriber::open(&at.guest, &closed, &options))
            .await
            .unwrap_err();
        match (&error, at.refusals_of_guest) {
            (SubscribeError::Refused { message, .. }, Refusals::Told) => {
                assert_eq!(message, "access_refused");
            }
            (SubscribeError::Cut(Cut::Closed { .. }), Refusals::Silent) => {}
            (error, _) => panic!("{closed}: {error:?}"),
        }
    }
    let publisher = Publisher::spawn(PublisherConfig::new(at.guest.clone()));
    for closed in [
        Destination::exchange("paynotify.page", "k"),
        Destination::queue("order_pay"),
    ] {
        let forged = Publication::new(closed.unwrap(), "forged");
        let error = soon(publisher.publish(forged)).await.unwrap_err();
        let told = matches!(error, PublishError::Refused { .. });
        assert_eq!(told, at.refusals_of_guest == Refusals::Told, "{error:?}");
    }
    publisher.shutdown(super::SOON).await;
}
