//! Outbox rows come and go, and neither the process nor the file grows with them.
//!
//! A sled that inserts and removes a key for each row reached 723 MB on disk and 2.7 GB in memory after three million rows.
//! Here the rows go through the trees as the committer writes them, packed by group, without the orders and the log that
//! would be there to stay. `ORDER_STORE_LEAK_ROWS` sets how many; the long form is three million.

use std::{collections::VecDeque, env, fs};

use super::{
    head::Head,
    keys::{Kind, packed_key},
    pack::{Packer, pack},
    record::{Hold, StoredRow, encode},
    trees::{Trees, Writes},
};
use crate::{OrderKey, OutboxFacts, OutboxId, OutboxKind, OutboxRow, PageTicket, Timestamp};

const ROWS_DEFAULT: u64 = 200_000;
/// Rows of one group, and rows that wait at any time.
const GROUP_ROWS: u64 = 512;
const LIVE_GROUPS: usize = 4;
const DISK_MAX_BYTES: u64 = 100 << 20;
const RSS_MAX_BYTES: u64 = 200 << 20;

fn row(slot: u16, n: u64) -> StoredRow {
    let key = OrderKey {
        mch_id: "1473426802".parse().unwrap(),
        out_trade_no: format!("order-{n}").parse().unwrap(),
    };
    StoredRow {
        slot,
        row: OutboxRow {
            id: OutboxId::paid(&key, OutboxKind::OrderPay),
            key,
            kind: OutboxKind::OrderPay,
            facts: OutboxFacts {
                transaction_id: format!("t-{n}").parse().unwrap(),
                page_ticket: PageTicket::from_bytes([7; 16]),
            },
            created_at: Timestamp::from_millis(0),
            attempts: 0,
            last_error: None,
        },
        hold: Hold::None,
    }
}

/// What this process has in memory.
#[cfg(target_os = "linux")]
fn rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib << 10
}

#[cfg(not(target_os = "linux"))]
fn rss_bytes() -> u64 {
    0
}

#[test]
fn rows_that_come_and_go_leave_nothing_behind() {
    let rows = env::var("ORDER_STORE_LEAK_ROWS").map_or(ROWS_DEFAULT, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let db = ::sled::Config::new()
        .path(folder.path())
        .cache_capacity(64 << 20)
        .flush_every_ms(None)
        .open()
        .unwrap();
    let trees = Trees::open(db).unwrap();
    let rss_before = rss_bytes();
    let mut head = Head::default();
    let mut live: VecDeque<Vec<Vec<u8>>> = VecDeque::new();
    for group in 0..rows / GROUP_ROWS {
        let mut packer = Packer::plain();
        for n in 0..GROUP_ROWS {
            let mut stored = row(0, group * GROUP_ROWS + n);
            stored.slot = packer.place(encode(&stored).len() + 5, 220).1;
            packer.push(&encode(&stored));
        }
        let mut writes = Writes::new();
        let mut keys = Vec::new();
        for (chunk, rows) in packer.finish() {
            let key = packed_key(group, chunk);
            keys.push(key.clone());
            writes.push((Kind::Outbox, key, Some(pack(&rows))));
        }
        live.push_back(keys);
        if live.len() > LIVE_GROUPS {
            for key in live.pop_front().unwrap() {
                writes.push((Kind::Outbox, key, None));
            }
        }
        head = trees.apply(&writes, &head).unwrap().head;
        trees.flush().unwrap();
    }
    let disk = fs::metadata(folder.path().join("db")).unwrap().len();
    let rss = rss_bytes().saturating_sub(rss_before);
    println!(
        "{rows} rows: {} MiB on disk, {} MiB more in memory",
        disk >> 20,
        rss >> 20
    );
    assert!(disk < DISK_MAX_BYTES, "{disk} bytes on disk");
    assert!(rss < RSS_MAX_BYTES, "{rss} bytes more in memory");
    assert_eq!(
        head.records,
        live.iter().map(|keys| keys.len() as u64).sum::<u64>()
    );
}
