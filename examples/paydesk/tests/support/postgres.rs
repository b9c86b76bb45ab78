//! A database of a test's own on the server that the tests were given.

use std::process::Command;

use tokio_postgres::NoTls;
use url::Url;

/// The desks' own role, whose password no output may show.
pub const PASSWORD: &str = "hush-hush-password";

/// A database that goes with the test.
pub struct Database {
    admin: String,
    name: String,
    /// For `--store`.
    pub url: String,
}

impl Database {
    pub async fn new() -> Self {
        let admin = std::env::var("POSTGRES_URL").expect(
            "POSTGRES_URL is not set: run `cargo xtask test`, which starts PostgreSQL and sets it",
        );
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let name = format!("desk{:016x}", u64::from_be_bytes(id));
        for statement in [
            format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"),
            format!("CREATE DATABASE {name} OWNER {name}"),
        ] {
            run(&admin, &statement).await;
        }
        let mut url = Url::parse(&admin).unwrap();
        url.set_path(&name);
        url.set_username(&name).unwrap();
        url.set_password(Some(PASSWORD)).unwrap();
        Self {
            admin,
            name,
            url: url.into(),
        }
    }

    /// Runs statements as the desks' own role.
    pub async fn batch(&self, statements: &str) {
        run(&self.url, statements).await;
    }

    /// In the environment, where a command line does not show it.
    pub fn store(&self, command: &mut Command) {
        command.env("PAYDESK_STORE", &self.url);
    }
}

async fn run(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

impl Drop for Database {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // The test's own runtime may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                run(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
                run(&admin, &format!("DROP ROLE {name}")).await;
            });
        });
        if dropped.join().is_err() {
            eprintln!("the database was left behind");
        }
    }
}
