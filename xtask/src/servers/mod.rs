//! Servers of our own for the tests: one file per server.
//!
//! Each runs on free loopback ports with a data folder under the target folder, and touches no server of the machine.
//! A server's file has `start() -> Result<Private>`, and the names of the variables that tell the tests where it is.

pub(crate) mod definitions;
pub(crate) mod postgres;
pub(crate) mod rabbitmq;

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, process, thread};

use anyhow::{Context, Result, bail};

use crate::apt::Need;
use crate::process::Group;
use crate::step::Steps;
use crate::{apt, interrupt, paths};

/// How long a server may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How often the servers of [`serve`] are looked at.
const WATCH: Duration = Duration::from_millis(200);

/// Variables for the tests' environment.
pub(crate) type Env = Vec<(&'static str, String)>;

/// What to do with a data folder in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    Remove,
    Keep,
}

/// A server that we started. Dropping it stops it and keeps its data folder.
pub(crate) struct Private {
    name: &'static str,
    dir: PathBuf,
    /// In the order they were started.
    processes: Vec<Group>,
    env: Env,
}

impl Private {
    /// A server that runs nothing yet, with a fresh data folder.
    fn new(name: &'static str) -> Result<Self> {
        let dir = paths::scratch().join(format!("{name}-{}", process::id()));
        Self::in_folder(name, dir)
    }

    /// As [`Private::new`], with its data in `dir`.
    fn in_folder(name: &'static str, dir: PathBuf) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self {
            name,
            dir,
            processes: Vec::new(),
            env: Env::new(),
        })
    }

    /// Fails if a process has exited by itself.
    fn check(&mut self) -> Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.exited()? {
                bail!("{} ended: {status}; see {}", self.name, self.dir.display());
            }
        }
        Ok(())
    }

    /// Stops the server and removes its data folder.
    fn discard(mut self) -> Result<()> {
        self.end();
        fs::remove_dir_all(&self.dir)
            .with_context(|| format!("cannot remove {}", self.dir.display()))
    }

    /// Stops the processes, the last one first.
    fn end(&mut self) {
        while let Some(mut process) = self.processes.pop() {
            if !process.stop(STOP_LIMIT) {
                eprintln!(
                    "{} did not end within {} s and was killed",
                    self.name,
                    STOP_LIMIT.as_secs()
                );
            }
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.end();
        if self.dir.exists() {
            println!(
                "{}: data and logs are kept in {}",
                self.name,
                self.dir.display()
            );
        }
    }
}

/// A kind of server: what names one, what it takes, and how one of our own is started.
struct Kind {
    name: &'static str,
    variables: &'static [&'static str],
    needs: &'static [Need],
    start: fn() -> Result<Private>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "RabbitMQ",
        variables: &rabbitmq::VARIABLES,
        needs: &rabbitmq::NEEDS,
        start: rabbitmq::start,
    },
    Kind {
        name: "PostgreSQL",
        variables: &postgres::VARIABLES,
        needs: &postgres::NEEDS,
        start: postgres::start,
    },
];

/// All servers that the tests need.
pub(crate) struct Servers {
    private: Vec<Private>,
}

impl Servers {
    /// Starts those that the environment does not name; each is a step. `None` if one cannot be had.
    ///
    /// # Errors
    /// Only if we were interrupted.
    pub(crate) fn start(steps: &mut Steps) -> Result<Option<Self>> {
        Self::start_each(steps, KINDS)
    }

    /// As [`Servers::start`], RabbitMQ alone.
    ///
    /// # Errors
    /// Only if we were interrupted.
    pub(crate) fn start_rabbitmq(steps: &mut Steps) -> Result<Option<Self>> {
        let [rabbitmq, _] = KINDS;
        Self::start_each(steps, [rabbitmq])
    }

    fn start_each<const N: usize>(steps: &mut Steps, kinds: [Kind; N]) -> Result<Option<Self>> {
        let mut private = Vec::new();
        for kind in kinds {
            let Kind {
                name,
                variables,
                needs,
                start,
            } = kind;
            match given(variables, |name| env::var_os(name).is_some()) {
                Ok(true) => println!("{name}: the one that the environment names"),
                Ok(false) => {
                    let packages = format!("packages: {name}");
                    let Some(()) = steps.obtain(&packages, || apt::ensure(needs))? else {
                        return Ok(None);
                    };
                    let Some(server) = steps.obtain(&format!("start {name}"), start)? else {
                        return Ok(None);
                    };
                    private.push(server);
                }
                Err(error) => {
                    steps.check(&format!("start {name}"), || Err(error))?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(Self { private }))
    }

    /// Where the servers are; those of the environment are there already.
    pub(crate) fn env(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.private.iter().flat_map(|server| &server.env)
    }

    /// Stops what was started.
    pub(crate) fn stop(&mut self, data: Data) -> Result<()> {
        while let Some(server) = self.private.pop() {
            match data {
                Data::Remove => server.discard()?,
                Data::Keep => drop(server),
            }
        }
        Ok(())
    }
}

/// Whether the environment names a server: all of its variables, or none of them.
fn given(names: &[&str], is_set: impl Fn(&str) -> bool) -> Result<bool> {
    let unset: Vec<_> = names.iter().copied().filter(|name| !is_set(name)).collect();
    if unset.is_empty() || unset.len() == names.len() {
        return Ok(unset.is_empty());
    }
    bail!(
        "some variables name a server of yours, but these are not set: {}",
        unset.join(", ")
    )
}

/// Starts the servers, prints their variables as a shell takes them, and waits for Ctrl-C.
pub(crate) fn serve(steps: &mut Steps) -> Result<()> {
    let Some(mut servers) = Servers::start(steps)? else {
        bail!("not all servers could be started")
    };
    println!();
    for (name, value) in servers.env() {
        println!("export {name}='{value}'");
    }
    println!("\nCtrl-C stops what was started");
    while interrupt::check().is_ok() {
        for server in &mut servers.private {
            server.check()?;
        }
        thread::sleep(WATCH);
    }
    servers.stop(Data::Remove)?;
    println!("stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_given_whole_or_not_at_all() {
        let names = ["A_URL", "B_URL"];
        assert!(given(&names, |_| true).unwrap());
        assert!(!given(&names, |_| false).unwrap());
        let error = given(&names, |name| name == "A_URL").unwrap_err();
        assert!(error.to_string().ends_with("not set: B_URL"));
    }
}
