//! An async client over reqwest (feature `client`).
//!
//! One call is one POST: a fresh nonce, the signed XML, and the answer through [`parse`]. It follows no
//! redirect, uses no proxy, reads no more than [`Client::ANSWER_MAX_BYTES`], and never sends twice by itself.
//!
//! TLS is rustls, and the binary chooses its provider: install one before [`ClientBuilder::build`], also when the base
//! URL is plain `http://`.
//!
//! ```no_run
//! use wxpay_core::{Account, SignType, api::{OrderQuery, OrderRef}, client::{Client, Outcome}};
//!
//! # async fn query(account: Account) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(account).build()?;
//! let query = OrderQuery { by: OrderRef::OutTradeNo("T20260101000001".parse()?) };
//! match client.call(&query, SignType::HmacSha256).await {
//!     Ok(answer) => println!("{}", answer.trade_state),
//!     Err(error) if error.outcome() == Outcome::Answered => println!("the gateway says no: {error}"),
//!     Err(error) => println!("not known: {error}"),
//! }
//! # Ok(())
//! # }
//! ```

mod builder;
mod error;

use core::time::Duration;
use std::{string::String, vec::Vec};

use tracing::{Instrument, Span, field};

pub use builder::{BuildError, ClientBuilder};
pub use error::{CallError, Outcome, Source};

use crate::{
    Account, NonceStr, SignType,
    api::{Endpoint, Prepared, parse, prepare},
};

/// Calls the endpoints of the gateway for one account. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Scheme, host and port, and a path without the slash at its end.
    base: String,
    account: Account,
}

impl Client {
    /// The gateway's own address.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.mch.weixin.qq.com";
    /// The longest answer that is read, in bytes.
    pub const ANSWER_MAX_BYTES: usize = 64 * 1024;

    /// A client for an account, to be set up.
    #[must_use]
    pub fn builder(account: Account) -> ClientBuilder {
        ClientBuilder::new(account)
    }

    /// The account that signs.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Sends a request once and reads its answer, within the client's total time-out.
    ///
    /// # Errors
    /// [`CallError`]; ask its [`outcome`](CallError::outcome) before anything is done again.
    pub async fn call<E: Endpoint>(
        &self,
        request: &E,
        sign_type: SignType,
    ) -> Result<E::Response, CallError> {
        self.observed(request, sign_type, None).await
    }

    /// As [`Client::call`], but within `deadline` from now instead of the client's total time-out.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_within<E: Endpoint>(
        &self,
        request: &E,
        sign_type: SignType,
        deadline: Duration,
    ) -> Result<E::Response, CallError> {
        self.observed(request, sign_type, Some(deadline)).await
    }

    /// One call in a span. The span holds neither the message nor the address, which may have a secret path.
    async fn observed<E: Endpoint>(
        &self,
        request: &E,
        sign_type: SignType,
        deadline: Option<Duration>,
    ) -> Result<E::Response, CallError> {
        let span = tracing::info_span!(
            "wxpay",
            endpoint = E::NAME,
            mch_id = self.account.mch_id.as_str(),
            sign_type = sign_type.as_str(),
            http_status = field::Empty,
            outcome = field::Empty,
        );
        async {
            let result = self.exchange(request, sign_type, deadline, &span).await;
            let outcome = match &result {
                Ok(_) => Outcome::Answered,
                Err(error) => error.outcome(),
            };
            span.record("outcome", outcome.as_str());
            if let Err(error) = &result {
                tracing::info!(%error, "no answer to act on");
            }
            result
        }
        .instrument(span.clone())
        .await
    }

    async fn exchange<E: Endpoint>(
        &self,
        request: &E,
        sign_type: SignType,
        deadline: Option<Duration>,
        span: &Span,
    ) -> Result<E::Response, CallError> {
        if E::NEEDS_CERT {
            return Err(CallError::NoCertificate);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| CallError::Random(error.into()))?;
        let nonce = NonceStr::from_random(random);
        let prepared = prepare(request, &self.account, sign_type, &nonce)?;
        let answer = self.post(prepared, deadline, span).await?;
        Ok(parse::<E>(&answer, &self.account, sign_type)?)
    }

    async fn post(
        &self,
        prepared: Prepared,
        deadline: Option<Duration>,
        span: &Span,
    ) -> Result<Vec<u8>, CallError> {
        let mut post = self
            .http
            .post([self.base.as_str(), prepared.path].concat())
            .header(reqwest::header::CONTENT_TYPE, "text/xml; charset=utf-8")
            .body(prepared.body);
        if let Some(deadline) = deadline {
            post = post.timeout(deadline);
        }
        let mut response = post.send().await.map_err(CallError::from_send)?;
        let status = response.status().as_u16();
        span.record("http_status", status);
        if status != 200 {
            return Err(CallError::Http { status });
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(CallError::from_body)? {
            if answer.len() + chunk.len() > Self::ANSWER_MAX_BYTES {
                return Err(CallError::TooLarge {
                    max_bytes: Self::ANSWER_MAX_BYTES,
                });
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}
