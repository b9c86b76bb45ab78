//! The project's chores, so that nobody does them by hand: `cargo xtask --help`.
//!
//! ```text
//! cargo xtask test      all tests, with the servers and the browser they need
//! cargo xtask ci        what must hold before a change goes in; `.ci/run` calls it
//! cargo xtask embedded  the example without an operating system, on emulated microcontrollers
//! cargo xtask crash     the long forms of the ledger's crash proof
//! cargo xtask fuzz      wxpay-core and stomp-bridge under libFuzzer, for a bounded number of runs
//! cargo xtask bench     the ledger and the bridge beside others
//! cargo xtask servers   the tests' servers, for a shell of your own
//! ```

mod apt;
mod bench;
mod ci;
mod crash;
mod deny;
mod embedded;
mod fuzz;
mod interrupt;
mod nightly;
mod no_std;
mod npm;
mod paths;
mod ports;
mod process;
mod python;
mod servers;
mod step;
mod test;
mod tool;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use step::Steps;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's chores"
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Runs all tests; installs and starts what they need (Debian, as root)
    Test(test::Options),
    /// Runs every check: format, licences, no_std, features, clippy, docs, tests
    Ci,
    /// Checks that wxpay-core needs no std, and that this check can fail
    NoStd,
    /// Checks licences, banned and doubled crates, sources; advisories if `ADVISORY_DB` is set
    Deny,
    /// Runs the example without an operating system on emulated microcontrollers; prints what it costs
    Embedded(embedded::Options),
    /// Fuzzes wxpay-core and stomp-bridge for a bounded number of runs
    Fuzz(fuzz::Options),
    /// Kills, cuts the power of, damages and wears out the ledger: the long forms
    Crash(crash::Options),
    /// Measures speed beside peers, in one run
    Bench(bench::Options),
    /// Starts the tests' servers and prints their variables; Ctrl-C stops them
    Servers,
    /// Runs the long forms of the tests
    Nightly(nightly::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    interrupt::listen()?;
    let mut steps = Steps::default();
    match chore {
        Chore::Test(options) => test::run(&mut steps, &options)?,
        Chore::Ci => ci::run(&mut steps)?,
        Chore::NoStd => steps.check("no_std", no_std::check)?,
        Chore::Deny => deny::run(&mut steps)?,
        Chore::Embedded(options) => embedded::run(&mut steps, &options)?,
        Chore::Fuzz(options) => fuzz::run(&mut steps, &options)?,
        Chore::Crash(options) => crash::run(&mut steps, &options)?,
        Chore::Bench(options) => bench::run(&mut steps, &options)?,
        Chore::Servers => return servers::serve(&mut steps),
        Chore::Nightly(options) => nightly::run(&mut steps, &options)?,
    }
    steps.finish()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_goes_to_cargo_test() {
        let cli = Cli::parse_from(["xtask", "test", "--", "-p", "paydesk", "--", "forger"]);
        let Chore::Test(options) = cli.chore else {
            panic!("not the test chore")
        };
        assert_eq!(options.cargo, ["-p", "paydesk", "--", "forger"]);
    }
}
