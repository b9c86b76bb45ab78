//! A desk that shows the orders that a test gives it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const TOKEN: &str = "a-token-of-the-tests";

/// Answers by number: status and body. The last one is given again and again.
type Answers = Arc<Mutex<BTreeMap<String, Vec<(u16, Value)>>>>;

pub struct Desk {
    pub addr: SocketAddr,
    answers: Answers,
}

async fn order(
    State(answers): State<Answers>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = headers.get("authorization").and_then(|v| v.to_str().ok());
    if token != Some(&format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut answers = answers.lock().unwrap();
    let Some(queued) = answers.get_mut(&number) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (status, body) = if queued.len() > 1 {
        queued.remove(0)
    } else {
        queued[0].clone()
    };
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

impl Desk {
    pub async fn start() -> Self {
        let answers = Answers::default();
        let app = Router::new()
            .route("/api/orders/{number}", get(order))
            .with_state(Arc::clone(&answers));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, answers }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn answer(&self, number: &str, status: u16, body: Value) {
        let mut answers = self.answers.lock().unwrap();
        answers
            .entry(number.to_owned())
            .or_default()
            .push((status, body));
    }

    /// An order as paydesk shows it.
    pub fn order(&self, number: &str, state: &str, transaction_id: Option<&str>) {
        let body = json!({
            "out_trade_no": number, "state": state, "total_fee": 1990, "fee_type": "CNY", "body": "Longjing tea",
            "attach": null, "transaction_id": transaction_id, "code_url": null,
            "created_at": "2026-11-24T19:00:00+08:00", "expires_at": "2026-11-24T19:30:00+08:00",
            "paid_at": transaction_id.map(|_| "2026-11-24T19:01:02+08:00"),
            "confirmed": transaction_id.map(|_| true), "refunded_fee": 0, "attention": [], "pay_page": "…",
        });
        self.answer(number, 200, body);
    }
}
