//! One table of ratios from one run.
#![allow(clippy::cast_precision_loss, reason = "lengths and counts are small")]

use std::{hint::black_box, time::Instant};

use wxpay_core::xml;

use crate::works::{self, Works};

const ROUNDS: usize = 301;
const CALLS: usize = 250;
/// The lengths at which reading is timed, and how many bytes a round reads.
const LENGTHS: [usize; 5] = [1 << 10, 1 << 12, 1 << 14, 1 << 17, 1 << 20];
const ROUND_BYTES: usize = 1 << 20;

/// Prints what each work takes as a multiple of its floor: the medians of rounds that take turns.
pub(crate) fn print(works: &Works) {
    let rows = works.rows();
    let mut times: Vec<(Vec<f64>, Vec<f64>)> = rows.iter().map(|_| Default::default()).collect();
    for _ in 0..ROUNDS {
        for (row, (floor_ns, ours_ns)) in rows.iter().zip(&mut times) {
            floor_ns.push(round_ns(CALLS, &row.floor));
            ours_ns.push(round_ns(CALLS, &row.ours));
        }
    }
    println!("| work | floor ns | ns | ratio | goal |\n|---|---|---|---|---|");
    for (row, (floor_ns, ours_ns)) in rows.iter().zip(times) {
        let (floor_ns, ours_ns) = (median(floor_ns), median(ours_ns));
        let ratio = ours_ns / floor_ns;
        println!(
            "| {} | {floor_ns:.0} | {ours_ns:.0} | {ratio:.2} | {} |",
            row.name, row.goal
        );
    }
}

/// Prints what reading takes per byte, by the length of the message: a message of fields like those of a notify.
pub(crate) fn print_growth() {
    let messages = LENGTHS.map(works::message_of);
    let mut times = LENGTHS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (message, times) in messages.iter().zip(&mut times) {
            let calls = (ROUND_BYTES / message.len()).max(1);
            let ns = round_ns(calls, &|| {
                let read = xml::read_with(black_box(message.as_bytes()), "xml", &works::WIDE);
                assert!(black_box(read).is_ok());
            });
            times.push(ns / message.len() as f64);
        }
    }
    println!("\n| message | ns a byte |\n|---|---|");
    for (message, times) in messages.iter().zip(times) {
        println!("| {} B | {:.3} |", message.len(), median(times));
    }
}

/// The nanoseconds of one call.
fn round_ns(calls: usize, work: &dyn Fn()) -> f64 {
    let begin = Instant::now();
    for _ in 0..calls {
        work();
    }
    begin.elapsed().as_secs_f64() * 1e9 / calls as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
