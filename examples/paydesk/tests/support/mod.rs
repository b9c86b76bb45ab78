//! A paydesk of the tests' own: the real binary on free loopback ports, with a ledger in a folder of its own.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

#[cfg(feature = "system-tests")]
pub mod browser;
pub mod feed;
#[cfg(feature = "system-tests")]
pub mod postgres;
#[cfg(feature = "system-tests")]
pub mod proxy;
pub mod recorded;

use std::{
    fmt::Debug,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Once,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::{
    Client, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The passcode of the account `paydesk` on the embedded broker.
pub const PASSCODE: &str = "a-passcode-of-the-tests";
/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A running service; it is killed when dropped.
pub struct Paydesk {
    child: Child,
    pub url: String,
    pub phone: String,
    pub http: Client,
    pub folder: PathBuf,
    stderr: Receiver<String>,
    keep: Option<TempDir>,
}

pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paydesk"));
    for (name, _) in std::env::vars() {
        if name.starts_with("PAYDESK_") || name.starts_with("WXPAY_") {
            command.env_remove(name);
        }
    }
    command.env("RUST_LOG", "info").stdin(Stdio::null());
    command
}

pub fn http() -> Client {
    client(HeaderMap::new())
}

/// A client that shows a bearer token with each request.
pub fn http_with_token(token: &str) -> Client {
    let bearer = format!("Bearer {token}").parse().unwrap();
    client(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
}

fn client(headers: HeaderMap) -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    Client::builder()
        .no_proxy()
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// The lines of a pipe, read by a thread so that the pipe never fills.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Paydesk {
    /// Starts with a fresh folder and the simulator's own merchant.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts with a fresh folder.
    pub fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        let keep = TempDir::new().unwrap();
        let folder = keep.path().join("ledger");
        let mut desk = Self::start_in(&folder, change);
        desk.keep = Some(keep);
        desk
    }

    /// Starts on a folder that may hold a ledger already.
    pub fn start_in(folder: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = binary();
        command
            .env("PAYDESK_LISTEN", "127.0.0.1:0")
            .env("PAYDESK_GATEWAY", "sim=127.0.0.1:0")
            .env("PAYDESK_STORE", format!("sled:{}", folder.display()))
            .env("PAYDESK_EMBEDDED_PASSCODE", PASSCODE);
        change(&mut command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let address = |name: &str, line: &str| {
            line.trim()
                .strip_prefix(name)
                .map(|rest| rest.trim().trim_end_matches('/').to_owned())
        };
        let (mut url, mut phone) = (None, None);
        let deadline = Instant::now() + PATIENCE;
        while url.is_none() {
            match stdout.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    url = address("shop", &line);
                    phone = phone.or_else(|| address("phone", &line));
                }
                Err(error) => {
                    let _ = child.kill();
                    panic!(
                        "paydesk did not start ({error}): {:?}",
                        stderr.iter().collect::<Vec<_>>()
                    );
                }
            }
        }
        // Nothing more is printed there; an unread pipe could still fill one day.
        thread::spawn(move || stdout.iter().count());
        Self {
            child,
            url: url.unwrap(),
            phone: phone.unwrap_or_default(),
            http: http(),
            folder: folder.to_owned(),
            stderr,
            keep: None,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of the log holds `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self
                .stderr
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                .unwrap_or_else(|error| panic!("no line with '{text}': {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What it still had to say, once it has ended.
    pub fn rest_of_log(&self) -> String {
        self.stderr.iter().collect::<Vec<_>>().join("\n")
    }

    /// kill -9: nothing is flushed, nothing is said.
    pub fn kill(mut self) -> Option<TempDir> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.keep.take()
    }

    /// Ctrl-C; gives the exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        send(&self.child, Signal::INT);
        self.child.wait().unwrap().code()
    }

    /// Ctrl-C, without waiting for the end.
    pub fn press_ctrl_c(&self) {
        send(&self.child, Signal::INT);
    }

    /// Waits for the end; gives the exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Makes an order; gives the API's answer.
    pub async fn order(&self, out_trade_no: &str, total_fee: u64) -> Value {
        let (status, answer) = self
            .post(
                "/api/orders",
                &json!({"total_fee": total_fee, "body": "龙井茶一杯", "out_trade_no": out_trade_no}),
            )
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self
            .http
            .post(format!("{}{path}", self.url))
            .json(body)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self
            .http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Prepares the payment as the pay page does; gives the code's content.
    pub async fn code_url(&self, out_trade_no: &str, total_fee: u64) -> String {
        let (status, answer) = self
            .get(&format!(
                "/wxpay/nativePay?orderId={out_trade_no}&money={total_fee}"
            ))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["code"], 20000, "{answer}");
        answer["data"]["code_url"].as_str().unwrap().to_owned()
    }

    /// Posts a notify; gives the reply.
    pub async fn notify(&self, path: &str, xml: &[u8]) -> String {
        let answer = self
            .http
            .post(format!("{}{path}", self.url))
            .header(CONTENT_TYPE, "text/xml")
            .body(xml.to_vec())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    }

    /// A call of the simulator's own.
    pub async fn sim(&self, path: &str, body: &Value) -> Value {
        let answer = self
            .http
            .post(format!("{}{path}", self.phone))
            .json(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// What the simulator answers on a path of its own.
    pub async fn sim_get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.phone)).send().await;
        answer.unwrap().json().await.unwrap()
    }

    pub async fn state(&self, out_trade_no: &str) -> String {
        let (status, answer) = self
            .get(&format!("/wxpay/state?orderId={out_trade_no}"))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["state"].as_str().unwrap().to_owned()
    }

    pub async fn log(&self, out_trade_no: &str) -> Vec<Value> {
        let (status, answer) = self.get(&format!("/api/orders/{out_trade_no}/log")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer.as_array().unwrap().clone()
    }

    /// Asks until the order has come to `wanted`: the only way to see from outside what a background task did.
    pub async fn wait_for_state(&self, out_trade_no: &str, wanted: &str) {
        until(
            async || self.state(out_trade_no).await,
            |state| state == wanted,
        )
        .await;
    }

    /// Asks for the order as an operator sees it until it is as wanted; gives it.
    pub async fn wait_for_order(
        &self,
        out_trade_no: &str,
        is_right: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/api/orders/{out_trade_no}");
        until(async || self.get(&path).await.1, is_right).await
    }
}

/// Asks until the answer is right; gives it.
pub async fn until<T: Debug>(ask: impl AsyncFn() -> T, is_right: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if is_right(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Drop for Paydesk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child.
pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Rows of a log that took the order to `paid`.
pub fn paid_rows(log: &[Value]) -> usize {
    log.iter()
        .filter(|row| row["to"] == "paid" && row["from"] != "paid")
        .count()
}
