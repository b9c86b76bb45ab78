//! The RabbitMQ that all of a run use, as the environment names it: `cargo xtask bench bridge` starts one.

use std::env;
use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, Result};

use crate::machine::Process;

pub(crate) struct Rabbit {
    /// URLs of the account that publishes.
    pub(crate) stomp: String,
    pub(crate) web_stomp: String,
    pub(crate) amqp: String,
    /// Of the account that may read the fanout.
    pub(crate) listener: String,
    /// Of the administrator, by AMQP.
    pub(crate) admin: String,
    pub(crate) process: Process,
}

impl Rabbit {
    pub(crate) fn from_env() -> Result<Self> {
        let variable = |name: &str| {
            env::var(name).with_context(|| format!("{name} is not set: `cargo xtask bench bridge`"))
        };
        let amqp = variable("RABBITMQ_AMQP_URL")?;
        let (_, at) = amqp.split_once('@').context("no user in the AMQP URL")?;
        let (login, passcode) = user_of(&variable("RABBITMQ_ADMIN_URL")?)?;
        let admin = format!("amqp://{login}:{passcode}@{at}");
        let web_stomp = variable("RABBITMQ_WS_URL")?;
        Ok(Self {
            stomp: variable("RABBITMQ_STOMP_URL")?,
            listener: variable("RABBITMQ_LISTENER_WS_URL")?,
            process: Process::listening_on(address_of(&web_stomp)?.port())?,
            web_stomp,
            amqp,
            admin,
        })
    }
}

/// Login and passcode in a URL; those of the tests' accounts need no escapes.
pub(crate) fn user_of(url: &str) -> Result<(String, String)> {
    let user = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .and_then(|(user, _)| user.split_once(':'));
    let (login, passcode) = user.context("no login and passcode in a URL")?;
    Ok((login.to_owned(), passcode.to_owned()))
}

/// Where a URL with a user and a port points.
pub(crate) fn address_of(url: &str) -> Result<SocketAddr> {
    let (_, at) = url.split_once('@').context("no user in a URL")?;
    let at = at.split('/').next().unwrap_or(at);
    at.to_socket_addrs()?.next().context("no address in a URL")
}
