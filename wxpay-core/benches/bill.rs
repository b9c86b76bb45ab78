//! A bill of 100 MB as gzip: typed rows beside flate2 alone.
//!
//! `cargo bench -p wxpay-core --features gzip --bench bill`
//!
//! The bill is made anew at every run, always the same. flate2 alone means its `GzDecoder` with the backend that the feature
//! `gzip` has, read to the end into one buffer of 64 KiB, checksum and all. The rounds of the works alternate, so that other
//! load on the machine weighs on all alike; the ratios are those of the medians.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
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

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
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
            let begin = Instant::now();
            black_box(work());
            took.push(begin.elapsed());
        }
    }
    let medians = rounds.map(median);
    for ((name, _), took) in works.iter().zip(medians) {
        println!(
            "{name:<21} {:>6.1} ms  {:>5.0} MB/s  {:>5.2} million rows/s  {:.2} of the speed of flate2 alone",
            took.as_secs_f64() * 1e3,
            bill.len() as f64 / 1e6 / took.as_secs_f64(),
            made.rows as f64 / 1e6 / took.as_secs_f64(),
            medians[0].as_secs_f64() / took.as_secs_f64(),
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
