//! Bills that come as gzip.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use flate2::{Compression, GzBuilder, write::GzEncoder};
use proptest::prelude::*;
use wxpay_core::XmlError;
use wxpay_core::bill::{
    BillError, BillReader, GzipBill, GzipError, MAX_GZIP_RATIO, MAX_PENDING_BYTES, Summary,
};

const ALL: &[u8] = include_bytes!("data/bills/all.csv");
const FUND_FLOW: &[u8] = include_bytes!("data/bills/fund_flow.csv");
const NO_BILL: &[u8] = include_bytes!("data/bills/no_bill.xml");

type Rows = Vec<Vec<(String, String)>>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

macro_rules! read_with {
    ($reader:expr, $pieces:expr) => {{
        let mut bill = $reader;
        let mut rows = Rows::new();
        for piece in $pieces {
            bill.push(piece)?;
            while let Some(row) = bill.next_row()? {
                let cells = row.cells().map(|(name, text)| (name.into(), text.into()));
                rows.push(cells.collect());
            }
        }
        Ok((rows, bill.finish()?))
    }};
}

fn plain(bytes: &[u8]) -> Result<(Rows, Summary), BillError> {
    read_with!(BillReader::new(), [bytes])
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Rows, Summary), BillError> {
    read_with!(GzipBill::new(), pieces)
}

#[test]
fn gzip_and_plain_agree() {
    for bill in [ALL, FUND_FLOW] {
        let expected = plain(bill).unwrap();
        let packed = gzip(bill);
        for cut in 0..=packed.len() {
            let (one, two) = packed.split_at(cut);
            assert_eq!(read([one, two]).unwrap(), expected);
        }
        assert_eq!(read(packed.chunks(1)).unwrap(), expected);
        // Two members, one behind the other, are one text.
        let (one, two) = bill.split_at(100);
        assert_eq!(read([&*[gzip(one), gzip(two)].concat()]).unwrap(), expected);
    }
}

#[test]
fn a_header_with_everything_is_passed_over() {
    let mut encoder = GzBuilder::new()
        .filename("bill.csv")
        .comment("a day")
        .extra(vec![1; 300])
        .write(Vec::new(), Compression::default());
    encoder.write_all(ALL).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(read([&*packed]), plain(ALL));
    assert_eq!(read(packed.chunks(1)), plain(ALL));
}

#[test]
fn what_is_not_gzip_is_read_as_it_is() {
    assert_eq!(read([ALL]), plain(ALL));
    assert_eq!(read(NO_BILL.chunks(1)), plain(NO_BILL));
    assert!(matches!(read([NO_BILL]), Err(BillError::Refused(_))));
    // A refusal inside a gzip is a refusal.
    assert_eq!(read([&*gzip(NO_BILL)]), plain(NO_BILL));
    assert_eq!(read([]), plain(b""));
}

#[test]
fn a_gzip_that_is_cut_or_changed_is_refused() {
    let packed = gzip(ALL);
    for end in 1..packed.len() {
        let outcome = read([&packed[..end]]);
        assert!(
            matches!(
                outcome,
                Err(BillError::Gzip(GzipError::Cut | GzipError::Broken))
            ),
            "{end}: {outcome:?}"
        );
    }
    // The checksum is in the last eight bytes.
    for at in packed.len() - 8..packed.len() {
        let mut changed = packed.clone();
        changed[at] ^= 1;
        assert_eq!(read([&*changed]), Err(GzipError::Broken.into()));
    }
    let trailing = [&*packed, b"more"].concat();
    assert_eq!(read([&*trailing]), Err(GzipError::Broken.into()));
}

#[test]
fn a_member_cannot_reach_into_the_one_before() {
    // One match of three bytes, one byte back: of nothing, for it comes first.
    const REACHES_BACK: [u8; 3] = [0x03, 0x02, 0x00];
    let mut crc = flate2::Crc::new();
    crc.update(b"\n\n\n");
    let member = [
        &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0],
        &REACHES_BACK[..],
        &crc.sum().to_le_bytes(),
        &crc.amount().to_le_bytes(),
    ]
    .concat();
    let broken = Err(GzipError::Broken.into());
    assert_eq!(read([&*member]), broken);
    assert_eq!(read([&*[gzip(ALL), member].concat()]), broken);
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    // Short lines without end, so that nothing else is wrong with it.
    let header = &ALL[..=ALL.iter().position(|byte| *byte == b'\n').unwrap()];
    let bomb = gzip(&[header, &vec![b'\n'; 32 << 20]].concat());
    assert!(bomb.len() < 64 * 1024);
    let mut bill = GzipBill::new();
    bill.push(&bomb).unwrap();
    let grows = BillError::from(GzipError::GrowsTooFar {
        max_ratio: MAX_GZIP_RATIO,
    });
    assert_eq!(bill.next_row().unwrap_err(), grows);
    assert_eq!(bill.next_row().unwrap_err(), grows);
    assert_eq!(bill.finish(), Err(grows));
}

#[test]
fn an_endless_answer_is_not_kept() {
    // What does not shrink far is below the ratio's limit.
    let mut text = Vec::new();
    for n in 0..100_000 {
        write!(text, "<{n}>").unwrap();
    }
    let packed = gzip(&text);
    let mut bill = GzipBill::new();
    bill.push(&packed).unwrap();
    assert!(matches!(
        bill.next_row(),
        Err(BillError::NotAnAnswer(XmlError::TooLarge { got, .. })) if got < MAX_PENDING_BYTES
    ));
}

#[test]
fn pieces_are_bounded() {
    let mut bill = GzipBill::new();
    let mut piece = vec![0; MAX_PENDING_BYTES + 1];
    piece[0] = 0x1F;
    let undrained = BillError::NotDrained {
        max_bytes: MAX_PENDING_BYTES,
    };
    assert_eq!(bill.push(&piece), Err(undrained));
    bill.push(&gzip(ALL)).unwrap();
    while bill.next_row().unwrap().is_some() {}
    assert_eq!(bill.finish().unwrap().rows(), 3);
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_rows(
        bill in prop::sample::select(vec![ALL, FUND_FLOW]),
        stored in any::<bool>(),
        lens in prop::collection::vec(0..200_usize, 1..40),
    ) {
        let level = if stored { Compression::none() } else { Compression::default() };
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(bill).unwrap();
        let packed = encoder.finish().unwrap();
        let mut rest = &*packed;
        let mut pieces = Vec::new();
        for len in lens {
            let (piece, after) = rest.split_at(len.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(read(pieces), plain(bill));
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read([&*bytes]);
        if let [first, second, ..] = &mut *bytes {
            (*first, *second) = (0x1F, 0x8B);
        }
        let _ = read(bytes.chunks(7));
    }

    #[test]
    fn no_changed_byte_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut packed = gzip(ALL);
        let at = at.index(packed.len());
        packed[at] = byte;
        let _ = read([&*packed]);
    }
}
