//! How the command ends, and what it prints.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// How a sub-command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing wrong: 0.
    Clean,
    /// A message was not confirmed, or the doctor found something: 1.
    Found,
    /// It could not be tried: 2.
    Fault,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Fault => Self::from(2),
        }
    }
}

/// Says in one line why it could not be tried.
pub(crate) fn fault(reason: &str) -> Exit {
    eprintln!("stomp-bridge: {reason}");
    Exit::Fault
}

/// Prints to a reader that may have gone away, such as `head`.
pub(crate) fn print(bytes: &[u8]) -> Exit {
    match write(bytes) {
        Ok(_) => Exit::Clean,
        Err(error) => fault(&format!("cannot write standard output: {error}")),
    }
}

/// Whether anybody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listens,
    Gone,
}

/// Writes and flushes.
pub(crate) fn write(bytes: &[u8]) -> io::Result<Reader> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Listens),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error),
    }
}
