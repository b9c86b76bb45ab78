//! What is proved before a message is called poison.

use super::*;

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
