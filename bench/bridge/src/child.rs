//! Servers and pages run in processes of their own, this program anew. A line asks one, a line is its answer.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child as Started, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::machine::Process;

pub(crate) struct Child {
    started: Started,
    /// Closed to end it.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(role: &str) -> Result<Self> {
        let mut started = Command::new(std::env::current_exe()?)
            .args(["--child", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start this program anew")?;
        let input = started.stdin.take();
        let output = BufReader::new(started.stdout.take().context("no output")?);
        Ok(Self {
            started,
            input,
            output,
        })
    }

    pub(crate) fn ask(&mut self, line: &str) -> Result<String> {
        let input = self.input.as_mut().context("it was told to end")?;
        writeln!(input, "{line}").context("the child is gone")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the child ended: see above");
        Ok(answer.trim().to_owned())
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.started.id())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.input.take());
        // How it ended changes no figure.
        let _ended = self.started.wait();
    }
}

/// In the child: what it is asked. The end of the lines is the end of its work.
pub(crate) fn questions() -> UnboundedReceiver<String> {
    let (lines, questions) = unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    questions
}

/// In the child.
pub(crate) fn answer(line: impl std::fmt::Display) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}
