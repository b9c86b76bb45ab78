//! A hundred megabytes in constant memory, plain and as gzip. Alone in its process, since it asks the system for the process's peak.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use wxpay_core::bill::{BillReader, Row, Summary, Trade};

mod made_bill;
use made_bill::MadeBill;

/// Some five megabytes.
const BLOCK_ROWS: u64 = 20_000;
/// Some hundred megabytes.
const BLOCKS: u64 = 20;
const PIECE_BYTES: usize = 64 * 1024;
const MAX_GROWTH_BYTES: u64 = 8 << 20;
const MAX_TIME: Duration = Duration::from_mins(2);

/// The same rows again and again.
struct Blocks {
    block: String,
    made: MadeBill,
}

impl Blocks {
    fn new() -> Self {
        let mut made = MadeBill::new();
        let mut block = String::new();
        for _ in 0..BLOCK_ROWS {
            made.row(&mut block);
        }
        Self { block, made }
    }

    fn total(&self) -> MadeBill {
        self.made.times(BLOCKS)
    }
}

/// What the typed rows add up to.
#[derive(Default)]
struct Seen {
    paid_fen: u64,
    refunded_fen: u64,
}

impl Seen {
    fn add(&mut self, row: Row<'_>) {
        let trade = Trade::try_from(row).unwrap();
        self.paid_fen += trade.order_total.unwrap().get();
        self.refunded_fen += trade
            .refund
            .map_or(0, |refund| refund.refund.unwrap().get());
    }

    fn check(&self, summary: &Summary, total: &MadeBill) {
        assert_eq!(summary.rows(), total.rows);
        assert_eq!(self.paid_fen, total.paid_fen);
        assert_eq!(self.refunded_fen, total.refunded_fen);
    }
}

/// The most memory that the process ever had, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_hundred_megabytes_in_constant_memory() {
    let blocks = Blocks::new();
    #[cfg(feature = "gzip")]
    let packed = gzip::Packed::new(&blocks);
    let before = peak_bytes();
    let begin = Instant::now();

    let total = blocks.total();
    let mut bill = BillReader::new();
    let mut seen = Seen::default();
    let mut push = |text: &str| {
        for piece in text.as_bytes().chunks(PIECE_BYTES) {
            bill.push(piece).unwrap();
            while let Some(row) = bill.next_row().unwrap() {
                seen.add(row);
            }
        }
    };
    push(&MadeBill::header());
    for _ in 0..BLOCKS {
        push(&blocks.block);
    }
    push(&total.summary());
    seen.check(&bill.finish().unwrap(), &total);
    let plain_growth = peak_bytes() - before;
    assert!(plain_growth < MAX_GROWTH_BYTES, "{plain_growth} bytes");

    #[cfg(feature = "gzip")]
    {
        packed.read();
        packed.read_ahead();
    }
    let growth = peak_bytes() - before;
    assert!(growth < MAX_GROWTH_BYTES, "{growth} bytes");
    assert!(begin.elapsed() < MAX_TIME, "{:?}", begin.elapsed());
}

/// The same as gzip: a member for each block, which is one text to a reader.
#[cfg(feature = "gzip")]
mod gzip {
    use std::io::{Cursor, Read, Write};
    use std::sync::Arc;

    use flate2::{Compression, write::GzEncoder};
    use wxpay_core::bill::{GzipBill, ReadAhead};

    use super::{BLOCKS, Blocks, MadeBill, PIECE_BYTES, Seen};

    /// The most that a reader keeps at once. The goal is 8 MiB.
    const MAX_READER_BYTES: u64 = 512 * 1024;

    pub(super) struct Packed {
        header: Arc<[u8]>,
        block: Arc<[u8]>,
        summary: Arc<[u8]>,
        total: MadeBill,
    }

    impl Packed {
        pub(super) fn new(blocks: &Blocks) -> Self {
            let gzip = |text: &str| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap().into()
            };
            let total = blocks.total();
            Self {
                header: gzip(&MadeBill::header()),
                block: gzip(&blocks.block),
                summary: gzip(&total.summary()),
                total,
            }
        }

        fn members(&self) -> impl Iterator<Item = &Arc<[u8]>> {
            let blocks = (0..BLOCKS).map(|_| &self.block);
            [&self.header]
                .into_iter()
                .chain(blocks)
                .chain([&self.summary])
        }

        /// On this thread every allocation is counted.
        pub(super) fn read(&self) {
            let counted = allocation_counter::measure(|| {
                let mut bill = GzipBill::new();
                let mut seen = Seen::default();
                for piece in self.members().flat_map(|member| member.chunks(PIECE_BYTES)) {
                    bill.push(piece).unwrap();
                    while let Some(row) = bill.next_row().unwrap() {
                        seen.add(row);
                    }
                }
                seen.check(&bill.finish().unwrap(), &self.total);
            });
            assert!(counted.bytes_max < MAX_READER_BYTES, "{counted:?}");
            // Nothing is allocated for a row.
            assert!(counted.count_total < 1_000, "{counted:?}");
        }

        pub(super) fn read_ahead(&self) {
            let mut source: Box<dyn Read + Send> = Box::new(std::io::empty());
            for member in self.members() {
                source = Box::new(source.chain(Cursor::new(Arc::clone(member))));
            }
            let mut bill = ReadAhead::new(source).unwrap();
            let mut seen = Seen::default();
            while let Some(row) = bill.next_row().unwrap() {
                seen.add(row);
            }
            seen.check(&bill.finish().unwrap(), &self.total);
        }
    }
}
