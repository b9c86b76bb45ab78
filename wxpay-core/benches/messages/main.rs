//! The hot paths of messages, each beside the hash that no implementation can avoid.
//!
//! `cargo bench -p wxpay-core --bench messages` runs criterion. With `-- --ratios` it prints one table instead: what each work
//! takes as a multiple of its floor, the rounds of all of them in turn, so that other load on the machine weighs on all alike.
#![allow(clippy::unwrap_used)]

mod ratios;
mod works;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use wxpay_core::xml;

use works::Works;

fn main() {
    let works = Works::new();
    if std::env::args().any(|argument| argument == "--ratios") {
        ratios::print(&works);
        ratios::print_growth();
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for row in works.rows() {
        let mut group = criterion.benchmark_group(row.name);
        group.bench_function("floor", |bencher| bencher.iter(&row.floor));
        group.bench_function("ours", |bencher| bencher.iter(&row.ours));
        group.finish();
    }
    growth(&mut criterion);
    criterion.final_summary();
}

/// Reading a message of many fields: the time per byte must not grow with its length.
fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read, by length");
    for bytes in [1 << 10, 1 << 14, 1 << 17, 1 << 20] {
        let message = works::message_of(bytes);
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(format!("{bytes} B"), |bencher| {
            bencher.iter(|| {
                xml::read_with(black_box(message.as_bytes()), "xml", &works::WIDE)
                    .map(|params| params.len())
            });
        });
    }
    group.finish();
}
