//! The line on a terminal that says how far a long read is.

use std::{
    io::{self, IsTerminal as _, Write},
    time::{Duration, Instant},
};

use order_store::Progress;

/// The line is drawn at most so often.
const EVERY: Duration = Duration::from_millis(100);
/// To the line's beginning, and what stands there away.
const WIPE: &str = "\r\u{1b}[K";

/// Draws the line over itself, and wipes it when it is dropped.
pub(super) struct Bar {
    out: Option<Box<dyn Write + Send>>,
    drawn: Option<Instant>,
}

impl Bar {
    /// Nothing is drawn where standard error is no terminal.
    pub(super) fn on_stderr() -> Self {
        let err = io::stderr();
        let out = err
            .is_terminal()
            .then(|| Box::new(err) as Box<dyn Write + Send>);
        Self { out, drawn: None }
    }

    /// A terminal that is gone is no reason to end.
    pub(super) fn show(&mut self, progress: Progress) {
        let Some(out) = &mut self.out else { return };
        if self.drawn.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let _ = write!(out, "{WIPE}{}", line(progress));
        let _ = out.flush();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let (Some(out), Some(_)) = (&mut self.out, self.drawn) {
            let _ = write!(out, "{WIPE}");
            let _ = out.flush();
        }
    }
}

/// A ledger that grows meanwhile has more than its total was.
fn line(Progress { done, total }: Progress) -> String {
    match total {
        Some(total) if done <= total && total > 0 => {
            let percent = u128::from(done) * 100 / u128::from(total);
            format!("{done} of {total} records, {percent} %")
        }
        _ => format!("{done} records"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Terminal(Sender<String>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn it_is_drawn_now_and_then_and_wiped_at_the_end() {
        let (sender, receiver) = channel();
        let mut bar = Bar {
            out: Some(Box::new(Terminal(sender))),
            drawn: None,
        };
        let begun = Instant::now();
        for done in 0..100 {
            let total = Some(200);
            bar.show(Progress { done, total });
        }
        let draws = begun.elapsed().as_millis() / EVERY.as_millis() + 1;
        drop(bar);
        let text: String = receiver.iter().collect();
        assert!(
            text.starts_with("\r\u{1b}[K0 of 200 records, 0 %\r"),
            "{text:?}"
        );
        assert!(text.ends_with(WIPE), "{text:?}");
        assert!(text.matches("of 200").count() as u128 <= draws, "{text:?}");
    }

    #[test]
    fn a_total_that_is_unknown_or_passed_is_left_out() {
        let line = |done, total| line(Progress { done, total });
        assert_eq!(line(3, None), "3 records");
        assert_eq!(line(3, Some(2)), "3 records");
        assert_eq!(line(0, Some(0)), "0 records");
        assert_eq!(line(1, Some(3)), "1 of 3 records, 33 %");
    }
}
