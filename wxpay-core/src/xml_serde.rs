//! serde for endpoints of one's own: from fields, and from answers that are not flat.
//!
//! [`from_params`] reads the fields of an answer as a type with `Deserialize`. In [`Endpoint::read`] the fields are those of
//! an [`Answer`], which are verified where the endpoint's answers are signed:
//!
//! ```
//! use serde::Deserialize;
//! use wxpay_core::{
//!     Account, BeijingTime, FeeType, Params, SignType,
//!     api::{self, Answer, AnswerKind, Endpoint, FieldError, Repeat, RequestError},
//!     sign, xml, xml_serde,
//! };
//!
//! /// Asks for a rate of exchange.
//! struct RateQuery {
//!     fee_type: FeeType,
//! }
//!
//! #[derive(Debug, Deserialize)]
//! struct Rate {
//!     fee_type: FeeType,
//!     rate: u64,
//!     #[serde(deserialize_with = "xml_serde::time")]
//!     rate_time: BeijingTime,
//!     /// Missing, or empty on the wire.
//!     remark: Option<String>,
//! }
//!
//! impl Endpoint for RateQuery {
//!     const NAME: &'static str = "queryrate";
//!     const PATH: &'static str = "/pay/queryrate";
//!     const NEEDS_CERT: bool = false;
//!     const ANSWER: AnswerKind = AnswerKind::Signed;
//!     const REPEAT: Repeat = Repeat::Safe;
//!     type Sign = SignType;
//!     type Response = Rate;
//!
//!     fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
//!         Ok(params.insert("fee_type", self.fee_type.as_str())?)
//!     }
//!
//!     fn read(answer: &Answer<'_>) -> Result<Rate, FieldError> {
//!         xml_serde::from_params(answer.params())
//!     }
//! }
//!
//! # #[cfg(feature = "client")]
//! async fn ask(client: &wxpay_core::client::Client) -> Result<Rate, wxpay_core::client::CallError> {
//!     let query = RateQuery { fee_type: "USD".parse().expect("a currency") };
//!     client.call(&query, SignType::HmacSha256).await
//! }
//!
//! // The same without the client: the answer is verified, and then read.
//! let account = Account::new(
//!     "wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, "192006250b4c09247ec02edce69f6a2d".parse()?,
//! );
//! let mut said = Params::new();
//! for (name, value) in [
//!     ("return_code", "SUCCESS"), ("result_code", "SUCCESS"), ("appid", "wxd930ea5d5a258f4f"), ("mch_id", "10000100"),
//!     ("fee_type", "USD"), ("rate", "655300000"), ("rate_time", "20260101100000"), ("remark", ""),
//! ] {
//!     said.insert(name, value)?;
//! }
//! let said = xml::write(&sign::signed(said, account.key(), SignType::HmacSha256));
//! let rate = api::parse::<RateQuery>(said.as_bytes(), &account, SignType::HmacSha256)?;
//! assert_eq!((rate.rate, rate.remark), (655_300_000, None));
//! # assert_eq!(rate.fee_type.as_str(), "USD");
//! # assert_eq!(rate.rate_time.rfc3339().to_string(), "2026-01-01T10:00:00+08:00");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `quick-xml`, [`from_bytes`] reads an answer that is not flat. No sign covers such an answer, so what
//! it says is not proven.
//!
//! [`Endpoint::read`]: crate::api::Endpoint::read
//! [`Answer`]: crate::api::Answer

#[cfg(feature = "quick-xml")]
mod nested;
mod params;

#[cfg(feature = "quick-xml")]
pub use nested::{XmlSerdeError, from_bytes};
pub use params::from_params;

use alloc::string::String;

use serde::{Deserialize, Deserializer, de::Error};

use crate::BeijingTime;

/// Reads a time of the form `yyyyMMddHHmmss`, for `#[serde(deserialize_with = "wxpay_core::xml_serde::time")]`. Without it
/// [`BeijingTime`] is a number of seconds to serde, which no field of the API is.
///
/// # Errors
/// The deserializer's, when the text is no such time.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BeijingTime, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

/// As [`time`], for a field that may be missing; it needs `#[serde(default)]` beside it.
///
/// # Errors
/// The deserializer's, when the text is no such time.
pub fn optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BeijingTime>, D::Error> {
    time(deserializer).map(Some)
}
