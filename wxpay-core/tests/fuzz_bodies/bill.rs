//! The bill parser.

use wxpay_core::bill::{BillReader, FundFlow, Trade};

/// What a bill was read as.
#[derive(Debug, PartialEq)]
struct Reading {
    rows: Vec<Vec<(String, String)>>,
    /// The cells of the summary, or why there is none.
    end: Result<Vec<(String, String)>, String>,
}

/// However the bytes are cut into pieces, they are read alike.
pub fn bill(bytes: &[u8]) {
    let whole = read(bytes.chunks(16 * 1024));
    for len in [1, 7, 97] {
        assert_eq!(read(bytes.chunks(len)), whole, "in pieces of {len} bytes");
    }
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Reading {
    let mut rows = Vec::new();
    let end = read_rows(pieces, &mut rows);
    Reading { rows, end }
}

fn read_rows<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    rows: &mut Vec<Vec<(String, String)>>,
) -> Result<Vec<(String, String)>, String> {
    let mut bill = BillReader::new();
    for piece in pieces {
        bill.push(piece).map_err(|error| error.to_string())?;
        while let Some(row) = bill.next_row().map_err(|error| error.to_string())? {
            // Typed or not, a row is refused without a panic.
            let _ = (Trade::try_from(row), FundFlow::try_from(row));
            rows.push(owned(row.cells()));
        }
    }
    let summary = bill.finish().map_err(|error| error.to_string())?;
    Ok(owned(summary.cells()))
}

fn owned<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    cells
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
