//! A notice for one page: it must not matter how many others wait.

use anyhow::Result;

use crate::embedded;
use crate::pages::{Pages, Route};
use crate::report::{Goal, Goals, Spread};

const FEW: usize = 10;
const MANY: usize = 10_000;

pub(crate) fn run(rounds: usize, notices: usize, goals: &mut Goals) -> Result<()> {
    let (_broker_of_few, at) = embedded::start()?;
    let mut few = Pages::on_embedded(at, FEW, Route::Private)?;
    let (_broker_of_many, at) = embedded::start()?;
    let mut many = Pages::on_embedded(at, MANY, Route::Private)?;
    // The first notices find the processor's caches cold.
    few.private(notices)?;
    many.private(notices)?;
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_few.push(median_us(&mut few, notices)?);
        of_many.push(median_us(&mut many, notices)?);
    }
    let (few, many) = (Spread::of(of_few), Spread::of(of_many));
    println!(
        "\nFrom SEND to MESSAGE, {notices} notices a round, {rounds} rounds, medians in us, least / median / most:\n\n\
         | pages | us |\n|---|---|\n| {FEW} | {} |\n| {MANY} | {} |",
        few.whole(),
        many.whole()
    );
    goals.add(
        "a notice among 10 000 pages",
        Goal::Below(2.0),
        many.median / few.median,
        "x among 10",
    );
    Ok(())
}

fn median_us(pages: &mut Pages, notices: usize) -> Result<f64> {
    let times = pages.private(notices)?;
    Ok(Spread::of(times.iter().map(|time| time.as_secs_f64() * 1e6)).median)
}
