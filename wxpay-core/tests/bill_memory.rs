//! A million rows in constant memory. Alone in its process, since it asks the system for the process's peak.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::time::{Duration, Instant};

use wxpay_core::bill::{BillReader, Trade};

const HEADER: &str = "\u{FEFF}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
    付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,\
    商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n";
const SUMMARY_HEADER: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n";
const BLOCKS: u64 = 1_000;
/// Some hundred megabytes.
#[cfg(feature = "gzip")]
const GZIP_BLOCKS: u64 = 400;
const BLOCK_ROWS: u64 = 1_000;
/// A row is 0.01 to 10.00 yuan, so a block is 5005.00.
const BLOCK_FEN: u64 = BLOCK_ROWS * (BLOCK_ROWS + 1) / 2;
const MAX_GROWTH_BYTES: u64 = 8 << 20;
const MAX_TIME: Duration = Duration::from_mins(2);

fn block() -> String {
    let mut block = String::new();
    for n in 1..=BLOCK_ROWS {
        let yuan = format!("{}.{:02}", n / 100, n % 100);
        let number = n * 7_919 % 1_000_000;
        writeln!(
            block,
            "`2026-01-02 09:{:02}:{:02},`wx8888888888888888,`1900000109,`0,`,`42000000012026010200{number:08},`T20260102{number:06},\
             `oUpF8uMuAJO_M2pxb1Q9z{number:06},`NATIVE,`SUCCESS,`OTHERS,`CNY,`{yuan},`0.00,`0,`0,`0.00,`0.00,`,`,`龙井茶,`,\
             `0.00600,`0.60%,`{yuan},`0.00,`\r",
            n / 60 % 60,
            n % 60,
        )
        .unwrap();
    }
    block
}

fn summary(blocks: u64) -> String {
    let rows = blocks * BLOCK_ROWS;
    let fen = blocks * BLOCK_FEN;
    let yuan = format!("{}.{:02}", fen / 100, fen % 100);
    format!(
        "{SUMMARY_HEADER}`{rows},`{yuan},`0.00,`0.00,`{}.00000,`{yuan},`0.00\r\n",
        rows * 6 / 1_000
    )
}

/// The most memory that the process ever had, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_million_rows_in_constant_memory() {
    let block = block();
    let before = peak_bytes();
    let begin = Instant::now();

    let mut bill = BillReader::new();
    let mut total_fen = 0;
    let mut push = |bill: &mut BillReader, text: &str| {
        for piece in text.as_bytes().chunks(64 * 1024) {
            bill.push(piece).unwrap();
            while let Some(row) = bill.next_row().unwrap() {
                let trade = Trade::try_from(row).unwrap();
                total_fen += trade.order_total.unwrap().get();
            }
        }
    };
    push(&mut bill, HEADER);
    for _ in 0..BLOCKS {
        push(&mut bill, &block);
    }
    push(&mut bill, &summary(BLOCKS));
    assert_eq!(bill.finish().unwrap().rows(), BLOCKS * BLOCK_ROWS);
    assert_eq!(total_fen, BLOCKS * BLOCK_FEN);
    let plain_growth = peak_bytes() - before;
    assert!(plain_growth < MAX_GROWTH_BYTES, "{plain_growth} bytes");

    #[cfg(feature = "gzip")]
    read_gzip(&block);
    let growth = peak_bytes() - before;
    assert!(growth < MAX_GROWTH_BYTES, "{growth} bytes");
    assert!(begin.elapsed() < MAX_TIME, "{:?}", begin.elapsed());
}

/// The same as gzip: a member for each block, which is one text to a reader.
#[cfg(feature = "gzip")]
fn read_gzip(block: &str) {
    use std::io::Write as _;

    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let (header, packed, summary) = (gzip(HEADER), gzip(block), gzip(&summary(GZIP_BLOCKS)));
    let mut bill = wxpay_core::bill::GzipBill::new();
    let mut rows = 0;
    let blocks = (0..GZIP_BLOCKS).map(|_| &packed);
    for piece in [&header].into_iter().chain(blocks).chain([&summary]) {
        bill.push(piece).unwrap();
        while let Some(row) = bill.next_row().unwrap() {
            rows += u64::from(row.line() > 1);
        }
    }
    assert_eq!(rows, GZIP_BLOCKS * BLOCK_ROWS);
    assert_eq!(bill.finish().unwrap().rows(), rows);
}
