//! Bills of any length in the recorded form, the same at every run.
//!
//! The two header lines are those of `data/bills/all.csv`. What differs from row to row in a real bill differs here: the
//! time, the numbers, the payer, the bank, the goods, the amounts; one row in twenty is a refund.

use std::fmt::Write;

const RECORDED: &str = include_str!("../data/bills/all.csv");
const BANKS: [&str; 6] = [
    "OTHERS",
    "CMB_DEBIT",
    "ICBC_DEBIT",
    "CCB_CREDIT",
    "BOC_DEBIT",
    "ABC_CREDIT",
];
const TYPES: [&str; 4] = ["NATIVE", "JSAPI", "MICROPAY", "APP"];
const GOODS: [&str; 6] = [
    "龙井茶, 明前",
    "Tea 250 g",
    "门店消费",
    "order at till 7",
    "茶壶",
    "会员充值 100",
];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes a bill of type ALL row by row, and counts what its summary has to say.
pub(crate) struct MadeBill {
    random: u64,
    pub(crate) rows: u64,
    pub(crate) paid_fen: u64,
    pub(crate) refunded_fen: u64,
}

impl MadeBill {
    pub(crate) fn new() -> Self {
        Self {
            random: 0x9E37_79B9_7F4A_7C15,
            rows: 0,
            paid_fen: 0,
            refunded_fen: 0,
        }
    }

    /// A whole bill of at least so many bytes.
    #[allow(dead_code)]
    pub(crate) fn of_bytes(least: usize) -> (String, Self) {
        let mut made = Self::new();
        let mut text = Self::header();
        while text.len() < least {
            made.row(&mut text);
        }
        text.push_str(&made.summary());
        (text, made)
    }

    /// The counts of the same rows so many times over.
    #[allow(dead_code)]
    pub(crate) fn times(&self, times: u64) -> Self {
        Self {
            random: self.random,
            rows: self.rows * times,
            paid_fen: self.paid_fen * times,
            refunded_fen: self.refunded_fen * times,
        }
    }

    pub(crate) fn header() -> String {
        format!("{}\r\n", line(0))
    }

    /// The next row.
    pub(crate) fn row(&mut self, text: &mut String) {
        let n = self.rows;
        self.rows += 1;
        let second = n / 8 % 86_400;
        let (minute, hour) = (second / 60 % 60, second / 3600);
        let number = self.below(10_000_000_000);
        let fen = 1 + self.below(50_000);
        let yuan = Yuan(fen);
        let commission = fen * 6;
        let commission = format!("{}.{:05}", commission / 100_000, commission % 100_000);
        let bank = self.one(&BANKS);
        let trade_type = self.one(&TYPES);
        let body = self.one(&GOODS);
        write!(
            text,
            "`2026-01-02 {hour:02}:{minute:02}:{:02},`wx8888888888888888,`1900000109,`0,`,`420000215520260102{number:010},\
             `T20260102{n:010},`oUpF8uM",
            second % 60
        )
        .unwrap();
        let mut payer = self.below(1 << 63);
        let mut more = self.below(1 << 63);
        for _ in 0..10 {
            text.push(char::from(BASE64[(payer & 63) as usize]));
            text.push(char::from(BASE64[(more & 63) as usize]));
            payer >>= 6;
            more >>= 6;
        }
        text.push('s');
        if n % 20 == 19 {
            self.refunded_fen += fen;
            write!(
                text,
                ",`{trade_type},`REFUND,`{bank},`CNY,`0.00,`0.00,`503000000120260102{number:010},`R20260102{n:010},`{yuan},`0.00,\
                 `ORIGINAL,`SUCCESS,`{body},`,`-{commission},`0.60%,`0.00,`{yuan},`\r\n"
            )
            .unwrap();
        } else {
            self.paid_fen += fen;
            write!(
                text,
                ",`{trade_type},`SUCCESS,`{bank},`CNY,`{yuan},`0.00,`0,`0,`0.00,`0.00,`,`,`{body},`desk=7,`{commission},\
                 `0.60%,`{yuan},`0.00,`\r\n"
            )
            .unwrap();
        }
    }

    pub(crate) fn summary(&self) -> String {
        let paid = Yuan(self.paid_fen);
        let refunded = Yuan(self.refunded_fen);
        let commission = (self.paid_fen - self.refunded_fen) * 6;
        format!(
            "{}\r\n`{},`{paid},`{refunded},`0.00,`{}.{:05},`{paid},`{refunded}\r\n",
            line(4),
            self.rows,
            commission / 100_000,
            commission % 100_000
        )
    }

    /// A number below `end`, by xorshift.
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let place = self.below(of.len() as u64);
        of[usize::try_from(place).unwrap()]
    }
}

fn line(number: usize) -> &'static str {
    RECORDED.lines().nth(number).unwrap()
}

struct Yuan(u64);

impl std::fmt::Display for Yuan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
