//! The RabbitMQ that `cargo xtask test` starts.

use std::process::Command;

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts RabbitMQ and sets it")
    })
}

/// Calls `rabbitmqctl`; gives what it complains of.
pub fn ctl(arguments: &[&str]) -> Result<(), String> {
    let mut ctl = Command::new(variable("RABBITMQ_CTL"));
    let output = ctl.args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
