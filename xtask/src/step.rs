//! Steps: each is named, timed and printed; a failed one does not keep the rest from running.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{interrupt, process};

/// What was run so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Outcome>,
    left_out: Vec<&'static str>,
}

struct Outcome {
    name: String,
    took: Duration,
    failed: Option<String>,
}

impl Outcome {
    fn line(&self) -> String {
        let verdict = self
            .failed
            .as_ref()
            .map_or_else(String::new, |reason| format!("  FAILED: {reason}"));
        format!(
            "step {:<32} {:>7.1} s{verdict}",
            self.name,
            self.took.as_secs_f64()
        )
    }
}

impl Steps {
    /// Runs a command as a step with a time limit. A failure is noted for [`Steps::finish`].
    ///
    /// # Errors
    /// Only if we were interrupted: then nothing more should start.
    pub(crate) fn run(&mut self, name: &str, limit: Duration, command: &mut Command) -> Result<()> {
        self.check(name, || process::run(command, limit))
    }

    /// Runs a function as a step. A failure is noted for [`Steps::finish`].
    ///
    /// # Errors
    /// Only if we were interrupted.
    pub(crate) fn check(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        self.obtain(name, step).map(drop)
    }

    /// As [`Steps::check`], for a step that has something to hand on; `None` if it failed.
    ///
    /// # Errors
    /// Only if we were interrupted.
    pub(crate) fn obtain<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> Result<T>,
    ) -> Result<Option<T>> {
        println!("step {name} …");
        let started = Instant::now();
        let (value, failed) = match step() {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let outcome = Outcome {
            name: name.to_owned(),
            took: started.elapsed(),
            failed,
        };
        println!("{}", outcome.line());
        self.done.push(outcome);
        interrupt::check()?;
        Ok(value)
    }

    /// Notes for the table what was left out on request.
    pub(crate) fn left_out(&mut self, what: &'static str) {
        self.left_out.push(what);
    }

    /// How many steps have failed.
    pub(crate) fn failures(&self) -> usize {
        self.done
            .iter()
            .filter(|step| step.failed.is_some())
            .count()
    }

    /// Prints the table of all steps.
    ///
    /// # Errors
    /// Names the steps that failed.
    pub(crate) fn finish(self) -> Result<()> {
        let total = self
            .done
            .iter()
            .map(|step| step.took)
            .sum::<Duration>()
            .as_secs_f64();
        println!();
        for step in &self.done {
            println!("{}", step.line());
        }
        println!("     {:<32} {total:>7.1} s", "all");
        for what in &self.left_out {
            println!("LEFT OUT on request: {what}");
        }
        let failed: Vec<_> = self
            .done
            .iter()
            .filter(|step| step.failed.is_some())
            .map(|step| &*step.name)
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_whole_and_stops_nothing() {
        let mut steps = Steps::default();
        steps.check("one", || bail!("no")).unwrap();
        assert_eq!(steps.failures(), 1);
        assert_eq!(steps.obtain("two", || Ok(2)).unwrap(), Some(2));
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: one");
    }
}
