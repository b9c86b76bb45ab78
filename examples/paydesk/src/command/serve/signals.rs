//! Ctrl-C and SIGTERM: the first drains, the second ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Both signals, heard from the moment that this is made.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// From now on the next of them ends the process.
    pub(super) fn end_at_the_next(mut self) {
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(INTERRUPTED);
        });
    }
}
