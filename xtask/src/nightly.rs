//! The long forms: the same tests with more cases of each property, more mutations for each fuzz body, and a
//! deeper look at the ledger.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::step::Steps;
use crate::{servers::Env, test};

const LIMIT: Duration = Duration::from_hours(6);

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Cases of each property; the usual run has 256
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// Commands in a row that the ledger's model test tries; the usual run has 4
    #[arg(long, default_value_t = 6)]
    depth: u32,
    /// Mutations of its corpus that each fuzz body gets; the usual run has 20 000, of stomp-bridge 3 000
    #[arg(long, default_value_t = 1_000_000)]
    fuzz_runs: u32,
    /// Cuts of a stream of messages, a thousand to each; the usual run has 20
    #[arg(long, default_value_t = 100)]
    cuts: u32,
    #[command(flatten)]
    test: test::Options,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    test::run_with(steps, &options.test, &variables(options), LIMIT)
}

fn variables(options: &Options) -> Env {
    vec![
        ("PROPTEST_CASES", options.cases.to_string()),
        ("ORDER_STORE_MODEL_DEPTH", options.depth.to_string()),
        ("FUZZ_RUNS", options.fuzz_runs.to_string()),
        ("STOMP_BRIDGE_CUTS", options.cuts.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_told_how_long_to_be() {
        let options = Options {
            cases: 7,
            depth: 8,
            fuzz_runs: 9,
            cuts: 10,
            test: test::Options::default(),
        };
        assert_eq!(
            variables(&options),
            [
                ("PROPTEST_CASES", "7".to_owned()),
                ("ORDER_STORE_MODEL_DEPTH", "8".to_owned()),
                ("FUZZ_RUNS", "9".to_owned()),
                ("STOMP_BRIDGE_CUTS", "10".to_owned())
            ]
        );
    }
}
