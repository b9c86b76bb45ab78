use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn query(seconds: u64) -> Step {
    Step::Query { after: at(seconds) }
}

fn reverse(seconds: u64) -> Step {
    Step::Reverse { after: at(seconds) }
}

/// Runs a flow on a clock that obeys it, one second for each exchange: each event with the step it must lead to.
fn run(events: &[(Event, Step)]) -> MicropayFlow {
    let mut flow = MicropayFlow::new(Timing::DEFAULT, at(100));
    assert_eq!(flow.step(), Step::Pay);
    let mut now = at(100);
    for (place, &(event, wanted)) in events.iter().enumerate() {
        now += at(1);
        if let Step::Query { after } | Step::Reverse { after } = flow.step() {
            now += after;
        }
        assert_eq!(
            flow.next(event, now),
            wanted,
            "after event {place}, {event:?}"
        );
    }
    flow
}

#[test]
fn the_answer_may_settle_it_at_once() {
    for (event, end) in [
        (Event::Paid, MicropayEnd::Paid),
        (Event::Refused, MicropayEnd::Refused),
        (Event::NotSent, MicropayEnd::NotSent),
    ] {
        run(&[(event, Step::Done(end))]);
    }
}

#[test]
fn a_payer_who_types_is_asked_for_every_ten_seconds() {
    run(&[
        (Event::Pending, query(10)),
        (Event::Pending, query(10)),
        (Event::Paid, Step::Done(MicropayEnd::Paid)),
    ]);
}

#[test]
fn a_payer_who_never_ends_is_reversed_after_45_seconds() {
    // Answers at 1, 12, 23 and 34; a query after 44 would be the last, so at 45 it is time.
    run(&[
        (Event::Pending, query(10)),
        (Event::Pending, query(10)),
        (Event::Pending, query(10)),
        (Event::Pending, query(10)),
        (Event::Pending, reverse(0)),
        (Event::Reversed, Step::Done(MicropayEnd::Reversed)),
    ]);
}

#[test]
fn no_answer_is_asked_for_after_five_seconds_and_is_neither_paid_nor_unpaid() {
    run(&[
        (Event::NoAnswer, query(5)),
        (Event::NoAnswer, query(5)),
        (Event::NotSent, query(5)),
        (Event::Pending, query(10)),
        (Event::Paid, Step::Done(MicropayEnd::Paid)),
    ]);
}

#[test]
fn no_reverse_within_15_seconds_of_the_answer() {
    // The payment fails 7 s after the micropay's answer.
    run(&[
        (Event::NoAnswer, query(5)),
        (Event::Failed, reverse(9)),
        (Event::Reversed, Step::Done(MicropayEnd::Reversed)),
    ]);
}

#[test]
fn a_query_may_end_it_without_money() {
    for (event, end) in [
        (Event::Reversed, MicropayEnd::Reversed),
        (Event::Refunded, MicropayEnd::Refunded),
    ] {
        run(&[(Event::Pending, query(10)), (event, Step::Done(end))]);
    }
}

#[test]
fn a_taken_number_is_looked_at_and_never_reversed() {
    for (event, end) in [
        (Event::Paid, MicropayEnd::Paid),
        (Event::Pending, MicropayEnd::NumberTaken),
        (Event::Failed, MicropayEnd::NumberTaken),
        (Event::NotFound, MicropayEnd::Refused),
        (Event::Reversed, MicropayEnd::Reversed),
        (Event::Refunded, MicropayEnd::Refunded),
    ] {
        run(&[(Event::NumberTaken, query(0)), (event, Step::Done(end))]);
    }
    run(&[
        (Event::NumberTaken, query(0)),
        (Event::NoAnswer, query(5)),
        (Event::NoAnswer, query(5)),
        (Event::NoAnswer, Step::Done(MicropayEnd::Unknown)),
    ]);
}

#[test]
fn a_reverse_is_sent_again_ten_times_and_then_looked_at() {
    let mut events = Vec::from([(Event::NoAnswer, query(5)), (Event::Failed, reverse(9))]);
    events.extend([(Event::Recall, reverse(2)); 10]);
    events.push((Event::Recall, query(2)));
    for (event, end) in [
        // Whether the money comes back is not known: the reverses may have acted.
        (Event::Paid, MicropayEnd::Unknown),
        (Event::Pending, MicropayEnd::Unknown),
        (Event::Reversed, MicropayEnd::Reversed),
        (Event::Refunded, MicropayEnd::Refunded),
    ] {
        events.push((event, Step::Done(end)));
        run(&events);
        events.pop();
    }
}

#[test]
fn a_refused_reverse_is_looked_at() {
    let begin = [(Event::NoAnswer, query(5)), (Event::Failed, reverse(9))];
    let refused = (Event::Refused, query(0));
    // Nothing but refusals: a payment that came through stands.
    run(&[
        begin[0],
        begin[1],
        refused,
        (Event::Paid, Step::Done(MicropayEnd::Paid)),
    ]);
    // A reverse that never left cannot act either.
    run(&[
        begin[0],
        begin[1],
        (Event::NotSent, reverse(2)),
        refused,
        (Event::Paid, Step::Done(MicropayEnd::Paid)),
    ]);
    // One that got no answer can.
    run(&[
        begin[0],
        begin[1],
        (Event::NoAnswer, reverse(2)),
        refused,
        (Event::Paid, Step::Done(MicropayEnd::Unknown)),
    ]);
    run(&[
        begin[0],
        begin[1],
        refused,
        (Event::NoAnswer, query(5)),
        (Event::NotSent, query(5)),
        (Event::NoAnswer, Step::Done(MicropayEnd::Unknown)),
    ]);
}

#[test]
fn a_flow_goes_on_after_a_restart() {
    let mut flow = MicropayFlow::resume(Timing::DEFAULT, at(0));
    assert_eq!(flow.step(), query(0));
    assert_eq!(flow.next(Event::Pending, at(20)), query(10));
    let mut late = MicropayFlow::resume(Timing::DEFAULT, at(0));
    assert_eq!(late.next(Event::Pending, at(3600)), reverse(0));
}

#[test]
fn an_end_stays() {
    let mut flow = run(&[(Event::Paid, Step::Done(MicropayEnd::Paid))]);
    assert_eq!(
        flow.next(Event::Recall, at(999)),
        Step::Done(MicropayEnd::Paid)
    );
}

const EVENTS: [Event; 12] = [
    Event::Paid,
    Event::NotFound,
    Event::Pending,
    Event::NoAnswer,
    Event::NotSent,
    Event::Refused,
    Event::NumberTaken,
    Event::Failed,
    Event::Reversed,
    Event::Refunded,
    Event::Recall,
    // Twice, so that the flows of unlucky payers are long.
    Event::Pending,
];

proptest! {
    /// Whatever comes, on whatever clock, in whatever order: the flow ends soon, and it keeps its promises.
    #[test]
    fn it_always_ends(
        events in prop::collection::vec((prop::sample::select(&EVENTS[..]), 0_u64..20_000), 64),
        first in prop::sample::select(&EVENTS[..]),
    ) {
        let timing = Timing::DEFAULT;
        let mut flow = MicropayFlow::new(timing, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut pay_ended = None;
        let mut reverses = 0;
        let mut seen = Vec::new();
        let mut events = core::iter::once((first, 0)).chain(events);
        let end = loop {
            let step = flow.step();
            match step {
                Step::Done(end) => break end,
                Step::Pay => prop_assert!(pay_ended.is_none(), "it pays once"),
                Step::Query { after } => now += after,
                Step::Reverse { after } => {
                    now += after;
                    reverses += 1;
                    prop_assert!(now >= pay_ended.unwrap() + timing.reverse_not_before, "a reverse too early");
                    prop_assert!(!seen.contains(&(Step::Pay, Event::NumberTaken)), "a foreign order reversed");
                }
            }
            let (event, took) = events.next().unwrap();
            now += Duration::from_millis(took);
            if step == Step::Pay {
                pay_ended = Some(now);
            }
            seen.push((step, event));
            let _ = flow.next(event, now);
        };
        prop_assert!(seen.len() <= 1 + 9 + 11 + 3, "{} steps", seen.len());
        prop_assert!(reverses <= timing.reverses);
        let (last_step, last) = *seen.last().unwrap();
        match end {
            MicropayEnd::Paid => {
                let by_reverse = matches!(last_step, Step::Reverse { .. });
                prop_assert!(last == Event::Paid && !by_reverse);
            }
            MicropayEnd::Reversed => prop_assert_eq!(last, Event::Reversed),
            MicropayEnd::Refunded => prop_assert_eq!(last, Event::Refunded),
            MicropayEnd::Refused => prop_assert!(
                (last_step, last) == (Step::Pay, Event::Refused)
                    || (seen[0].1, last) == (Event::NumberTaken, Event::NotFound)
            ),
            MicropayEnd::NotSent => prop_assert_eq!((last_step, last), (Step::Pay, Event::NotSent)),
            MicropayEnd::NumberTaken => prop_assert_eq!(seen[0], (Step::Pay, Event::NumberTaken)),
            MicropayEnd::Unknown => {}
        }
    }

    /// A clock that stands still does not hold it up.
    #[test]
    fn it_ends_on_a_dead_clock(events in prop::collection::vec(prop::sample::select(&EVENTS[..]), 32)) {
        let mut flow = MicropayFlow::new(Timing::DEFAULT, Duration::ZERO);
        for event in events {
            if matches!(flow.next(event, Duration::ZERO), Step::Done(_)) {
                return Ok(());
            }
        }
        prop_assert!(false, "32 steps and no end");
    }
}
