//! Bills: every kind, cut anywhere, whole or wrong.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use wxpay_core::bill::{
    AmountError, BillError, BillKind, BillReader, CellError, Column, Direction, FundFlow,
    MAX_CELLS, MAX_LINE_BYTES, MAX_PENDING_BYTES, RefundState, RefundType, Sum, SumValue, Summary,
    Trade, TradeState, TradeType,
};
use wxpay_core::{BeijingTime, BeijingTimeError, Fen, OutTradeNo, XmlError};

const ALL: &[u8] = include_bytes!("data/bills/all.csv");
const SUCCESS: &[u8] = include_bytes!("data/bills/success.csv");
const REFUND: &[u8] = include_bytes!("data/bills/refund.csv");
const RECHARGE_REFUND: &[u8] = include_bytes!("data/bills/recharge_refund.csv");
const EARLY: &[u8] = include_bytes!("data/bills/early.csv");
const EMPTY: &[u8] = include_bytes!("data/bills/empty.csv");
const FUND_FLOW: &[u8] = include_bytes!("data/bills/fund_flow.csv");
const NO_BILL: &[u8] = include_bytes!("data/bills/no_bill.xml");

const EVERY: [(&[u8], BillKind); 7] = [
    (ALL, BillKind::All),
    (SUCCESS, BillKind::Success),
    (REFUND, BillKind::Refund),
    (RECHARGE_REFUND, BillKind::RechargeRefund),
    (EARLY, BillKind::All),
    (EMPTY, BillKind::All),
    (FUND_FLOW, BillKind::FundFlow),
];

/// The rows as names and texts, and as typed rows, shown.
type Rows = Vec<(u64, Vec<(String, String)>, String)>;

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Rows, Summary), BillError> {
    let mut bill = BillReader::new();
    let mut rows = Vec::new();
    for piece in pieces {
        bill.push(piece)?;
        while let Some(row) = bill.next_row()? {
            let cells = row.cells().map(|(name, text)| (name.into(), text.into()));
            let typed = match row.column(Column::TradeTime) {
                Some(_) => format!("{:?}", Trade::try_from(row)?),
                None => format!("{:?}", FundFlow::try_from(row)?),
            };
            rows.push((row.line(), cells.collect(), typed));
        }
    }
    Ok((rows, bill.finish()?))
}

fn read_whole(bytes: &[u8]) -> Result<(Rows, Summary), BillError> {
    read([bytes])
}

/// A bill with a part of its text replaced.
fn altered(bill: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(bill).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to).into_bytes()
}

fn fen(fen: u64) -> Option<Fen> {
    Fen::new(fen).ok()
}

fn time(text: &str) -> BeijingTime {
    text.parse().unwrap()
}

/// Hands each trade of a bill to `look`, with its place.
fn trades(bytes: &[u8], mut look: impl FnMut(usize, Trade<'_>)) -> Summary {
    let mut bill = BillReader::new();
    bill.push(bytes).unwrap();
    let mut place = 0;
    while let Some(row) = bill.next_row().unwrap() {
        look(place, row.try_into().unwrap());
        place += 1;
    }
    bill.finish().unwrap()
}

#[test]
fn a_bill_of_all_trades() {
    let summary = trades(ALL, |place, trade| match place {
        0 => {
            assert_eq!(trade.time, time("20260102091500"));
            assert_eq!(trade.state, TradeState::Success);
            assert_eq!(trade.trade_type, TradeType::Native);
            assert_eq!(trade.mch_id, "1900000109");
            assert_eq!(trade.sub_mch_id, None);
            assert_eq!(trade.device_info, Some("till 7"));
            let number: OutTradeNo = trade.out_trade_no.parse().unwrap();
            assert_eq!(number.as_str(), "T20260102000001");
            assert_eq!(trade.order_total, fen(1990));
            assert_eq!(trade.settlement_total, fen(1990));
            assert_eq!(trade.refund, None);
            assert_eq!(trade.body, "龙井茶, 明前");
            assert_eq!(trade.attach, Some("desk=7"));
            assert_eq!(trade.commission.unwrap().hundred_thousandths(), 12_000);
            assert_eq!(trade.rate.unwrap().millionths(), 6_000);
            assert_eq!(trade.rate_note, None);
            let payer = trade.openid.unwrap();
            assert_eq!(payer.to_openid().unwrap().as_str(), payer.as_str());
            assert_eq!(format!("{payer:?}"), "Payer(oUpF…)");
        }
        1 => {
            assert_eq!(trade.order_total, fen(10_000));
            assert_eq!(trade.settlement_total, fen(8_000));
            assert_eq!(trade.coupon, fen(2_000));
            assert_eq!(trade.device_info, None);
            assert_eq!(trade.body, "茶`壶\\ 茶杯");
        }
        _ => {
            assert_eq!(trade.state, TradeState::Refund);
            assert_eq!(trade.commission.unwrap().hundred_thousandths(), -3_000);
            let refund = trade.refund.unwrap();
            assert_eq!(refund.out_refund_no, "R20260102000001");
            assert_eq!(refund.refund, fen(505));
            assert_eq!(refund.requested, fen(505));
            assert_eq!(refund.refund_type, RefundType::Original);
            assert_eq!(refund.state, RefundState::Processing);
            assert_eq!(refund.applied, None);
        }
    });
    assert_eq!((summary.kind(), summary.rows()), (BillKind::All, 3));
    assert_eq!(summary.sum(Sum::Trades), Some(SumValue::Rows(3)));
    assert_eq!(summary.get("手续费总金额"), Some("0.57000"));
    assert_eq!(summary.sum(Sum::Income), None);
}

#[test]
fn a_bill_of_refunds() {
    trades(REFUND, |place, trade| {
        let refund = trade.refund.unwrap();
        assert_eq!(refund.applied, Some(time("20260102113029")));
        if place == 0 {
            assert_eq!(refund.succeeded, Some(time("20260102113033")));
            assert_eq!(refund.state, RefundState::Success);
        } else {
            assert_eq!(refund.succeeded, None);
            assert_eq!(refund.state, RefundState::Change);
            assert_eq!(refund.refund_type, RefundType::Other("ELSEWHERE"));
            assert_eq!(refund.coupon_refund, fen(20));
        }
    });
    trades(RECHARGE_REFUND, |_, trade| {
        let returned = trade.refund.unwrap().returned_commission.unwrap();
        assert_eq!(returned.hundred_thousandths(), 3_000);
    });
}

#[test]
fn the_early_form_has_other_names() {
    trades(EARLY, |_, trade| {
        assert_eq!(trade.settlement_total, fen(1));
        assert_eq!(trade.order_total, None);
        assert_eq!(trade.coupon, fen(0));
        assert_eq!(trade.sub_mch_id, Some("1900000110"));
        assert_eq!(trade.refund, None);
    });
}

#[test]
fn a_bill_of_fund_flow() {
    let mut bill = BillReader::new();
    bill.push(FUND_FLOW).unwrap();
    let row = bill.next_row().unwrap().unwrap();
    assert_eq!(row.get("收支金额(元)"), Some("19.90"));
    assert_eq!(row.get("微信订单号"), None);
    assert_eq!(
        Trade::try_from(row),
        Err(BillError::NoColumn {
            line: 2,
            column: "交易时间"
        })
    );
    let flow = FundFlow::try_from(row).unwrap();
    assert_eq!(flow.direction, Direction::Income);
    assert_eq!(flow.amount.get(), 1990);
    assert_eq!(flow.balance.fen(), fen(11_990));
    assert_eq!(flow.voucher_no, Some("T20260102000001"));
    let flow: FundFlow<'_> = bill.next_row().unwrap().unwrap().try_into().unwrap();
    assert_eq!(flow.direction, Direction::Expense);
    assert_eq!(flow.note, None);
    let flow: FundFlow<'_> = bill.next_row().unwrap().unwrap().try_into().unwrap();
    assert_eq!(flow.note, Some("退款, 部分"));
    assert!(bill.next_row().unwrap().is_none());
    assert_eq!(
        bill.finish().unwrap().sum(Sum::ExpenseRows),
        Some(SumValue::Rows(2))
    );
}

#[test]
fn every_cut_gives_the_same_rows() {
    for (bill, kind) in EVERY {
        let (rows, summary) = read_whole(bill).unwrap();
        assert_eq!(summary.kind(), kind);
        assert_eq!(rows.len() as u64, summary.rows());
        for cut in 0..=bill.len() {
            let (one, two) = bill.split_at(cut);
            assert_eq!(read([one, two]).unwrap(), (rows.clone(), summary.clone()));
        }
        let bytes = bill.chunks(1);
        assert_eq!(read(bytes).unwrap(), (rows, summary));
    }
    for cut in 0..=NO_BILL.len() {
        let (one, two) = NO_BILL.split_at(cut);
        assert_eq!(read([one, two]), read_whole(NO_BILL));
    }
}

#[test]
fn a_day_without_trades_has_no_rows() {
    let (rows, summary) = read_whole(EMPTY).unwrap();
    assert!(rows.is_empty());
    assert_eq!(summary.rows(), 0);
    assert_eq!(summary.sum(Sum::Trades), Some(SumValue::Rows(0)));
}

#[test]
fn a_bill_that_ends_early_is_no_bill() {
    for (bill, _) in EVERY {
        let summary_row = bill.trim_ascii_end().iter().rposition(|b| *b == b'\n');
        for end in 0..=summary_row.unwrap() + 1 {
            let outcome = read_whole(&bill[..end]);
            assert!(
                matches!(outcome, Err(BillError::Cut { .. })),
                "{end}: {outcome:?}"
            );
        }
        // The last line end may be missing; a part of the last row may not.
        assert_eq!(read_whole(bill.trim_ascii_end()), read_whole(bill));
        assert!(read_whole(&bill[..summary_row.unwrap() + 3]).is_err());
    }
}

#[test]
fn every_wrong_sum_is_named() {
    for (from, to, sum, stated, counted) in [
        ("`3,`99.90", "`4,`99.90", Sum::Trades, "4", "3"),
        (
            "`3,`99.90",
            "`3,`99.91",
            Sum::SettlementTotal,
            "99.91",
            "99.90",
        ),
        (
            "`5.05,`0.00,`0.57",
            "`5.04,`0.00,`0.57",
            Sum::Refund,
            "5.04",
            "5.05",
        ),
        (
            "`5.05,`0.00,`0.57",
            "`5.05,`0.10,`0.57",
            Sum::CouponRefund,
            "0.10",
            "0.00",
        ),
        ("`0.57000", "`0.57001", Sum::Commission, "0.57001", "0.57"),
        (
            "`119.90,`5.05",
            "`119.90,`5.5",
            Sum::RequestedRefund,
            "5.50",
            "5.05",
        ),
        (
            "`119.90,`5.05",
            "`19.90,`5.05",
            Sum::OrderTotal,
            "19.90",
            "119.90",
        ),
        // A row that changed shows as well.
        ("`80.00", "`80.01", Sum::SettlementTotal, "99.90", "99.91"),
    ] {
        mismatch(&altered(ALL, from, to), sum, stated, counted);
    }
    for (from, to, sum, stated, counted) in [
        ("`3.0,`1.0", "`4.0,`1.0", Sum::Flows, "4", "3"),
        ("`3.0,`1.0", "`3.0,`2.0", Sum::IncomeRows, "2", "1"),
        ("`19.90,`2.0", "`19.91,`2.0", Sum::Income, "19.91", "19.90"),
        ("`2.0,`5.17", "`1,`5.17", Sum::ExpenseRows, "1", "2"),
        ("`2.0,`5.17", "`2.0,`5.7", Sum::Expense, "5.70", "5.17"),
    ] {
        mismatch(&altered(FUND_FLOW, from, to), sum, stated, counted);
    }
}

fn mismatch(bill: &[u8], wrong: Sum, says: &str, has: &str) {
    match read_whole(bill) {
        Err(BillError::SumMismatch {
            sum,
            stated,
            counted,
        }) => {
            assert_eq!(sum, wrong);
            assert_eq!((&*stated.to_string(), &*counted.to_string()), (says, has));
        }
        other => panic!("{wrong}: {other:?}"),
    }
}

#[test]
fn a_lost_row_shows_in_the_sums() {
    let text = std::str::from_utf8(ALL).unwrap();
    let row = text.lines().nth(2).unwrap();
    mismatch(
        &altered(ALL, &format!("{row}\r\n"), ""),
        Sum::Trades,
        "3",
        "2",
    );
}

#[test]
fn a_bad_cell_is_named() {
    for (from, to, line, cell, column, why) in [
        // An amount that is added up is found by the reader, another one by the typed row.
        (
            "`80.00",
            "`80.0O",
            3,
            13,
            "应结订单金额",
            AmountError::NotDecimal.into(),
        ),
        (
            "`20.00",
            "`20.001",
            3,
            14,
            "代金券金额",
            AmountError::TooFine { max_decimals: 2 }.into(),
        ),
        (
            "`5.05,`0.00,`ORIGINAL",
            "`-5.05,`0.00,`ORIGINAL",
            4,
            17,
            "退款金额",
            AmountError::Negative.into(),
        ),
        (
            "`0.12000,`0.60%",
            "`0.12000,`0.60",
            2,
            24,
            "费率",
            AmountError::NoPercent.into(),
        ),
        (
            "2026-01-02 10:00:01",
            "2026-02-30 10:00:01",
            3,
            1,
            "交易时间",
            BeijingTimeError::NoSuchMoment.into(),
        ),
        (
            "2026-01-02 10:00:01",
            "",
            3,
            1,
            "交易时间",
            CellError::Empty,
        ),
        (
            "`3,`99.90",
            "`3.5,`99.90",
            6,
            1,
            "总交易单数",
            CellError::Count,
        ),
    ] {
        assert_eq!(
            read_whole(&altered(ALL, from, to)),
            Err(BillError::Cell {
                line,
                cell,
                column: column.into(),
                why
            }),
            "{to}"
        );
    }
    let error = read_whole(&altered(ALL, "`80.00", "`80.0O")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3, cell 13 (应结订单金额): not a plain decimal number"
    );
}

#[test]
fn a_bad_line_is_named() {
    let cases: [(&str, &str, BillError); 5] = [
        (
            "`till 7",
            "`till,`7",
            BillError::CellCount {
                line: 2,
                expected: 27,
                got: 28,
            },
        ),
        (
            "`3,`99.90,",
            "`3,",
            BillError::CellCount {
                line: 6,
                expected: 7,
                got: 6,
            },
        ),
        (
            "`2026-01-02 10:00:01",
            "2026-01-02 10:00:01",
            BillError::NoBacktick { line: 3 },
        ),
        (
            "设备号",
            "商户号",
            BillError::RepeatedColumn {
                line: 1,
                column: "商户号".into(),
            },
        ),
        ("交易时间", "时间", BillError::NoBill),
    ];
    for (from, to, error) in cases {
        assert_eq!(read_whole(&altered(ALL, from, to)), Err(error), "{to}");
    }
    let more = [ALL, b"`1\r\n"].concat();
    assert_eq!(read_whole(&more), Err(BillError::AfterSummary { line: 7 }));
    let blank = [ALL, b"\r\n\r\n"].concat();
    assert_eq!(read_whole(&blank), read_whole(ALL));

    let mut latin = ALL.to_vec();
    let at = latin.windows(4).position(|four| four == b"till").unwrap();
    latin[at] = 0xFF;
    let line = latin.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(
        read_whole(&latin),
        Err(BillError::NotUtf8 {
            line: 2,
            at: at - line
        })
    );
}

#[test]
fn lines_and_cells_are_bounded() {
    let long = altered(ALL, "`till 7", &format!("`{}", "x".repeat(MAX_LINE_BYTES)));
    let expected = Err(BillError::LongLine {
        line: 2,
        max_bytes: MAX_LINE_BYTES,
    });
    assert_eq!(read_whole(&long), expected);
    assert_eq!(read(long.chunks(100)), expected);

    let header: Vec<_> = (0..=MAX_CELLS).map(|n| format!("交易时间{n}")).collect();
    assert_eq!(
        read_whole(format!("{}\n", header.join(",")).as_bytes()),
        Err(BillError::TooManyCells {
            line: 1,
            max_cells: MAX_CELLS
        })
    );
}

#[test]
fn rows_are_taken_out_before_more_is_pushed() {
    let undrained = BillError::NotDrained {
        max_bytes: MAX_PENDING_BYTES,
    };
    let mut bill = BillReader::new();
    assert_eq!(
        bill.push(&vec![b'x'; MAX_PENDING_BYTES + 1]),
        Err(undrained.clone())
    );
    // It was not taken, so the reader goes on.
    bill.push(ALL).unwrap();
    assert!(bill.next_row().unwrap().is_some());
    assert_eq!(bill.finish(), Err(undrained));
}

#[test]
fn an_error_is_the_last_word() {
    let mut bill = BillReader::new();
    bill.push(&altered(ALL, "`80.00", "`x")).unwrap();
    assert!(bill.next_row().unwrap().is_some());
    let error = bill.next_row().unwrap_err();
    assert_eq!(bill.next_row().unwrap_err(), error);
    assert_eq!(bill.push(b""), Err(error.clone()));
    assert_eq!(bill.finish(), Err(error));
}

#[test]
fn unknown_columns_stay_readable_by_name() {
    let bill = altered(ALL, "费率备注", "新的一列");
    let mut reader = BillReader::new();
    reader.push(&bill).unwrap();
    let row = reader.next_row().unwrap().unwrap();
    assert_eq!(row.get("新的一列"), Some(""));
    assert_eq!(row.column(Column::RateNote), None);
    assert_eq!(reader.columns().last(), Some("新的一列"));
    // A sum that is not known is handed out, and not checked.
    let bill = altered(ALL, "申请退款总金额", "新的总金额");
    let bill = altered(&bill, "`119.90,`5.05", "`119.90,`many");
    let (_, summary) = read_whole(&bill).unwrap();
    assert_eq!(summary.get("新的总金额"), Some("many"));
}

#[test]
fn columns_are_found_in_any_order() {
    let text = std::str::from_utf8(SUCCESS).unwrap();
    let turned: Vec<_> = text
        .trim_start_matches('\u{FEFF}')
        .lines()
        .map(|line| {
            let separator = if line.starts_with('`') { ",`" } else { "," };
            let rest = line.trim_start_matches('`');
            let mut cells: Vec<_> = rest.split(separator).collect();
            // The first cell of the summary is what tells it from a row.
            cells[1..].reverse();
            let front = if line.starts_with('`') { "`" } else { "" };
            format!("{front}{}\n", cells.join(separator))
        })
        .collect();
    let (mut places, mut turned_places) = (Vec::new(), Vec::new());
    trades(SUCCESS, |_, trade| places.push(format!("{trade:?}")));
    trades(turned.concat().as_bytes(), |_, trade| {
        turned_places.push(format!("{trade:?}"));
    });
    assert_eq!(places, turned_places);
}

#[test]
fn an_answer_in_xml_is_told_apart() {
    let Err(BillError::Refused(refusal)) = read_whole(NO_BILL) else {
        panic!("not refused");
    };
    assert!(refusal.means_no_bill());
    assert_eq!(refusal.code.as_deref(), Some("20002"));
    assert_eq!(refusal.to_string(), "FAIL No Bill Exist (20002)");

    let creating = "<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code>\
                    <err_code>BILL_CREATING</err_code></xml>";
    let Err(BillError::Refused(refusal)) = read_whole(creating.as_bytes()) else {
        panic!("not refused");
    };
    assert!(!refusal.means_no_bill());
    assert_eq!(refusal.code.as_deref(), Some("BILL_CREATING"));

    assert!(matches!(
        read_whole(b"<html>504</html>"),
        Err(BillError::NotAnAnswer(_))
    ));
    assert_eq!(read_whole(b"<xml></xml>"), Err(BillError::NoReturnCode));
    let endless = vec![b'<'; MAX_LINE_BYTES * 3];
    assert!(matches!(
        read_whole(&endless),
        Err(BillError::NotAnAnswer(XmlError::TooLarge { .. }))
    ));
    assert_eq!(read_whole(b""), Err(BillError::Cut { line: 1 }));
}

#[test]
fn debug_of_a_row_shows_no_payer() {
    let mut bill = BillReader::new();
    bill.push(ALL).unwrap();
    let row = bill.next_row().unwrap().unwrap();
    assert_eq!(format!("{row:?}"), "Row { line: 2, cells: 27, .. }");
}

proptest! {
    /// With and without the mark in front, with either line end.
    #[test]
    fn any_pieces_give_the_same_rows(
        (bill, _) in prop::sample::select(EVERY.to_vec()),
        mark in any::<bool>(),
        returns in any::<bool>(),
        lens in prop::collection::vec(0..200_usize, 1..40),
    ) {
        let mut text = std::str::from_utf8(bill).unwrap().to_owned();
        if !mark {
            text = text.trim_start_matches('\u{FEFF}').to_owned();
        }
        if !returns {
            text = text.replace("\r\n", "\n");
        }
        let mut rest = text.as_bytes();
        let mut pieces = Vec::new();
        for len in lens {
            let (piece, after) = rest.split_at(len.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(read(pieces), read_whole(bill));
    }

    #[test]
    fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8)) {
        let _ = read(pieces.iter().map(Vec::as_slice));
    }

    #[test]
    fn no_bill_like_text_makes_it_panic(
        header in prop::sample::select(vec![ALL, FUND_FLOW]),
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "`", ",`", ",", "\n", "\r\n", "1", "-", ".", "0.01", "99999999999999", "%", "收入", "总交易单数", "资金流水总笔数",
                "2026-01-02 03:04:05", "SUCCESS", "茶", "\u{FEFF}", "<", "\0",
            ]),
            0..60,
        )
    ) {
        let end = header.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let _ = read([&header[..end], pieces.concat().as_bytes()]);
    }

    #[test]
    fn no_changed_byte_makes_it_panic(
        (bill, _) in prop::sample::select(EVERY.to_vec()), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut bill = bill.to_vec();
        let at = at.index(bill.len());
        bill[at] = byte;
        let _ = read_whole(&bill);
    }
}
