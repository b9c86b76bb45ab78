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
fn a_timing_may_have_no_end() {
    let timing = Timing {
        poll_for: Duration::ZERO,
        reverse_not_before: Duration::MAX,
        reverse_for: Duration::MAX,
        ..Timing::DEFAULT
    };
    let mut flow = MicropayFlow::new(timing, at(0));
    let after = Duration::MAX;
    assert_eq!(flow.next(Event::Pending, at(1)), Step::Reverse { after });
    assert_eq!(flow.next(Event::Recall, at(2)), reverse(2));
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
fn a_reverse_that_was_begun_goes_on_after_a_restart() {
    let mut flow = MicropayFlow::new(Timing::DEFAULT, at(100));
    assert_eq!(flow.next(Event::NoAnswer, at(101)), query(5));
    assert_eq!(flow.next(Event::Failed, at(107)), reverse(9));
    let stored = flow.state().unwrap();
    assert_eq!(
        stored,
        MicropayState {
            phase: Phase::Reverse,
            started: at(100),
            pay_ended: at(101),
            reverses: 1,
            reverse_may_act: false,
        }
    );
    // Soon after, it still waits for the 15 s; later it does not. That it may have left is not forgotten.
    for (now, after) in [(110, 6), (3600, 0)] {
        let mut flow = MicropayFlow::restore(Timing::DEFAULT, stored, at(now));
        assert_eq!(flow.step(), reverse(after));
        assert_eq!(flow.next(Event::Refused, at(now + after)), query(0));
        assert_eq!(
            flow.next(Event::Paid, at(now + after)),
            Step::Done(MicropayEnd::Unknown)
        );
        assert_eq!(flow.state(), None);
    }
    // A clock that was set back costs the wait anew, and no more.
    let flow = MicropayFlow::restore(Timing::DEFAULT, stored, at(5));
    assert_eq!(flow.step(), reverse(15));
}

#[test]
fn what_was_looked_at_is_looked_at_again_after_a_restart() {
    for phase in [Phase::Look, Phase::Last] {
        let stored = MicropayState {
            phase,
            started: at(100),
            pay_ended: at(101),
            reverses: 0,
            reverse_may_act: false,
        };
        let mut flow = MicropayFlow::restore(Timing::DEFAULT, stored, at(200));
        assert_eq!(flow.step(), query(0));
        assert_eq!(flow.state(), Some(stored));
        let end = match phase {
            Phase::Look => MicropayEnd::NumberTaken,
            _ => MicropayEnd::Unknown,
        };
        assert_eq!(flow.next(Event::Pending, at(201)), Step::Done(end));
    }
}

#[test]
fn a_micropay_that_never_arrived_is_not_found_in_the_end() {
    run(&[
        (Event::NoAnswer, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, query(5)),
        (Event::NotFound, reverse(0)),
        (Event::Refused, query(0)),
        (Event::NotFound, Step::Done(MicropayEnd::NotFound)),
    ]);
}

#[test]
fn slow_reverses_end_in_time() {
    // 30 s for each exchange: the reverses of a minute and a quarter are three.
    let mut flow = MicropayFlow::resume(Timing::DEFAULT, at(0));
    assert_eq!(flow.next(Event::NoAnswer, at(60)), reverse(0));
    assert_eq!(flow.next(Event::NoAnswer, at(90)), reverse(2));
    assert_eq!(flow.next(Event::NoAnswer, at(122)), reverse(2));
    assert_eq!(flow.next(Event::NoAnswer, at(154)), query(2));
    assert_eq!(
        flow.next(Event::NoAnswer, at(186)),
        Step::Done(MicropayEnd::Unknown)
    );
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
        prop_assert!(now <= timing.longest(Duration::from_secs(20)), "it took {now:?}");
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
            MicropayEnd::NotFound => {
                prop_assert_eq!(last, Event::NotFound);
                prop_assert!(reverses > 0, "it had no time to arrive");
            }
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

    /// Cut anywhere, as often as one likes, and restored from what was stored before the step that was cut: it never pays
    /// twice, never reverses too early or what is not its own, and each life ends in time.
    #[test]
    fn it_may_be_cut_anywhere(
        events in prop::collection::vec(
            (prop::sample::select(&EVENTS[..]), 0_u64..20_000, prop::option::weighted(0.2, 0_u64..40_000)),
            400,
        ),
    ) {
        let timing = Timing::DEFAULT;
        let exchange = Duration::from_secs(20);
        let mut now = at(1000);
        let mut born = now;
        let mut flow = MicropayFlow::new(timing, now);
        let mut payments = 0;
        let mut is_foreign = false;
        for (event, took, cut) in events {
            let stored = flow.state();
            let step = flow.step();
            match step {
                Step::Done(_) => {
                    prop_assert_eq!(stored, None);
                    prop_assert!(now <= born + timing.longest(exchange));
                    return Ok(());
                }
                Step::Pay => payments += 1,
                Step::Query { after } => now += after,
                Step::Reverse { after } => {
                    now += after;
                    prop_assert!(now >= stored.unwrap().pay_ended + timing.reverse_not_before);
                    prop_assert!(!is_foreign, "a foreign order reversed");
                }
            }
            prop_assert!(payments <= 1, "paid twice");
            now += Duration::from_millis(took);
            if let Some(away) = cut {
                // The step may have been carried out, but nobody knows.
                now += Duration::from_millis(away);
                born = now;
                flow = MicropayFlow::restore(timing, stored.unwrap(), now);
            } else {
                is_foreign |= (step, event) == (Step::Pay, Event::NumberTaken);
                let _ = flow.next(event, now);
            }
        }
        prop_assert!(false, "400 steps and no end");
    }
}
