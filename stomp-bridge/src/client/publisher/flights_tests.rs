#[path = "flights_tests/trials.rs"]
mod trials;
#[path = "flights_tests/world.rs"]
mod world;

use super::*;
use crate::client::{Backoff, Destination};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use world::{Told, World};

const S: Duration = Duration::from_secs(1);

fn rules() -> Rules {
    Rules {
        resend: Resend::Within(60 * S),
        queue_timeout: 10 * S,
        poison_tries: 3,
        backoff: Backoff {
            base: S,
            cap: 4 * S,
        },
        max_fresh: 100,
        max_open: 200,
    }
}

/// With room for many messages, and time for all.
fn roomy() -> Rules {
    Rules {
        resend: Resend::Within(600 * S),
        queue_timeout: 600 * S,
        max_fresh: 1000,
        max_open: 1000,
        ..rules()
    }
}

fn message(key: Option<u8>, id: usize) -> Publication {
    let mut message = Publication::new(Destination::queue("q").unwrap(), "");
    message = message.message_id(id.to_string());
    match key {
        Some(key) => message.key(format!("k{key}")),
        None => message,
    }
}

fn closed() -> Cut {
    Cut::Closed {
        note: "WebSocket close 1000".into(),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Submit { key: Option<u8>, poison: bool },
    Send,
    Receipt,
    LostReceipt,
    Cut,
    Timeout,
    Pass(u64),
    Connect,
}

fn step(mishaps: u32) -> impl Strategy<Value = Step> {
    let submit = (prop::option::of(0..3_u8), prop::bool::weighted(0.1));
    prop_oneof![
        8 => submit.prop_map(|(key, poison)| Step::Submit { key, poison }),
        8 => Just(Step::Send),
        8 => Just(Step::Receipt),
        3 => Just(Step::Connect),
        1 => (0..3_u64).prop_map(Step::Pass),
        mishaps => prop_oneof![
            Just(Step::LostReceipt),
            Just(Step::Cut),
            Just(Step::Timeout),
            (5..40_u64).prop_map(Step::Pass),
        ],
    ]
}

fn run(steps: Vec<Step>, rules: Rules) -> World {
    let mut world = World::new(rules);
    for step in steps {
        match step {
            Step::Submit { key, poison } => world.submit(key, poison),
            Step::Send => world.send(),
            Step::Receipt => world.process(true),
            Step::LostReceipt => world.process(false),
            Step::Cut => world.cut(&closed()),
            Step::Timeout => world.cut(&Cut::ReceiptTimeout),
            Step::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
            Step::Connect => world.connect(),
        }
    }
    world.finish();
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Cuts anywhere, receipts lost, long waits: each message is answered once, none is confirmed
    /// that did not arrive, none overtakes another of its key. (The world asserts it.)
    #[test]
    fn whatever_happens(steps in prop::collection::vec(step(4), 0..120), never in any::<bool>()) {
        let mut rules = rules();
        if never {
            rules.resend = Resend::Never;
        }
        let world = run(steps, rules);
        prop_assert_eq!(world.answers().len(), world.messages.len());
    }

    /// With a broker that only closes on poison messages, each of them is found and nothing else is
    /// blamed, at the price of at most one cut of the window, one alone and its trials.
    #[test]
    fn the_culprit_is_found(steps in prop::collection::vec(step(1), 0..120)) {
        let calm = |step: &Step| !matches!(
            step,
            Step::LostReceipt | Step::Cut | Step::Timeout | Step::Pass(2..)
        );
        let mut rules = rules();
        (rules.resend, rules.queue_timeout) = (Resend::Within(10_000 * S), 10_000 * S);
        let world = run(steps.into_iter().filter(calm).collect(), rules);
        let mut poisons = BTreeSet::new();
        for (id, (told, answer)) in world.messages.iter().zip(world.answers()).enumerate() {
            match answer {
                Ok(Published) => prop_assert!(!told.poison),
                Err(PublishError::Poison { tries, .. }) => {
                    prop_assert!(told.poison);
                    prop_assert_eq!(*tries, 3);
                    poisons.insert(id.to_string());
                }
                Err(PublishError::KeyBlocked { earlier, .. }) => {
                    let earlier = earlier.clone().unwrap();
                    prop_assert!(poisons.contains(&earlier), "{} is no poison", earlier);
                    prop_assert!(told.ahead.contains(&earlier.parse().unwrap()));
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(world.cuts <= 5 * poisons.len());
    }
}

#[test]
fn other_keys_go_on_while_a_culprit_waits_and_its_own_wait_behind_it() {
    let mut world = World::new(rules());
    world.connect();
    for (key, poison) in [(0, false), (1, true), (1, false), (2, false)] {
        world.submit(Some(key), poison);
    }
    world.send();
    assert_eq!(world.pipe.as_ref().unwrap().len(), 4);
    // The broker closes before it says anything.
    world.cut(&closed());
    for _ in 0..2 {
        world.connect();
        world.send();
        assert_eq!(world.pipe.as_ref().unwrap().len(), 1, "suspects go alone");
        world.process(true);
        world.send();
        world.process(true);
    }
    let answered = |world: &World| {
        let done = |m: &Told| m.answer.as_ref().map(Result::is_ok);
        world.messages.iter().map(done).collect::<Vec<_>>()
    };
    assert_eq!(answered(&world), [Some(true), None, None, Some(true)]);
    assert!(world.flights.next_send(world.now, |_| true).is_none());
    world.finish();
    assert_eq!(
        answered(&world),
        [Some(true), Some(false), Some(false), Some(true)]
    );
    let blocked = PublishError::KeyBlocked {
        earlier: Some("1".into()),
        sent: true,
    };
    assert_eq!(world.messages[2].answer, Some(Err(blocked)));
    // What comes later is the caller's will.
    world.submit(Some(1), false);
    world.finish();
    assert_eq!(world.messages[4].answer, Some(Ok(Published)));
}

/// A broker that restarts, a proxy that cuts: the window goes out again as it was, and what is new goes with it.
#[test]
fn a_cut_of_a_full_window_costs_no_receipt_for_each() {
    let mut world = World::new(roomy());
    world.window = 256;
    for _ in 0..300 {
        world.submit(None, false);
    }
    world.connect();
    world.send();
    world.cut(&closed());
    let mut receipts = 0;
    while !world.flights.is_empty() {
        world.connect();
        world.send();
        // As many as are out come in the time of one.
        for _ in 0..world.pipe.as_ref().unwrap().len() {
            world.process(true);
        }
        receipts += 1;
    }
    assert_eq!(receipts, 2, "a window, and the 44 behind it");
}

/// With one to blame somewhere in a full window, the others do not wait for a receipt each either.
#[test]
fn the_one_to_blame_in_a_full_window_is_found_in_groups() {
    for at in [0, 1, 100, 255] {
        let mut world = World::new(roomy());
        world.window = 256;
        for n in 0..256 {
            world.submit(None, n == at);
        }
        let mut receipts = 0;
        // Until nothing is left but the one.
        while world.flights.len() > 1 {
            world.connect();
            world.send();
            let out = world.pipe.as_ref().unwrap().len();
            if out == 0 {
                let due = world.flights.next_timeout(world.now).expect("it waits");
                world.pass(due - world.now);
            }
            for _ in 0..out {
                world.process(true);
            }
            receipts += usize::from(out > 0);
        }
        assert!(
            receipts <= 24,
            "{receipts} times a receipt with {at} to blame"
        );
        assert!(world.cuts <= 8, "{} cuts with {at} to blame", world.cuts);
        world.finish();
        let answers = world.answers();
        assert!(matches!(answers[at], Err(PublishError::Poison { .. })));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 255);
    }
}

#[test]
fn a_named_message_is_refused_at_once_and_nobody_else_suspected() {
    let mut world = World::new(rules());
    world.connect();
    for _ in 0..3 {
        world.submit(None, false);
    }
    world.send();
    let pipe = world.pipe.take().unwrap();
    let (message, body) = ("access_refused".to_owned(), "no".to_owned());
    let cut = Cut::ErrorFrame {
        message: message.clone(),
        body: body.clone(),
    };
    let flights = &mut world.flights;
    flights.refused(pipe[1].0, message.clone(), body.clone(), 0);
    flights.lost(pipe[0].0);
    flights.lost(pipe[2].0);
    flights.ended(world.now, &cut, 0);
    world.take_answers();
    let refused = PublishError::Refused { message, body };
    assert_eq!(world.messages[1].answer, Some(Err(refused)));
    world.connect();
    world.send();
    assert_eq!(world.pipe.as_ref().unwrap().len(), 2, "together again");
}

#[test]
fn a_silent_broker_makes_nobody_suspect() {
    for cut in [Cut::ReceiptTimeout, Cut::Silent, Cut::Stalled] {
        let mut world = World::new(rules());
        world.connect();
        for _ in 0..3 {
            world.submit(None, false);
        }
        world.send();
        world.cut(&cut);
        world.connect();
        world.send();
        assert_eq!(world.pipe.as_ref().unwrap().len(), 3);
    }
}

#[test]
fn the_deadlines_of_a_message() {
    // Never sent: the queue's time-out.
    let mut world = World::new(rules());
    world.submit(None, false);
    let queued = world.now + 10 * S;
    assert_eq!(world.flights.next_timeout(world.now), Some(queued));
    world.pass(9 * S);
    assert_eq!(world.messages[0].answer, None);
    world.pass(S);
    let timed_out = PublishError::NotSent(NotSent::TimedOut);
    assert_eq!(world.messages[0].answer, Some(Err(timed_out)));

    // Sent: its own deadline, and then it may have arrived.
    world.submit(None, false);
    world.connect();
    world.send();
    world.cut(&Cut::Silent);
    world.pass(59 * S);
    assert_eq!(world.messages[1].answer, None);
    world.pass(S);
    let reason = Cut::Silent;
    let unknown = PublishError::Unknown { reason };
    assert_eq!(world.messages[1].answer, Some(Err(unknown)));
    assert!(world.flights.is_empty());
}

#[test]
fn what_nobody_wants_any_more_is_not_sent() {
    let mut flights = Flights::new(rules());
    let now = Instant::now();
    for id in 0..3 {
        flights.submit(now, message(None, id), id);
    }
    let (seq, _) = flights.next_send(now, |&id| id != 0).unwrap();
    assert_eq!(seq, 1);
    // Once sent it is sent again, whoever waits.
    flights.lost(seq);
    flights.ended(now, &Cut::Silent, 0);
    assert_eq!(flights.next_send(now, |_| false).unwrap().0, 1);
    assert!(flights.next_send(now, |_| false).is_none());
    flights.confirmed(1);
    assert!(flights.is_empty());
}

#[test]
fn a_block_reaches_those_on_their_way_and_no_further() {
    let mut flights = Flights::new(rules());
    let now = Instant::now();
    flights.submit(now, message(Some(1), 0), 0);
    flights.next_send(now, |_| true).unwrap();
    // Two more are in the queue in front of the flights.
    flights.refused(0, String::new(), String::new(), 2);
    let cut = Cut::ErrorFrame {
        message: String::new(),
        body: String::new(),
    };
    flights.ended(now, &cut, 2);
    for id in 1..4 {
        flights.submit(now, message(Some(1), id), id);
    }
    let answers: Vec<_> = std::iter::from_fn(|| flights.poll_answer()).collect();
    let ids: Vec<_> = answers.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [0, 1, 2]);
    assert!(matches!(
        answers[1].1,
        Err(PublishError::KeyBlocked { sent: false, .. })
    ));
    assert_eq!(flights.next_send(now, |_| true).unwrap().0, 3);
}
