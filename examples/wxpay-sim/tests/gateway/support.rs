//! A client of the simulator and a merchant that is told about payments.

use std::net::SocketAddr;
use std::sync::Once;
use std::time::Duration;

use axum::{Router, body::Bytes, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::timeout};
use wxpay_core::{
    Account, Fen, NonceStr, SignType,
    api::{self, AnswerError, Endpoint, UnifiedOrder},
};
use wxpay_sim::{Merchant, RunningSim, Sim, SimConfig};

/// How long anything may take that should happen at once.
const WAIT: Duration = Duration::from_secs(20);

static TLS: Once = Once::new();

/// A running simulator and a client that signs.
pub(crate) struct Desk {
    pub(crate) sim: RunningSim,
    pub(crate) account: Account,
    pub(crate) sign_type: SignType,
    pub(crate) http: reqwest::Client,
}

impl Desk {
    pub(crate) async fn start(sign_type: SignType) -> Self {
        Self::start_with(Merchant::test(), sign_type).await
    }

    pub(crate) async fn start_with(merchant: Merchant, sign_type: SignType) -> Self {
        TLS.call_once(|| {
            rustls::crypto::aws_lc_rs::default_provider()
                .install_default()
                .unwrap();
        });
        let account = merchant.account().clone();
        let config = SimConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            merchants: vec![merchant],
            ..SimConfig::default()
        };
        Self {
            sim: Sim::start(config).await.unwrap(),
            account,
            sign_type,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn prepare<E: Endpoint<Sign = SignType>>(&self, request: &E) -> String {
        let nonce = NonceStr::from_random([7; 16]);
        api::prepare(request, &self.account, self.sign_type, &nonce)
            .unwrap()
            .body
    }

    pub(crate) async fn call<E: Endpoint<Sign = SignType>>(
        &self,
        request: &E,
    ) -> Result<E::Response, AnswerError> {
        let (status, _, answer) = self.raw(E::PATH, self.prepare(request)).await;
        assert_eq!(status, 200, "{answer}");
        api::parse::<E>(answer.as_bytes(), &self.account, self.sign_type)
    }

    pub(crate) async fn raw(&self, path: &str, body: String) -> (u16, String, String) {
        self.send(path, "text/xml", body).await
    }

    /// Status, content type and body of an answer.
    pub(crate) async fn send(
        &self,
        path: &str,
        content_type: &str,
        body: String,
    ) -> (u16, String, String) {
        let request = self
            .http
            .post(format!("{}{path}", self.sim.url()))
            .body(body);
        let request = if content_type.is_empty() {
            request
        } else {
            request.header("content-type", content_type)
        };
        let answer = timeout(WAIT, request.send()).await.unwrap().unwrap();
        let kind = answer
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            kind.unwrap_or_default(),
            answer.text().await.unwrap(),
        )
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, _, answer) = self.send(path, "application/json", body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self
            .http
            .get(format!("{}{path}", self.sim.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub(crate) async fn now_ms(&self) -> i64 {
        self.get("/sim/clock").await["now_unix_ms"]
            .as_i64()
            .unwrap()
    }

    /// How far an order's notify came, once no try is on its way.
    pub(crate) async fn settled(&self, number: &str) -> Value {
        timeout(WAIT, async {
            loop {
                let orders = self
                    .get(&format!("/sim/orders?out_trade_no={number}"))
                    .await;
                let notify = orders[0]["notify"].clone();
                // Taken but not yet answered, or due this instant and not yet taken.
                let due_now = notify["state"] == "waiting"
                    && unix_ms(&notify["next_at"]) <= self.now_ms().await;
                if notify["state"] != "sending" && !due_now {
                    return notify;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap()
    }
}

/// Milliseconds since 1970 of an RFC 3339 text such as the simulator writes.
pub(crate) fn unix_ms(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let digits: String = text[..19].chars().filter(char::is_ascii_digit).collect();
    let second: wxpay_core::BeijingTime = digits.parse().unwrap();
    second.unix_seconds() * 1000 + text[20..23].parse::<i64>().unwrap()
}

/// An order in the name of the test.
pub(crate) fn tea(number: &str, notify_url: &str) -> UnifiedOrder {
    UnifiedOrder::native(
        number.parse().unwrap(),
        "茶 & cake".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        notify_url.parse().unwrap(),
        "P1".parse().unwrap(),
    )
}

/// A merchant that is told, and gives one reply after the other; the last one again and again.
pub(crate) struct Receiver {
    addr: SocketAddr,
    bodies: mpsc::UnboundedReceiver<Bytes>,
    server: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(replies: Vec<String>) -> Self {
        let (told, bodies) = mpsc::unbounded_channel();
        let replies = std::sync::Arc::new(std::sync::Mutex::new(replies));
        let notify = move |body: Bytes| async move {
            told.send(body).unwrap();
            let mut replies = replies.lock().unwrap();
            let reply = if replies.len() > 1 {
                replies.remove(0)
            } else {
                replies[0].clone()
            };
            if reply == "redirect" {
                (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()
            } else {
                reply.into_response()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let app = Router::new().route("/notify", post(notify));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            addr,
            bodies,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/notify", self.addr)
    }

    pub(crate) async fn next(&mut self) -> Vec<u8> {
        timeout(WAIT, self.bodies.recv())
            .await
            .unwrap()
            .unwrap()
            .to_vec()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
