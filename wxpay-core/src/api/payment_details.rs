//! What else an answer or a notify says of a payment.

use alloc::string::String;

use super::{Fields, message::Value};
use crate::{FeeType, Fen, Params, text::DeviceInfo};

/// The fields of a payment that decide nothing, read only when they are asked for: [`Payment`](super::Payment) has the rest.
///
/// ```
/// use wxpay_core::{PayNotify, api::PaymentDetails};
///
/// fn follows(notify: &PayNotify) -> bool {
///     PaymentDetails::of(notify.params()).is_subscribe == Some(true)
/// }
/// ```
///
/// One that does not fit its type is left out, and can still be read from the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentDetails {
    /// The terminal or the shop.
    pub device_info: Option<DeviceInfo>,
    /// Whether the payer follows the account; always no in the newest edition of the API.
    pub is_subscribe: Option<bool>,
    /// Whether the payer follows the account of a service provider's merchant.
    pub sub_is_subscribe: Option<bool>,
    /// The currency of `cash_fee`.
    pub cash_fee_type: Option<FeeType>,
    /// How many coupons were used.
    pub coupon_count: Option<u32>,
    /// The discounts, as JSON text.
    pub promotion_detail: Option<String>,
    /// What was taken of a deposit, in fen.
    pub consume_fee: Option<Fen>,
}

impl PaymentDetails {
    /// Reads them from the fields of a message: of a [`PayNotify`](crate::PayNotify), or of the
    /// [`Verified`](super::Verified) answer of a query or of micropay.
    #[must_use]
    pub fn of(params: &Params<'_>) -> Self {
        fn read<T>(params: &Params<'_>, field: &'static str) -> Option<T>
        where
            Option<T>: Value,
        {
            Value::take(Fields(params), field).unwrap_or_default()
        }
        Self {
            device_info: read(params, "device_info"),
            is_subscribe: read(params, "is_subscribe"),
            sub_is_subscribe: read(params, "sub_is_subscribe"),
            cash_fee_type: read(params, "cash_fee_type"),
            coupon_count: read(params, "coupon_count"),
            promotion_detail: read(params, "promotion_detail"),
            consume_fee: read(params, "consume_fee"),
        }
    }
}
