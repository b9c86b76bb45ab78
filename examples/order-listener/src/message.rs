//! The message of a payment.

use serde::Deserialize;
use thiserror::Error;
use wxpay_core::{OutTradeNo, TransactionId};

/// The longest body that is read.
pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;

/// `{"orderId":"…","transactionId":"…"}`. Fields that a later version adds are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderPay {
    pub(crate) order_id: OutTradeNo,
    pub(crate) transaction_id: TransactionId,
}

/// Why a body is no such message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unreadable {
    #[error("a body of {bytes} bytes is above the limit of {BODY_MAX_BYTES}")]
    TooLarge { bytes: usize },
    #[error("not a message of a payment: {0}")]
    Json(String),
}

impl OrderPay {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        if body.len() > BODY_MAX_BYTES {
            return Err(Unreadable::TooLarge { bytes: body.len() });
        }
        serde_json::from_slice(body).map_err(|error| Unreadable::Json(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_sound_messages_are_read() {
        let read = |text: &str| OrderPay::read(text.as_bytes());
        let message = read(r#"{"orderId":"A-1","transactionId":"42","later":1}"#).unwrap();
        assert_eq!(message.order_id.as_str(), "A-1");
        assert_eq!(message.transaction_id.as_str(), "42");
        for (text, why) in [
            ("", "EOF"),
            ("[]", "invalid"),
            (r#"{"orderId":"A-1"}"#, "transactionId"),
            (r#"{"orderId":"","transactionId":"42"}"#, "out_trade_no"),
            (r#"{"orderId":"A\n1","transactionId":"42"}"#, "out_trade_no"),
            (
                r#"{"orderId":1,"transactionId":"42"}"#,
                "expected the text of out_trade_no",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let large = vec![b' '; BODY_MAX_BYTES + 1];
        assert!(matches!(
            OrderPay::read(&large),
            Err(Unreadable::TooLarge { .. })
        ));
    }
}
