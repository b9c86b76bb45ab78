//! The reply to a notify.

use alloc::string::String;

use crate::{Params, params::is_xml_char, xml};

/// The reply to a notify. Send it with status 200 within five seconds, and success only once the payment is durable.
///
/// The gateway takes nothing but this XML for an answer: a plain `success`, JSON, an HTML page, a redirect, or one byte
/// around the XML makes it send the notify again. The reply needs no sign.
///
/// ```
/// use wxpay_core::NotifyReply;
///
/// assert_eq!(
///     NotifyReply::Success.to_xml(),
///     "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyReply<'a> {
    /// Received: the gateway stops.
    Success,
    /// Not received, and why: the gateway sends the notify again.
    Fail(&'a str),
}

impl NotifyReply<'_> {
    /// The longest reason, in bytes of UTF-8; a longer one is cut.
    pub const REASON_MAX_BYTES: usize = 128;
    /// The `Content-Type` to send it with.
    pub const CONTENT_TYPE: &'static str = "text/xml; charset=utf-8";

    /// The reply's body. Characters that XML cannot carry become blanks.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut params = Params::with_capacity(2);
        match self {
            Self::Success => {
                params.push("return_code", "SUCCESS");
                params.push("return_msg", "OK");
            }
            Self::Fail(reason) => {
                params.push("return_code", "FAIL");
                let reason = printable(reason, Self::REASON_MAX_BYTES);
                params.push("return_msg", &reason);
            }
        }
        xml::write(&params)
    }
}

/// At most `max_bytes` of a text for people, with a blank for each character that XML cannot carry.
pub(crate) fn printable(text: &str, max_bytes: usize) -> String {
    text[..text.floor_char_boundary(max_bytes)]
        .chars()
        .map(|c| if is_xml_char(c) { c } else { ' ' })
        .collect()
}
