//! Fault points for crash tests; release builds have none.

/// Stops here for good when the environment names this point, so that a test can kill the process at it.
#[cfg(debug_assertions)]
pub(crate) async fn point(name: &str) {
    if std::env::var("ORDER_LISTENER_FAULT_POINT").as_deref() == Ok(name) {
        eprintln!("fault point reached: {name}");
        std::future::pending::<()>().await;
    }
}

/// Nothing: this is a release build.
#[cfg(not(debug_assertions))]
pub(crate) async fn point(_name: &str) {}
