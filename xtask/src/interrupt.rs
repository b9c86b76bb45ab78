//! Ctrl-C and SIGTERM become a flag that every wait looks at, so that what was started is stopped in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The usual exit code of a program ended by SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Starts to listen. The first signal sets the flag, a second one exits at once.
pub(crate) fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The exit is registered first: it must see the flag as it was before this signal.
        flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED, Arc::clone(&INTERRUPTED))
            .and_then(|_| flag::register(signal, Arc::clone(&INTERRUPTED)))
            .context("cannot listen for signals")?;
    }
    Ok(())
}

/// Fails once a signal has come.
pub(crate) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
