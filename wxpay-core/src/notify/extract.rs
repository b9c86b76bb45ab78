//! Notifies in axum: an extractor, and the reply as a response.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Notify, NotifyError, NotifyReply};
use crate::xml::Limits;

/// A notify that was posted: its bytes, and what they say. An axum extractor, to stand last among a handler's arguments.
///
/// It takes `text/xml` and `application/xml`, or no content type at all, and at most 64 KiB; the limits of the router do
/// not matter. What it refuses is answered with the gateway's own FAIL in XML, see [`IncomingError`].
///
/// ```
/// use wxpay_core::{Account, NotifyError, NotifyReply, SignType, notify::{Handled, IncomingNotify}};
/// # async fn find(_: &wxpay_core::notify::Hints) -> Option<(Account, SignType)> { None }
///
/// async fn notify(incoming: IncomingNotify) -> Result<NotifyReply<'static>, NotifyError> {
///     let hints = incoming.notify.hints()?;
///     let (account, sign_type) = find(&hints).await.ok_or(NotifyError::Unknown)?;
///     match incoming.notify.open(&account, sign_type)? {
///         Handled::Pay(paid) => println!("paid: {}", paid.payment().out_trade_no),
///         Handled::Combined(paid) => println!("{} orders paid", paid.sub_orders().len()),
///         Handled::Refund(hint) => println!("ask refundquery for {}", hint.out_refund_no),
///     }
///     // Once it is stored:
///     Ok(NotifyReply::Success)
/// }
/// let app: axum::Router = axum::Router::new().route("/wxpay/notify", axum::routing::post(notify));
/// ```
#[derive(Clone, Debug)]
pub struct IncomingNotify {
    /// The body, byte for byte as it came, for the record.
    pub bytes: Bytes,
    /// What it says: not verified.
    pub notify: Notify<'static>,
}

impl IncomingNotify {
    /// The longest body that is taken, in bytes.
    pub const MAX_BYTES: usize = Limits::DEFAULT.max_bytes;
}

impl<S: Send + Sync> FromRequest<S> for IncomingNotify {
    type Rejection = IncomingError;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, IncomingError> {
        if let Some(content_type) = request.headers().get(header::CONTENT_TYPE) {
            let essence = content_type
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default()
                .trim();
            if !["text/xml", "application/xml"]
                .iter()
                .any(|xml| essence.eq_ignore_ascii_case(xml))
            {
                return Err(IncomingError::ContentType);
            }
        }
        DefaultBodyLimit::max(Self::MAX_BYTES).apply(&mut request);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| {
                if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    IncomingError::TooLarge
                } else {
                    IncomingError::Body
                }
            })?;
        let notify = Notify::parse(&bytes)?.into_owned();
        Ok(Self { bytes, notify })
    }
}

/// Why a request brought no notify. As a response it is FAIL in XML, with the status given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncomingError {
    /// The body is said to be no XML: 415.
    #[error("the notify's content type is not text/xml or application/xml")]
    ContentType,
    /// The body is longer than [`IncomingNotify::MAX_BYTES`]: 413.
    #[error("the notify is longer than {} bytes", IncomingNotify::MAX_BYTES)]
    TooLarge,
    /// The body did not arrive whole: 400.
    #[error("the notify did not arrive whole")]
    Body,
    /// The body is no notify: 400.
    #[error(transparent)]
    Notify(#[from] NotifyError),
}

impl IntoResponse for IncomingError {
    fn into_response(self) -> Response {
        let (status, reply) = match &self {
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                NotifyReply::Fail("not XML"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                NotifyReply::Fail("too large"),
            ),
            Self::Body => (StatusCode::BAD_REQUEST, NotifyReply::Fail("cut off")),
            Self::Notify(error) => (StatusCode::BAD_REQUEST, error.reply()),
        };
        (status, reply).into_response()
    }
}

/// The XML with status 200.
impl IntoResponse for NotifyReply<'_> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, Self::CONTENT_TYPE)], self.to_xml()).into_response()
    }
}

/// [`NotifyError::reply`], with status 200.
impl IntoResponse for NotifyError {
    fn into_response(self) -> Response {
        self.reply().into_response()
    }
}
