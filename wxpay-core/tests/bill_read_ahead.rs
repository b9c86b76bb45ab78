//! Bills read on two threads.
#![allow(clippy::unwrap_used)]

use std::io::{self, Cursor, Read, Write};
use std::sync::mpsc::{Sender, channel};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use wxpay_core::bill::{
    BillError, BillKind, BillReader, GzipError, MAX_GZIP_RATIO, ReadAhead, ReadAheadError, Summary,
};

const ALL: &[u8] = include_bytes!("data/bills/all.csv");
const FUND_FLOW: &[u8] = include_bytes!("data/bills/fund_flow.csv");
const NO_BILL: &[u8] = include_bytes!("data/bills/no_bill.xml");

type Rows = Vec<Vec<String>>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(source: impl Read + Send + 'static) -> Result<(Rows, Summary), ReadAheadError> {
    let mut bill = ReadAhead::new(source)?;
    let mut rows = Rows::new();
    while let Some(row) = bill.next_row()? {
        rows.push(row.cells().map(|(_, text)| text.into()).collect());
    }
    Ok((rows, bill.finish()?))
}

fn plain(bytes: &[u8]) -> (Rows, Summary) {
    let mut bill = BillReader::new();
    let mut rows = Rows::new();
    bill.push(bytes).unwrap();
    while let Some(row) = bill.next_row().unwrap() {
        rows.push(row.cells().map(|(_, text)| text.into()).collect());
    }
    (rows, bill.finish().unwrap())
}

/// Gives its bytes in pieces of these lengths, and then fails or ends.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    lens: Vec<usize>,
    fails: Option<io::ErrorKind>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.lens.pop().unwrap_or(usize::MAX).min(buffer.len());
        match (self.bytes.read(&mut buffer[..len])?, self.fails) {
            (0, Some(kind)) => Err(kind.into()),
            (got, _) => Ok(got),
        }
    }
}

fn bill_error(outcome: Result<(Rows, Summary), ReadAheadError>) -> BillError {
    match outcome {
        Err(ReadAheadError::Bill(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_bill_is_refused_as_without_the_thread() {
    let refused = bill_error(read(NO_BILL));
    assert!(matches!(refused, BillError::Refused(refusal) if refusal.means_no_bill()));
    assert_eq!(bill_error(read(&b""[..])), BillError::Cut { line: 1 });
    let packed = gzip(ALL);
    for end in 1..packed.len() {
        let error = bill_error(read(Cursor::new(packed[..end].to_vec())));
        assert!(
            matches!(error, BillError::Gzip(GzipError::Cut | GzipError::Broken)),
            "{end}: {error:?}"
        );
    }
    let trailing = [&*packed, b"more"].concat();
    assert_eq!(
        bill_error(read(Cursor::new(trailing))),
        GzipError::Broken.into()
    );
    let header = &ALL[..=ALL.iter().position(|byte| *byte == b'\n').unwrap()];
    let bomb = gzip(&[header, &vec![b'\n'; 32 << 20]].concat());
    let max_ratio = MAX_GZIP_RATIO;
    assert_eq!(
        bill_error(read(Cursor::new(bomb))),
        GzipError::GrowsTooFar { max_ratio }.into()
    );
}

#[test]
fn an_error_is_the_last_word() {
    let mut bill = ReadAhead::new(Cursor::new(gzip(ALL)[..200].to_vec())).unwrap();
    let cut = loop {
        match bill.next_row() {
            Ok(row) => assert!(row.is_some()),
            Err(error) => break error,
        }
    };
    assert!(matches!(
        cut,
        ReadAheadError::Bill(BillError::Gzip(GzipError::Cut))
    ));
    assert!(matches!(bill.next_row(), Err(ReadAheadError::Bill(_))));
    assert!(matches!(
        bill.finish(),
        Err(ReadAheadError::Bill(BillError::Gzip(GzipError::Cut)))
    ));

    let source = Pieces {
        bytes: Cursor::new(ALL.to_vec()),
        lens: Vec::new(),
        fails: Some(io::ErrorKind::ConnectionReset),
    };
    let mut bill = ReadAhead::new(source).unwrap();
    for _ in 0..3 {
        assert!(bill.next_row().unwrap().is_some());
    }
    for _ in 0..2 {
        assert!(matches!(
            bill.next_row(),
            Err(ReadAheadError::Source(error)) if error.kind() == io::ErrorKind::ConnectionReset
        ));
    }
    assert!(matches!(bill.finish(), Err(ReadAheadError::Source(_))));
}

#[test]
fn rows_that_are_left_are_not_passed_over() {
    let mut bill = ReadAhead::new(ALL).unwrap();
    assert_eq!(bill.kind(), None);
    assert!(bill.next_row().unwrap().is_some());
    assert_eq!(bill.kind(), Some(BillKind::All));
    assert!(matches!(
        bill.finish(),
        Err(ReadAheadError::Bill(BillError::NotDrained { .. }))
    ));
}

#[test]
fn a_drop_ends_the_thread() {
    /// Never ends by itself; says when it is dropped.
    struct Endless(Sender<()>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }

    impl Drop for Endless {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }

    let (dropped, is_dropped) = channel();
    drop(ReadAhead::new(Endless(dropped)).unwrap());
    assert_eq!(is_dropped.try_recv(), Ok(()));
}

#[test]
#[should_panic(expected = "the source's own")]
fn a_panic_of_the_source_does_not_pass_for_its_end() {
    struct Panics;

    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("the source's own")
        }
    }

    let _ = read(Cursor::new(ALL.to_vec()).chain(Panics));
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_rows(
        bill in prop::sample::select(vec![ALL, FUND_FLOW]),
        packed in any::<bool>(),
        lens in prop::collection::vec(1..200_usize, 0..40),
    ) {
        let bytes = if packed { gzip(bill) } else { bill.to_vec() };
        let source = Pieces { bytes: Cursor::new(bytes), lens, fails: None };
        prop_assert_eq!(read(source).unwrap(), plain(bill));
    }
}
