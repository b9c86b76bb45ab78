//! Where the tests' RabbitMQ is, as `cargo xtask test` says in the environment.

use super::target::{Scheme, Target};
use super::tcp::Tcp;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stomp_bridge::client::BrokerUrl;

/// One call of `rabbitmqctl`, on a machine that does other things too.
const CTL_LIMIT: Duration = Duration::from_mins(2);

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: these tests need a RabbitMQ with STOMP and Web STOMP; \
             `cargo xtask test` starts one"
        )
    })
}

pub fn url(name: &str) -> BrokerUrl {
    let text = variable(name);
    text.parse().unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// `user:passcode@host:port` of a URL without escapes, such as `cargo xtask test` gives.
pub fn account_and_address(name: &str) -> ((String, String), String) {
    let text = variable(name);
    let authority = text
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let parts = authority.and_then(|a| a.split_once('@'));
    let (account, address) = parts.unwrap_or_else(|| panic!("{name} is no URL with an account"));
    let (user, passcode) = account.split_once(':').expect("a passcode");
    ((user.to_owned(), passcode.to_owned()), address.to_owned())
}

/// The STOMP listener over TCP.
pub fn stomp() -> SocketAddr {
    let (_, address) = account_and_address("RABBITMQ_STOMP_URL");
    address.parse().expect("an IP address and a port")
}

/// The Web STOMP listener.
pub fn web_stomp() -> SocketAddr {
    let (_, address) = account_and_address("RABBITMQ_WS_URL");
    address.parse().expect("an IP address and a port")
}

/// Who may do everything, over TCP.
pub async fn root() -> Tcp {
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    Tcp::log_in(stomp(), &login, &passcode, "1.2").await
}

/// A name that no other run uses.
pub fn fresh(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{what}-{}", now.as_nanos())
}

pub fn target(scheme: Scheme) -> Target {
    let name = match scheme {
        Scheme::Tcp => "RABBITMQ_STOMP_URL",
        Scheme::WebSocket => "RABBITMQ_WS_URL",
    };
    let (payer, address) = account_and_address(name);
    let (listener, _) = account_and_address("RABBITMQ_LISTENER_STOMP_URL");
    let account = |(user, passcode)| format!("{user}:{passcode}");
    Target {
        name: "RabbitMQ",
        scheme,
        addr: address.parse().expect("an IP address and a port"),
        payer: account(payer),
        listener: account(listener),
    }
}

/// Calls `rabbitmqctl`.
pub async fn ctl(arguments: &[&str]) {
    let told = arguments.join(" ");
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    let called = tokio::task::spawn_blocking(move || ctl_blocking(&arguments));
    let called = tokio::time::timeout(CTL_LIMIT, called).await;
    let called = called.expect("rabbitmqctl ends in time").unwrap();
    assert_eq!(called, Ok(()), "{told}");
}

/// As [`ctl`]; gives what it complains of.
pub fn ctl_blocking(arguments: &[impl AsRef<OsStr>]) -> Result<(), String> {
    let mut ctl = Command::new(variable("RABBITMQ_CTL"));
    let output = ctl.args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
