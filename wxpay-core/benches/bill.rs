//! A bill of 100 MB as gzip: typed rows beside flate2 alone.
//!
//! `cargo bench -p wxpay-core --features gzip --bench bill`
//!
//! The bill is made anew at every run, always the same. flate2 alone means its `GzDecoder` with the backend that the feature
//! `gzip` has, read to the end into one buffer of 64 KiB, checksum and all. The rounds of the works alternate, so that other
//! load on the machine weighs on all alike; the ratios are those of the medians. Where other work keeps the cores busy, CPU
//! time is the figure to trust, and reading ahead cannot show by the clock what it does on two free ones.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use rustix::time::{ClockId, clock_gettime};
use wxpay_core::bill::{BillReader, GzipBill, ReadAhead, Trade};

#[path = "../tests/made_bill/mod.rs"]
mod made_bill;
use made_bill::MadeBill;

const BILL_BYTES: usize = 100_000_000;
const PIECE_BYTES: usize = 64 * 1024;
const ROUNDS: usize = 11;
const WORKS: usize = 5;

fn flate2_alone(gzip: &[u8]) -> u64 {
    let mut decoder = GzDecoder::new(gzip);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => return bytes,
            got => bytes += black_box(&buffer[..got]).len() as u64,
        }
    }
}

macro_rules! rows {
    ($reader:expr, $bytes:expr, $look:expr) => {{
        let mut bill = $reader;
        for piece in $bytes.chunks(PIECE_BYTES) {
            bill.push(piece).unwrap();
            while let Some(row) = bill.next_row().unwrap() {
                let _ = black_box($look(row));
            }
        }
        bill.finish().unwrap().rows()
    }};
}

fn typed(gzip: &[u8]) -> u64 {
    rows!(GzipBill::new(), gzip, |row| Trade::try_from(row).unwrap())
}

fn read_ahead(gzip: &Arc<[u8]>) -> u64 {
    let mut bill = ReadAhead::new(Cursor::new(Arc::clone(gzip))).unwrap();
    while let Some(row) = bill.next_row().unwrap() {
        let _ = black_box(Trade::try_from(row).unwrap());
    }
    bill.finish().unwrap().rows()
}

fn untyped(gzip: &[u8]) -> u64 {
    rows!(GzipBill::new(), gzip, |row| row)
}

fn plain(bill: &[u8]) -> u64 {
    rows!(BillReader::new(), bill, |row| Trade::try_from(row).unwrap())
}

fn median(rounds: impl Iterator<Item = Duration>) -> Duration {
    let mut rounds: Vec<_> = rounds.collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

/// The CPU time of all threads so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}

fn main() {
    let (bill, made) = MadeBill::of_bytes(BILL_BYTES);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bill.as_bytes()).unwrap();
    let gzip: Arc<[u8]> = encoder.finish().unwrap().into();
    println!(
        "{} rows, {} bytes, {} bytes as gzip",
        made.rows,
        bill.len(),
        gzip.len()
    );
    assert_eq!(flate2_alone(&gzip), bill.len() as u64);

    let works: [(&str, &dyn Fn() -> u64); WORKS] = [
        ("flate2 alone", &|| flate2_alone(&gzip)),
        ("gzip, typed rows", &|| typed(&gzip)),
        ("the same, read ahead", &|| read_ahead(&gzip)),
        ("gzip, rows as text", &|| untyped(&gzip)),
        ("plain, typed rows", &|| plain(bill.as_bytes())),
    ];
    for (_, work) in &works[1..] {
        assert_eq!(work(), made.rows);
    }
    let mut rounds = [const { Vec::new() }; WORKS];
    for _ in 0..ROUNDS {
        for ((_, work), took) in works.iter().zip(&mut rounds) {
            let (begin, begin_cpu) = (Instant::now(), cpu());
            black_box(work());
            took.push((begin.elapsed(), cpu().saturating_sub(begin_cpu)));
        }
    }
    let clock = rounds
        .each_ref()
        .map(|rounds| median(rounds.iter().map(|took| took.0)));
    let cpu = rounds
        .each_ref()
        .map(|rounds| median(rounds.iter().map(|took| took.1)));
    println!("the speed of flate2 alone is 1.00, by the clock and by CPU time");
    for (place, (name, _)) in works.iter().enumerate() {
        println!(
            "{name:<21} {:>6.1} ms {:>5.2}   CPU {:>6.1} ms {:>5.2}   {:>4.0} MB/s {:>5.2} million rows/s",
            clock[place].as_secs_f64() * 1e3,
            clock[0].as_secs_f64() / clock[place].as_secs_f64(),
            cpu[place].as_secs_f64() * 1e3,
            cpu[0].as_secs_f64() / cpu[place].as_secs_f64(),
            bill.len() as f64 / 1e6 / clock[place].as_secs_f64(),
            made.rows as f64 / 1e6 / clock[place].as_secs_f64(),
        );
    }

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("bill");
    group
        .sample_size(10)
        .throughput(Throughput::Bytes(bill.len() as u64));
    for (name, work) in works {
        group.bench_function(name, |bencher| bencher.iter(work));
    }
    group.finish();
    criterion.final_summary();
}
