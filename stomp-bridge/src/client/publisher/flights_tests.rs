use super::*;
use crate::client::{Backoff, Destination};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

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

/// The flights with a broker that closes the connection on a poison message.
struct World {
    flights: Flights<usize>,
    now: Instant,
    window: usize,
    /// In flight, in the order of their SENDs; `None` without a connection.
    pipe: Option<VecDeque<(Seq, usize)>>,
    messages: Vec<Told>,
    arrivals: Vec<usize>,
    cuts: usize,
    renewals: usize,
}

struct Told {
    key: Option<u8>,
    poison: bool,
    /// Numbers of earlier messages of its key that had no answer when it was submitted.
    ahead: Vec<usize>,
    answer: Option<Result<Published, PublishError>>,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            flights: Flights::new(rules),
            now: Instant::now(),
            window: 4,
            pipe: None,
            messages: Vec::new(),
            arrivals: Vec::new(),
            cuts: 0,
            renewals: 0,
        }
    }

    fn submit(&mut self, key: Option<u8>, poison: bool) {
        let id = self.messages.len();
        let same = |m: &Told| key.is_some() && m.key == key && m.answer.is_none();
        let ahead = (0..id).filter(|&n| same(&self.messages[n])).collect();
        self.messages.push(Told {
            key,
            poison,
            ahead,
            answer: None,
        });
        self.flights.submit(self.now, message(key, id), id);
        self.take_answers();
    }

    fn connect(&mut self) {
        if self.pipe.is_none() {
            self.pipe = Some(VecDeque::new());
            self.flights.begun(self.now);
        }
    }

    fn send(&mut self) {
        self.flights.judge(self.now, 0);
        self.take_answers();
        let Some(pipe) = &mut self.pipe else { return };
        if self.flights.wants_renewal(self.now) {
            assert!(pipe.is_empty());
            self.flights.begun(self.now);
            self.renewals += 1;
        }
        while pipe.len() < self.window {
            let next = self.flights.next_send(self.now, |_| true);
            let Some((seq, publication)) = next else {
                return;
            };
            let id = publication.message_id.as_deref().unwrap();
            pipe.push_back((seq, id.parse().unwrap()));
        }
    }

    /// The broker takes the next message in; `receipt` says whether its receipt gets through.
    fn process(&mut self, receipt: bool) {
        let Some(&(seq, id)) = self.pipe.as_ref().and_then(VecDeque::front) else {
            return;
        };
        if self.messages[id].poison {
            return self.cut(&closed());
        }
        for ahead in &self.messages[id].ahead {
            assert!(
                self.arrivals.contains(ahead),
                "{id} overtook {ahead} of its key"
            );
        }
        self.arrivals.push(id);
        if receipt {
            self.pipe.as_mut().unwrap().pop_front();
            self.flights.confirmed(seq);
            self.take_answers();
        } else {
            // It, and perhaps more, is in; then the connection is gone.
            self.cut(&closed());
        }
    }

    fn cut(&mut self, cut: &Cut) {
        let Some(pipe) = self.pipe.take() else { return };
        self.cuts += 1;
        // In no order, as a map of receipts would give them.
        for (seq, _) in pipe.into_iter().rev() {
            self.flights.lost(seq);
        }
        self.flights.ended(self.now, cut, 0);
        self.take_answers();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.flights.expire(self.now, 0);
        self.take_answers();
    }

    fn take_answers(&mut self) {
        while let Some((id, answer)) = self.flights.poll_answer() {
            let told = &mut self.messages[id];
            assert!(told.answer.is_none(), "{id} was answered twice");
            if answer.is_ok() {
                assert!(self.arrivals.contains(&id) && !told.poison);
            }
            told.answer = Some(answer);
        }
    }

    /// Until nothing is open, without further mishaps.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.flights.is_empty() {
                return;
            }
            self.connect();
            self.send();
            if self.flights.is_empty() {
                return;
            }
            if self.pipe.as_ref().is_some_and(VecDeque::is_empty) {
                let at = self.flights.next_timeout(self.now).expect("it waits");
                self.pass(at - self.now);
            }
            self.process(true);
        }
        panic!("{} messages never end", self.flights.len());
    }

    fn answers(&self) -> Vec<&Result<Published, PublishError>> {
        let answer = |m| Told::answer(m).expect("an answer");
        self.messages.iter().map(answer).collect()
    }
}

impl Told {
    fn answer(&self) -> Option<&Result<Published, PublishError>> {
        self.answer.as_ref()
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

/// From a SEND to its receipt, where a test lets time pass.
const RECEIPT: Duration = Duration::from_millis(10);

/// Publishes `count` messages one after the other, over connections that end after these lives whatever
/// is sent on them, as long as there are any. Tells how each was answered.
fn through_cuts(
    rules: Rules,
    count: usize,
    mut lives: impl Iterator<Item = Duration>,
) -> Vec<Result<Published, PublishError>> {
    let mut world = World::new(rules);
    for _ in 0..count {
        world.submit(None, false);
        while !world.flights.is_empty() {
            let Some(life) = lives.next() else {
                world.finish();
                break;
            };
            world.connect();
            let end = world.now + life;
            loop {
                world.send();
                if world.flights.is_empty() {
                    break;
                }
                // What is out is confirmed in time, or the end comes first.
                let out = world.pipe.as_ref().is_some_and(|pipe| !pipe.is_empty());
                let next = world.flights.next_timeout(world.now).unwrap_or(end);
                let next = if out { world.now + RECEIPT } else { next };
                if next >= end {
                    world.pass(end - world.now);
                    world.cut(&closed());
                    break;
                }
                world.pass(next - world.now);
                if out {
                    world.process(true);
                }
            }
        }
    }
    world.answers().into_iter().cloned().collect()
}

#[test]
fn a_network_that_ends_all_connections_alike_makes_no_poison() {
    for millis in [1, 5, 9, 10] {
        let life = Duration::from_millis(millis);
        let answers = through_cuts(rules(), 3, std::iter::repeat_n(life, 1000));
        for answer in answers {
            assert!(
                matches!(answer, Ok(_) | Err(PublishError::Unknown { .. })),
                "{millis} ms: {answer:?}"
            );
        }
    }
}

/// Lives of half a receipt's time to six times, in a fixed disorder: a cut every fourth message.
#[test]
fn cuts_at_random_make_no_poison() {
    let mut state = 1_u64;
    let lives = std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Duration::from_millis(5 + (state >> 33) % 60)
    });
    let answers = through_cuts(rules(), 3000, lives);
    assert!(answers.iter().all(Result::is_ok));
}

#[test]
fn a_trial_counts_when_the_next_connection_holds_longer() {
    let (mut flights, ms) = (Flights::new(rules()), Duration::from_millis(1));
    let mut now = Instant::now();
    flights.submit(now, message(None, 0), 0);
    let mut tries = 0;
    let answer = loop {
        // Alone and first on its connection; 10 ms later that ends.
        flights.begun(now);
        while flights.next_send(now, |_| true).is_none() {
            now = flights.next_timeout(now).expect("another try");
            assert!(flights.poll_answer().is_none());
            if flights.wants_renewal(now) {
                flights.begun(now);
            }
        }
        now += 10 * ms;
        flights.lost(0);
        flights.ended(now, &closed(), 0);
        tries += 1;
        flights.begun(now);
        now += 39 * ms;
        flights.judge(now, 0);
        assert!(flights.poll_answer().is_none(), "the control is not over");
        if tries == 2 {
            // It ends early: this trial counts for nothing.
            flights.ended(now, &closed(), 0);
            continue;
        }
        now += ms;
        flights.judge(now, 0);
        if let Some((_, answer)) = flights.poll_answer() {
            break answer;
        }
        assert!(flights.next_timeout(now).is_some());
    };
    let reason = closed();
    assert_eq!(answer, Err(PublishError::Poison { tries: 3, reason }));
    assert_eq!(tries, 4);
}

#[test]
fn an_end_on_a_connection_that_carried_more_counts_for_nothing() {
    let mut world = World::new(rules());
    world.connect();
    for poison in [false, true] {
        world.submit(None, poison);
        world.send();
        world.process(true);
    }
    assert_eq!((world.cuts, world.messages[1].answer.as_ref()), (1, None));
    world.finish();
    let tries_of = |world: &World| match world.messages.last().unwrap().answer {
        Some(Err(PublishError::Poison { tries, .. })) => tries,
        ref other => panic!("{other:?}"),
    };
    assert_eq!((tries_of(&world), world.cuts), (3, 4));

    // Nor does one that had been open for long.
    let mut world = World::new(rules());
    world.connect();
    world.pass(S);
    world.submit(None, true);
    world.finish();
    assert_eq!((tries_of(&world), world.cuts), (3, 4));
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
