//! A private PostgreSQL, with TLS off: the tests that want it start a server of their own beside.
//!
//! The server refuses to run as root, so everything runs as Debian's user `postgres`, who owns the data folder. That folder is
//! under the system's folder for temporary files: the user must be able to walk down to it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use anyhow::{Context, Result, bail};

use super::Private;
use crate::apt::{self, Need};
use crate::process::Group;
use crate::{interrupt, ports};

/// How the tests find the server; set it to use one of your own.
pub(crate) const VARIABLES: [&str; 1] = ["POSTGRES_URL"];

/// What it takes.
pub(crate) const NEEDS: [Need; 2] = [
    Need {
        package: "postgresql",
        present: || binaries().is_some(),
    },
    Need {
        package: "util-linux",
        present: || apt::find("setpriv").is_some(),
    },
];

const LIB: &str = "/usr/lib/postgresql";
const USER: &str = "postgres";
const SETUP_LIMIT: Duration = Duration::from_mins(2);
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// How often another port is tried when another program was faster.
const ATTEMPTS: u32 = 3;

/// The programs of the newest version; they are not on `PATH`.
fn binaries() -> Option<PathBuf> {
    let version = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let mut versions: Vec<_> = fs::read_dir(LIB)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").is_file())
        .filter_map(|path| Some((version(&path)?, path)))
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path.join("bin"))
}

/// Starts a server and waits until it answers.
pub(crate) fn start() -> Result<Private> {
    let bin = binaries().with_context(|| format!("no server in {LIB}: install postgresql"))?;
    for attempt in 1..=ATTEMPTS {
        let home = env::temp_dir().join(format!("wxpay-postgres-{}", process::id()));
        let mut server = Private::in_folder("postgres", home)?;
        let [port] = ports::free(attempt)?;
        let cluster = Cluster {
            bin: bin.clone(),
            dir: server.dir.clone(),
            port,
        };
        match cluster.boot(&mut server) {
            Err(_) if attempt < ATTEMPTS && cluster.lost_its_port() => {
                println!("another program took the port, trying another");
                server.discard()?;
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(server),
        }
    }
    bail!("no port could be had in {ATTEMPTS} attempts")
}

struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    port: u16,
}

impl Cluster {
    fn boot(&self, server: &mut Private) -> Result<()> {
        let data = self.dir.join("data");
        // As root we give the folder away; as anyone else the server runs as we do.
        if apt::am_root()? {
            let mut chown = Command::new("chown");
            process_run(chown.arg(USER).arg(&self.dir))?;
        }
        let mut initdb = self.program("initdb")?;
        initdb
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--username=postgres",
                "-D",
            ])
            .arg(&data);
        self.log_to("initdb", &mut initdb)?;
        let mut initdb = Group::spawn(&mut initdb)?;
        let status = initdb.wait(SETUP_LIMIT)?;
        if !status.success() {
            bail!("initdb: {status}; see {}", self.dir.display());
        }
        let mut settings = OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .context("postgresql.conf")?;
        write!(
            settings,
            "\nlisten_addresses = '127.0.0.1'\n\
             port = {}\n\
             unix_socket_directories = '{}'\n\
             max_connections = 400\n\
             shared_buffers = 256MB\n\
             max_wal_size = 4GB\n",
            self.port,
            self.dir.display()
        )
        .context("postgresql.conf")?;
        let mut postgres = self.program("postgres")?;
        postgres.arg("-D").arg(&data);
        self.log_to("server", &mut postgres)?;
        server.processes.push(Group::spawn(&mut postgres)?);
        self.wait_until_ready(server)?;
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        server.env = VARIABLES.into_iter().zip([url]).collect();
        Ok(())
    }

    fn wait_until_ready(&self, server: &mut Private) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            interrupt::check()?;
            server.check()?;
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ready.status().context("pg_isready")?.success() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "PostgreSQL was not up after {} s; see {}",
                    START_LIMIT.as_secs(),
                    self.dir.display()
                );
            }
            thread::sleep(POLL);
        }
    }

    /// One of the server's programs, as a user who may run it.
    fn program(&self, name: &str) -> Result<Command> {
        let program = self.bin.join(name);
        let mut command = if apt::am_root()? {
            // SIGINT, a fast shutdown, when we die, even by SIGKILL.
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", USER, "--regid", USER, "--init-groups"])
                .args(["--pdeathsig", "INT", "--"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.dir);
        Ok(command)
    }

    fn lost_its_port(&self) -> bool {
        fs::read_to_string(self.dir.join("server.log"))
            .is_ok_and(|log| log.contains("Address already in use"))
    }

    fn log_to(&self, name: &str, command: &mut Command) -> Result<()> {
        let log = File::create(self.dir.join(format!("{name}.log"))).context("a log file")?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(())
    }
}

fn process_run(command: &mut Command) -> Result<()> {
    crate::process::run(command, SETUP_LIMIT)
}
