//! An async client over reqwest (feature `client`).
//!
//! One call is one POST: a fresh nonce, the signed XML, and the answer through [`parse`]. It follows no redirect, uses no
//! proxy, and reads no more than [`Client::ANSWER_MAX_BYTES`].
//!
//! What makes it more than an HTTP stack, all to be set on [`ClientBuilder`]:
//!
//! * **Two hosts.** By the rule of [`Failover`](crate::transport::Failover), a host that cannot be reached is left for the
//!   backup. That chooses the host of the next try, and sends nothing again.
//! * **Retries**, off unless [`ClientBuilder::retry`] turns them on: only where a repeat cannot do anything twice, always
//!   with the same business parameters and a new nonce and sign, and within the call's time-out.
//! * **The client certificate**, from PEM or `apiclient_cert.p12`: [`Identity`]. An endpoint that demands it is refused here
//!   when there is none.
//! * **A limit** on calls at once, with a bounded wait.
//! * **Eyes**: a `tracing` span for each call, [`Observe`] for metrics, [`Audit`] for the masked exchange.
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
mod dns;
mod error;
mod hosts;
mod identity;
mod limit;
mod micropay;
mod observe;
mod phase;
mod run;
mod shared;
mod take;

use core::time::Duration;
use std::{sync::Arc, vec::Vec};

pub use builder::{BuildError, ClientBuilder};
pub use error::{CallError, Outcome, Source};
pub use identity::{Identity, IdentityError};
pub use micropay::MicropayError;
pub use observe::{Audit, CallReport, Exchange, Message, Observe};

use crate::{
    Account,
    api::{Endpoint, Unsigned, parse, parse_text, parse_unsigned},
    transport::BodySink,
};
use shared::Shared;
use take::{Diverted, Whole};

/// Calls the endpoints of the gateway for one account. Clones share their connections, their limit and what they know of
/// the hosts.
#[derive(Clone, Debug)]
pub struct Client {
    account: Account,
    shared: Arc<Shared>,
}

impl Client {
    /// The gateway's own address.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.mch.weixin.qq.com";
    /// The gateway's address in another city.
    pub const DEFAULT_BACKUP_URL: &'static str = "https://api2.mch.weixin.qq.com";
    /// The longest answer that is read, in bytes. A download is as long as its sink takes it.
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

    /// Sends a request and reads its signed answer, within the client's total time-out.
    ///
    /// It is sent once, or again as the client's [`RetryPolicy`](crate::transport::RetryPolicy) allows.
    ///
    /// # Errors
    /// [`CallError`]; ask its [`outcome`](CallError::outcome) before anything is done again. It speaks for all tries: when
    /// one of them may have arrived, it is [`Outcome::Unknown`] unless a later one was answered.
    pub async fn call<E: Endpoint>(
        &self,
        request: &E,
        sign: E::Sign,
    ) -> Result<E::Response, CallError> {
        self.call_within(request, sign, self.shared.total_timeout)
            .await
    }

    /// As [`Client::call`], but within `deadline` from now instead of the client's total time-out.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_within<E: Endpoint>(
        &self,
        request: &E,
        sign: E::Sign,
        deadline: Duration,
    ) -> Result<E::Response, CallError> {
        let mut take = Whole::new(|bytes: &[u8]| parse::<E>(bytes, &self.account, sign));
        self.run(request, sign, deadline, &mut take).await
    }

    /// As [`Client::call`], for an endpoint whose answers have no sign and prove nothing.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_unsigned<E: Endpoint>(
        &self,
        request: &E,
        sign: E::Sign,
    ) -> Result<Unsigned<E::Response>, CallError> {
        let mut take = Whole::new(|bytes: &[u8]| parse_unsigned::<E>(bytes, &self.account, sign));
        self.run(request, sign, self.shared.total_timeout, &mut take)
            .await
    }

    /// Sends a request and gives back the bytes of its answer, unread: for an endpoint of one's own whose answer is not flat,
    /// or is signed in a way of its own. They prove nothing, and may be a refusal.
    ///
    /// # Errors
    /// [`CallError`], never [`CallError::Answer`].
    pub async fn call_raw<E: Endpoint>(
        &self,
        request: &E,
        sign: E::Sign,
    ) -> Result<Vec<u8>, CallError> {
        let mut take = Whole::new(|bytes: &[u8]| Ok(bytes.to_vec()));
        self.run(request, sign, self.shared.total_timeout, &mut take)
            .await
    }

    /// Downloads a text, such as a bill, into a sink, piece by piece, and says how many bytes it gave. They come as they
    /// are: perhaps gzip, perhaps with a byte order mark.
    ///
    /// It may take the client's download time-out. A refusal is an error and nothing goes to the sink; after another error
    /// the sink may hold a part. Once it does, nothing is sent again.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn download<E: Endpoint, B: BodySink>(
        &self,
        request: &E,
        sign: E::Sign,
        sink: &mut B,
    ) -> Result<u64, CallError> {
        let mut take = Diverted::new(sink, |bytes: &[u8]| parse_text::<E>(bytes).map(drop));
        self.run(request, sign, self.shared.download_timeout, &mut take)
            .await
    }
}
