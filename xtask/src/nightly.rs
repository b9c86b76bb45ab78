//! The long forms: the same tests with more cases, and what looks at `NIGHTLY`.

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
    #[command(flatten)]
    test: test::Options,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    test::run_with(steps, &options.test, &variables(options.cases), LIMIT)
}

fn variables(cases: u32) -> Env {
    vec![
        ("NIGHTLY", "1".to_owned()),
        ("PROPTEST_CASES", cases.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_can_tell_that_it_is_night() {
        assert_eq!(
            variables(7),
            [
                ("NIGHTLY", "1".to_owned()),
                ("PROPTEST_CASES", "7".to_owned())
            ]
        );
    }
}
