//! A real Chromium, driven through its own driver.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, wd::Capabilities};
use serde_json::{Value, json};

/// A browser with an empty profile; it ends when dropped.
pub struct Browser {
    pub page: Client,
    driver: Child,
    port: u16,
    _profile: tempfile::TempDir,
}

fn tool(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run `cargo xtask test`, which installs the browser and sets it"
        )
    })
}

impl Browser {
    pub async fn open() -> Self {
        let profile = tempfile::TempDir::new().unwrap();
        let mut driver = Command::new(tool("CHROMEDRIVER"))
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port: u16 = lines
            .find_map(|line| {
                let line = line.ok()?;
                let rest = line.split_once("started successfully on port ")?.1;
                rest.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver tells its port");
        std::thread::spawn(move || lines.count());
        let mut capabilities = Capabilities::new();
        capabilities.insert(
            "goog:chromeOptions".into(),
            json!({
                "binary": tool("CHROMIUM"),
                "args": [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--disable-dev-shm-usage", "--window-size=900,900", "--lang=zh-CN",
                    format!("--user-data-dir={}", profile.path().display()),
                ],
            }),
        );
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self {
            page,
            driver,
            port,
            _profile: profile,
        }
    }

    pub async fn goto(&self, url: &str) {
        self.page.goto(url).await.unwrap();
    }

    pub async fn path(&self) -> String {
        self.page.current_url().await.unwrap().path().to_owned()
    }

    pub async fn text(&self, selector: &str) -> String {
        let element = self.page.find(Locator::Css(selector)).await.unwrap();
        element.text().await.unwrap()
    }

    pub async fn click(&self, selector: &str) {
        self.wait(selector).await;
        let element = self.page.find(Locator::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    /// Waits until the page has such an element. A search that the page's own move to the next one cuts off begins anew.
    pub async fn wait(&self, selector: &str) {
        let until = Instant::now() + super::PATIENCE;
        loop {
            let found = self
                .page
                .wait()
                .at_most(until.saturating_duration_since(Instant::now()))
                .every(Duration::from_millis(20))
                .for_element(Locator::Css(selector))
                .await;
            match found {
                Ok(_) => return,
                Err(error) if error.to_string().contains("aborted by navigation") => {
                    assert!(Instant::now() < until, "no {selector}: {error}");
                }
                Err(error) => panic!("no {selector}: {error}"),
            }
        }
    }

    pub async fn run(&self, script: &str) -> Value {
        self.page.execute(script, vec![]).await.unwrap()
    }

    /// Keeps a picture of the page where `PAYDESK_PICTURES` names a folder.
    pub async fn picture(&self, name: &str) {
        if let Ok(folder) = std::env::var("PAYDESK_PICTURES") {
            let png = self.page.screenshot().await.unwrap();
            std::fs::write(format!("{folder}/{name}.png"), png).unwrap();
        }
    }

    pub async fn close(self) {
        self.page.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    /// A driver that is killed leaves its browser behind, so it is asked to end first; a test may have failed midway.
    fn drop(&mut self) {
        if let Ok(mut driver) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
            let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = driver.write_all(b"GET /shutdown HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let _ = driver.read_to_end(&mut Vec::new());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
