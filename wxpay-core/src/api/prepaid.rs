//! What all orders have in common that are prepared first and paid later.

use super::{FieldError, RequestError, TradeType};
use crate::{BeijingTime, CodeUrl, text::MwebUrl};

/// Refuses an order that expires before it begins.
pub(super) fn expires_after_start(
    time_start: Option<BeijingTime>,
    time_expire: Option<BeijingTime>,
) -> Result<(), RequestError> {
    match (time_start, time_expire) {
        (Some(start), Some(expire)) if expire <= start => Err(RequestError::ExpiresBeforeStart),
        _ => Ok(()),
    }
}

/// Refuses an answer that lacks what the payer needs next.
pub(super) fn way_to_pay(
    trade_type: &TradeType,
    code_url: Option<&CodeUrl>,
    mweb_url: Option<&MwebUrl>,
) -> Result<(), FieldError> {
    let field = match trade_type {
        TradeType::Native if code_url.is_none() => "code_url",
        TradeType::Mweb if mweb_url.is_none() => "mweb_url",
        _ => return Ok(()),
    };
    Err(FieldError::Missing { field })
}
