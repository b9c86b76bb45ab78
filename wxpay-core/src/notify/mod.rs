//! The notifies: the gateway's messages that an order was paid or that money went back, and the reply to them.
//!
//! "Verified" is a type. Bytes become a [`Notify`], which tells the three kinds apart and says whom to ask for the key and
//! for the sign type. Then each kind goes its own way, since they do not prove the same:
//!
//! | notify | told by | protected by | becomes | which is |
//! |---|---|---|---|---|
//! | pay | `out_trade_no` | a sign of the order's sign type | [`PayNotify`] | proof of a payment |
//! | combined order | `combine_out_trade_no` | a sign, always HMAC-SHA256 | [`CombinedNotify`] | proof of several payments |
//! | refund | `req_info` | AES-256-ECB alone | [`RefundHint`] | a hint: ask `refundquery`, and [`RefundHint::confirm`] it |
//!
//! A notify has no time of its own and does not expire: the same bytes stay valid for ever. So the order's state decides
//! whether it means anything new, and `total_fee` and `fee_type` are compared with the order by whoever knows it. The
//! same notify may come from several hosts within seconds, so take the order's lock before its state is read. None is
//! promised to come at all: an order without one is queried.
//!
//! Until it is answered with success, the gateway sends a notify again after 15 s, 15 s, 30 s, 3 min, 10 min, 20 min, then
//! three times after 30 min, after 60 min, three times after 3 h and twice after 6 h: 24 h 4 min in all.
//!
//! # What is not here
//! V2 has no notify of its own for profit sharing. Its pages describe one, for those who receive a part, but it is JSON
//! with V3's headers, V3's RSA signature and AES-256-GCM under the V3 key; whoever shared a payment asks
//! `profitsharingquery`.

mod combined;
mod dispatch;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod pay;
mod refund;
mod refund_confirm;
mod refund_hint;
mod reply;
mod req_info;

pub use combined::{CombinedNotify, SubPayment, UnverifiedCombinedNotify};
pub use dispatch::{Handled, Hints, Notify, handle};
pub use error::NotifyError;
#[cfg(feature = "axum")]
pub use extract::{IncomingError, IncomingNotify};
pub use pay::{PayNotify, UnverifiedNotify};
pub use refund::UnverifiedRefundNotify;
pub use refund_confirm::{Agreement, ConfirmedRefund, QueriedRefund, Unconfirmed};
pub use refund_hint::RefundHint;
pub use reply::NotifyReply;
pub(crate) use reply::printable;
pub use req_info::encrypt_req_info;

use crate::{
    Account,
    api::{Fields, Naming},
};

/// Checks that a message reports success.
fn check_success(fields: Fields<'_>) -> Result<(), NotifyError> {
    for field in ["return_code", "result_code"] {
        if fields.required(field)? != "SUCCESS" {
            return Err(NotifyError::NotSuccess { field });
        }
    }
    Ok(())
}

/// Checks that a message is for the account, whatever the account's fields are called in it.
fn check_account_as(
    naming: Naming,
    fields: Fields<'_>,
    account: &Account,
) -> Result<(), NotifyError> {
    for (field, own) in [
        (naming.appid, account.appid.as_str()),
        (Some(naming.mch_id), account.mch_id.as_str()),
    ] {
        if let Some(field) = field
            && fields.required(field)? != own
        {
            return Err(NotifyError::Foreign { field });
        }
    }
    Ok(())
}

/// Checks that a message is for the account, and for the merchant that it acts for if there is one.
fn check_account(fields: Fields<'_>, account: &Account) -> Result<(), NotifyError> {
    check_account_as(Naming::ORDINARY, fields, account)?;
    let sub = account.sub_merchant();
    let named = match sub {
        Some(_) => Some(fields.required("sub_mch_id")?),
        None => fields.optional("sub_mch_id"),
    };
    if named != sub.map(|sub| sub.mch_id.as_str()) {
        return Err(NotifyError::Foreign {
            field: "sub_mch_id",
        });
    }
    // A payment under the provider's own appid has no sub_appid.
    if let (Some(given), Some(own)) = (
        fields.optional("sub_appid"),
        sub.and_then(|sub| sub.appid.as_ref()),
    ) && given != own.as_str()
    {
        return Err(NotifyError::Foreign { field: "sub_appid" });
    }
    Ok(())
}
