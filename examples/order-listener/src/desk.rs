//! The payment desk's API: what is true of an order, and what it costs.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use order_store::OrderState;
use reqwest::{Client, StatusCode, Url, header, redirect};
use serde::Deserialize;
use thiserror::Error;
use wxpay_core::{BeijingTime, Body, Fen, OutTradeNo, TransactionId};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// An order as the desk shows it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DeskOrder {
    pub(crate) out_trade_no: OutTradeNo,
    pub(crate) state: OrderState,
    pub(crate) total_fee: Fen,
    pub(crate) body: Body,
    pub(crate) transaction_id: Option<TransactionId>,
    /// RFC 3339 at +08:00.
    pub(crate) paid_at: Option<String>,
    pub(crate) confirmed: Option<bool>,
}

/// Why the desk did not say.
#[derive(Debug, Error)]
pub(crate) enum DeskError {
    #[error("the desk cannot be asked: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the desk answered with HTTP status {0}")]
    Status(StatusCode),
    #[error("the desk's answer is not understood: {0}")]
    Answer(String),
}

/// Asks the desk.
pub(crate) struct Desk {
    client: Client,
    orders: Url,
}

impl Desk {
    pub(crate) fn new(base: &str, token: Option<&str>) -> Result<Self> {
        let mut orders: Url = base.parse().context("--desk")?;
        orders
            .path_segments_mut()
            .map_err(|()| anyhow!("--desk: not a base URL"))?
            .pop_if_empty()
            .extend(["api", "orders"]);
        let mut headers = header::HeaderMap::new();
        if let Some(token) = token {
            let mut value = header::HeaderValue::from_str(&format!("Bearer {token}"))
                .context("--desk-token-file: the token is no text for a header")?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // The token goes to the desk and nowhere else.
            .redirect(redirect::Policy::none())
            .default_headers(headers)
            .build()
            .context("--desk")?;
        Ok(Self { client, orders })
    }

    /// The order of this number; nothing when the desk has none.
    pub(crate) async fn order(&self, number: &OutTradeNo) -> Result<Option<DeskOrder>, DeskError> {
        let mut url = self.orders.clone();
        url.path_segments_mut()
            .map_err(|()| DeskError::Answer("--desk is no base URL".to_owned()))?
            .push(number.as_str());
        let mut answer = self.client.get(url).send().await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(DeskError::Status(status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX_BYTES {
                return Err(DeskError::Answer("it is too long".to_owned()));
            }
        }
        let order: DeskOrder =
            serde_json::from_slice(&body).map_err(|error| DeskError::Answer(error.to_string()))?;
        if order.out_trade_no != *number {
            return Err(DeskError::Answer("it is about another order".to_owned()));
        }
        Ok(Some(order))
    }
}

impl DeskOrder {
    /// When the gateway took the money.
    pub(crate) fn time_end(&self) -> Option<BeijingTime> {
        let text = self.paid_at.as_deref()?.strip_suffix("+08:00")?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.get(..14)?.parse().ok()
    }
}
