//! A child with all its descendants, as one process group with a time limit.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, Result, bail};

use crate::interrupt;

const POLL: Duration = Duration::from_millis(50);
/// How long a group may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// A running child that leads a process group. Dropping it kills the whole group.
pub(crate) struct Group {
    name: String,
    leader: Child,
}

impl Group {
    /// Starts `command` without input, in a group of its own.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let program = Path::new(command.get_program());
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let leader = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, leader })
    }

    /// Waits until the leader exits. On the time limit or a signal to us the group is ended, and that is an error.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if let Err(interrupted) = interrupt::check() {
                self.end();
                return Err(interrupted);
            }
            if Instant::now() >= deadline {
                self.end();
                bail!("{} was ended after its {} s", self.name, limit.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// The leader's exit status, if it has exited.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }

    /// Asks the leader to end with SIGTERM and gives it `grace`; then kills what is left of the group.
    /// Says whether the leader ended by itself.
    pub(crate) fn stop(&mut self, grace: Duration) -> bool {
        // The number of a leader that was waited for may be another program's by now.
        if matches!(self.exited(), Ok(None)) {
            signal("TERM", &self.leader.id().to_string());
        }
        let ended = self.ends_within(grace);
        self.kill();
        ended
    }

    /// Asks every member to end, then kills what is left.
    fn end(&mut self) {
        signal("TERM", &self.members());
        self.ends_within(GRACE);
        self.kill();
    }

    fn ends_within(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        loop {
            match self.exited() {
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(status) => return status.is_some(),
                Err(_) => return false,
            }
        }
    }

    fn kill(&mut self) {
        signal("KILL", &self.members());
        // A killed leader is reaped here; one that cannot be waited for is gone.
        let _ = self.leader.wait();
    }

    /// The group as `kill` takes it.
    fn members(&self) -> String {
        format!("-{}", self.leader.id())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// It cannot be started, exits with another code than 0, or exceeds `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    let mut group = Group::spawn(command)?;
    let status = group.wait(limit)?;
    if !status.success() {
        bail!("{}: {status}", group.name);
    }
    Ok(())
}

/// Sends a signal with the shell's own `kill`: the program of that name is not on every machine.
/// A process that is gone already is no failure.
fn signal(name: &str, target: &str) {
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "kill", name, target])
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_ended_at_its_time_limit_with_its_children() {
        let started = Instant::now();
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 60 & wait"]);
        let mut group = Group::spawn(&mut shell).unwrap();
        let members = group.members();
        let error = group.wait(Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.to_string(), "sh was ended after its 0 s");
        assert!(started.elapsed() < GRACE);
        let alive = Command::new("sh")
            .args(["-c", "kill -0 -- \"$1\"", "kill", &members])
            .stderr(Stdio::null())
            .status();
        assert!(!alive.unwrap().success());
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let error = run(&mut Command::new("false"), GRACE).unwrap_err();
        assert_eq!(error.to_string(), "false: exit status: 1");
    }
}
