//! Turns a bill, plain or gzip, from standard input into plain CSV.
//!
//! ```sh
//! cargo run -p wxpay-core --features gzip --example bill_to_csv < bill.gz > bill.csv
//! ```

use std::io::{self, BufWriter, Read, Write};

use wxpay_core::bill::{GzipBill, Row, Sum};

fn write_row(out: &mut impl Write, row: Row<'_>) -> io::Result<()> {
    let mut comma = "";
    for (_, cell) in row.cells() {
        // A quote inside a cell is doubled, as CSV has it.
        write!(out, "{comma}\"{}\"", cell.replace('"', "\"\""))?;
        comma = ",";
    }
    writeln!(out)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bill = GzipBill::new();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = io::stdin().read(&mut piece)?;
        if length == 0 {
            break;
        }
        bill.push(&piece[..length])?;
        while let Some(row) = bill.next_row()? {
            write_row(&mut out, row)?;
        }
    }
    out.flush()?;
    // The sums tell whether the bill is whole: use nothing of it before this went well.
    let summary = bill.finish()?;
    eprintln!("{:?}", summary.sum(Sum::Trades));
    Ok(())
}
