//! A pay notify as the gateway sent it, and the API key of its account, which is a public course's.

use wxpay_core::{
    ApiKey, SignType,
    in_place::{Field, Message},
};

/// The body of the notify.
pub const NOTIFY: &[u8] =
    include_bytes!("../../../wxpay-core/tests/corpora/xml/recorded_notify.xml");

/// The key that it was signed with.
pub const KEY: &[u8; ApiKey::LEN] = b"T6m9iK73b0kn9g5v426MKfHQH7X8rKwb";

/// Whether the notify is genuine and says that `total_fee` was paid for `out_trade_no`. It needs no heap.
#[inline(never)]
pub fn is_paid(body: &[u8], keys: &[ApiKey], out_trade_no: &str, total_fee: &str) -> bool {
    let mut fields = [Field::EMPTY; 20];
    let Ok(message) = Message::read(body, &mut fields, &mut []) else {
        return false;
    };
    // This machine signs its orders with MD5, so their notifies are.
    let Ok(notify) = message.verify(keys, SignType::Md5) else {
        return false;
    };
    [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("out_trade_no", out_trade_no),
        ("total_fee", total_fee),
    ]
    .iter()
    .all(|&(name, value)| notify.get(name) == Some(value))
}
