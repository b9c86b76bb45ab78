//! A private RabbitMQ with STOMP, Web STOMP and the management API.
//!
//! The scripts of the package are called where they lie: those in `/usr/sbin` switch to another user and home.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::definitions::{self, Passcodes};
use super::{Env, Private};
use crate::apt::{self, Need};
use crate::process::Group;
use crate::{interrupt, ports};

/// From the start to a fully booted node. It takes 5 s on a quiet machine, 25 s on a busy one.
const START_LIMIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);
/// How often other ports are tried when another program was faster.
const ATTEMPTS: u32 = 3;
const LIB: &str = "/usr/lib/rabbitmq/lib";
/// Plugins, as Erlang reads them.
const PLUGINS: &str = "[rabbitmq_management,rabbitmq_stomp,rabbitmq_web_stomp].\n";

/// How the tests find the server; set all of them to use one of your own.
pub(crate) const VARIABLES: [&str; 8] = [
    "RABBITMQ_STOMP_URL",
    "RABBITMQ_WS_URL",
    "RABBITMQ_GUEST_WS_URL",
    "RABBITMQ_LISTENER_STOMP_URL",
    "RABBITMQ_LISTENER_WS_URL",
    "RABBITMQ_ADMIN_URL",
    "RABBITMQ_AMQP_URL",
    // A program that takes the arguments of rabbitmqctl: tests stop the node and start it again. Beside it lies rabbitmq-plugins.
    "RABBITMQ_CTL",
];

/// What it takes.
pub(crate) const NEEDS: [Need; 1] = [Need {
    package: "rabbitmq-server",
    present: || scripts().is_some(),
}];

/// The folder of the package's own scripts.
fn scripts() -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir(LIB)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("sbin")))
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .find(|sbin| sbin.join("rabbitmq-server").is_file())
}

/// Starts a node and waits until it has booted.
pub(crate) fn start() -> Result<Private> {
    let sbin =
        scripts().with_context(|| format!("no RabbitMQ in {LIB}: install rabbitmq-server"))?;
    for attempt in 1..=ATTEMPTS {
        let mut server = Private::new("rabbitmq")?;
        let node = Node {
            sbin: sbin.clone(),
            dir: server.dir.clone(),
            ports: Ports::choose(attempt)?,
        };
        match node.boot(&mut server) {
            Err(_) if attempt < ATTEMPTS && node.lost_a_port() => {
                println!("another program took a port, trying others");
                server.discard()?;
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(server),
        }
    }
    bail!("no ports could be had in {ATTEMPTS} attempts")
}

struct Ports {
    amqp: u16,
    stomp: u16,
    web_stomp: u16,
    management: u16,
    epmd: u16,
    distribution: u16,
}

impl Ports {
    fn choose(attempt: u32) -> Result<Self> {
        let [amqp, stomp, web_stomp, management, epmd, distribution] = ports::free(attempt)?;
        Ok(Self {
            amqp,
            stomp,
            web_stomp,
            management,
            epmd,
            distribution,
        })
    }
}

struct Node {
    sbin: PathBuf,
    dir: PathBuf,
    ports: Ports,
}

impl Node {
    fn boot(&self, server: &mut Private) -> Result<()> {
        let passcodes = Passcodes::random()?;
        self.write_files(&passcodes)?;
        // Started by us, epmd is ours to stop; the node's own `epmd -daemon` finds it and exits.
        let mut epmd = with_parent("epmd");
        epmd.args([
            "-address",
            "127.0.0.1",
            "-port",
            &self.ports.epmd.to_string(),
        ]);
        self.log_to("epmd", &mut epmd)?;
        server.processes.push(Group::spawn(&mut epmd)?);
        let mut node = with_parent(self.sbin.join("rabbitmq-server"));
        self.log_to("console", self.environment(&mut node))?;
        server.processes.push(Group::spawn(&mut node)?);
        self.wait_until_booted(server)?;
        server.env = self.variables(&passcodes);
        Ok(())
    }

    /// An open port is no sign: the STOMP listener opens seconds before the boot ends.
    fn wait_until_booted(&self, server: &mut Private) -> Result<()> {
        let mut wait = Command::new(self.sbin.join("rabbitmqctl"));
        wait.args(["wait", "--timeout", &START_LIMIT.as_secs().to_string()])
            .arg(self.dir.join("pid"));
        self.log_to("wait", self.environment(&mut wait))?;
        let mut wait = Group::spawn(&mut wait)?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            interrupt::check()?;
            server.check()?;
            match wait.exited()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("rabbitmqctl wait: {status}; see {}", self.dir.display()),
                None if Instant::now() > deadline => {
                    bail!(
                        "RabbitMQ was not up after {} s; see {}",
                        START_LIMIT.as_secs(),
                        self.dir.display()
                    )
                }
                None => thread::sleep(POLL),
            }
        }
    }

    /// Whether the logs say that another program has one of the ports.
    fn lost_a_port(&self) -> bool {
        let logs = fs::read_dir(self.dir.join("log"))
            .into_iter()
            .flatten()
            .flatten();
        logs.filter_map(|log| fs::read(log.path()).ok())
            .any(|text| {
                String::from_utf8_lossy(&text)
                    .to_lowercase()
                    .contains("eaddrinuse")
            })
    }

    fn write_files(&self, passcodes: &Passcodes) -> Result<()> {
        let Ports {
            amqp,
            stomp,
            web_stomp,
            management,
            ..
        } = self.ports;
        let definitions = self.dir.join("definitions.json");
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             stomp.listeners.tcp.1 = 127.0.0.1:{stomp}\n\
             web_stomp.tcp.ip = 127.0.0.1\n\
             web_stomp.tcp.port = {web_stomp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             load_definitions = {}\n\
             log.console = false\n",
            definitions.display()
        );
        fs::create_dir_all(self.dir.join("log")).context("the log folder")?;
        // The passcodes are in here, and the server runs as root: nobody else looks in.
        fs::set_permissions(&self.dir, Permissions::from_mode(0o700)).context("the data folder")?;
        write(
            &definitions,
            &definitions::definitions(passcodes).to_string(),
        )?;
        write(&self.dir.join("rabbitmq.conf"), &configuration)?;
        write(&self.dir.join("enabled_plugins"), PLUGINS)?;
        let cookie = self.dir.join(".erlang.cookie");
        write(&cookie, &Passcodes::random()?.admin)?;
        fs::set_permissions(&cookie, Permissions::from_mode(0o400)).context("the cookie")?;
        for name in ["rabbitmqctl", "rabbitmq-plugins"] {
            let script = self.dir.join(name);
            write(&script, &self.script(name))?;
            fs::set_permissions(script, Permissions::from_mode(0o700)).context(name)?;
        }
        Ok(())
    }

    /// `rabbitmqctl` of this node, for the tests. `rabbitmq-plugins` lies beside it.
    fn ctl(&self) -> PathBuf {
        self.dir.join("rabbitmqctl")
    }

    /// A script of the package, with what it takes to find this node.
    fn script(&self, name: &str) -> String {
        let mut ctl = Command::new(self.sbin.join(name));
        self.environment(&mut ctl);
        let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
        let exports = ctl.get_envs().map(|(name, value)| {
            let value = quoted(value.unwrap_or_default());
            format!("export {}={value}\n", name.to_string_lossy())
        });
        let exports: Vec<String> = exports.collect();
        let program = quoted(ctl.get_program());
        format!("#!/bin/sh\n{}exec {program} \"$@\"\n", exports.concat())
    }

    /// What the package's scripts go by, in place of the machine's own configuration.
    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let dir = &self.dir;
        command
            .env("HOME", dir)
            .env("LANG", "C.UTF-8")
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_NODENAME", "wxpay@localhost")
            .env("RABBITMQ_MNESIA_BASE", dir.join("data"))
            .env("RABBITMQ_LOG_BASE", dir.join("log"))
            .env("RABBITMQ_PID_FILE", dir.join("pid"))
            .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", dir.join("none.config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("enabled_plugins"))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            )
    }

    fn log_to(&self, name: &str, command: &mut Command) -> Result<()> {
        let log = File::create(self.dir.join("log").join(name)).context("a log file")?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(())
    }

    fn variables(&self, passcodes: &Passcodes) -> Env {
        let Ports {
            amqp,
            stomp,
            web_stomp,
            management,
            ..
        } = self.ports;
        let Passcodes {
            admin,
            payer,
            listener,
        } = passcodes;
        let values = [
            format!("stomp://payer:{payer}@127.0.0.1:{stomp}"),
            format!("ws://payer:{payer}@127.0.0.1:{web_stomp}/ws"),
            format!("ws://webguest:webguest@127.0.0.1:{web_stomp}/ws"),
            format!("stomp://listener:{listener}@127.0.0.1:{stomp}"),
            format!("ws://listener:{listener}@127.0.0.1:{web_stomp}/ws"),
            format!("http://admin:{admin}@127.0.0.1:{management}"),
            format!("amqp://payer:{payer}@127.0.0.1:{amqp}/%2f"),
            self.ctl().display().to_string(),
        ];
        VARIABLES.into_iter().zip(values).collect()
    }
}

/// A command that gets SIGTERM when we die, even by SIGKILL: then nobody is left to stop it.
fn with_parent(program: impl AsRef<OsStr>) -> Command {
    let program = program.as_ref();
    if apt::find("setpriv").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
