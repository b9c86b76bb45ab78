//! Ctrl-C and SIGTERM: the first drains, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Waits for the first of them.
pub(super) async fn wait() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM is not heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if let Err(error) = result {
                tracing::error!(%error, "Ctrl-C is not heard; stopping");
            }
        }
        () = terminate => {}
    }
}

/// From now on the next of them ends the process.
pub(super) fn end_at_the_second() {
    tokio::spawn(async {
        wait().await;
        std::process::exit(INTERRUPTED);
    });
}
