//! What a program may see of its calls: figures for its metrics, and the masked exchange for its audit log.

use core::{fmt, time::Duration};
use std::{string::String, sync::Arc};

use super::{CallError, Outcome};
use crate::{Params, XmlError, xml};

/// Hears of every call that has ended, for metrics. A closure over `&CallReport` is one.
///
/// It is called on the call's own task, so it must not block.
pub trait Observe: Send + Sync {
    /// A call has ended, after all its tries.
    fn call_ended(&self, report: &CallReport<'_>);
}

impl<F: Fn(&CallReport<'_>) + Send + Sync> Observe for F {
    fn call_ended(&self, report: &CallReport<'_>) {
        self(report);
    }
}

/// How a call went. It holds no key, no field of the message, and no path.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallReport<'a> {
    /// The endpoint's name, such as `orderquery`.
    pub endpoint: &'static str,
    /// The host of the last try, without scheme, port and path; empty when there was no try.
    pub host: &'a str,
    /// What is known of the request.
    pub outcome: Outcome,
    /// Why there is no typed answer; none when there is one.
    pub error: Option<&'a CallError>,
    /// How long it took, waiting for a place and between tries included.
    pub duration: Duration,
    /// How often it was sent again: one less than its tries.
    pub retries: u32,
}

/// Gets every exchange with the gateway, masked, for an audit log. A closure over `&Exchange` is one.
///
/// It is called on the call's own task, so it must not block.
pub trait Audit: Send + Sync {
    /// One request was sent, or was to be sent, and this came back.
    fn exchanged(&self, exchange: &Exchange<'_>);
}

impl<F: Fn(&Exchange<'_>) + Send + Sync> Audit for F {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        self(exchange);
    }
}

/// One request and what came back, in full but for what is masked: signs, keys, payment codes, who the payer is, and
/// secret addresses stand as `…`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// The endpoint's name.
    pub endpoint: &'static str,
    /// The host, without scheme, port and path.
    pub host: &'a str,
    /// Which try of its call this is, counted from 1.
    pub attempt: u32,
    /// The request's fields, masked.
    pub request: &'a Message,
    /// The HTTP status; none when no answer came.
    pub http_status: Option<u16>,
    /// The answer, masked; none when no whole answer came.
    pub response: Option<&'a Message>,
}

/// A message as an audit log may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each call that is audited, and nearly all hold fields"
)]
pub enum Message {
    /// Its fields, masked.
    Fields(Params<'static>),
    /// It is none of fields, such as a bill or a proxy's page, and is not shown.
    Opaque {
        /// Its length.
        bytes: usize,
        /// Why it is no message of fields.
        reason: XmlError,
    },
}

impl Message {
    /// The fields of a message with secrets and persons masked.
    pub(super) fn masked(bytes: &[u8]) -> Self {
        match xml::read(bytes) {
            Ok(params) => Self::Fields(mask(&params)),
            Err(reason) => Self::Opaque {
                bytes: bytes.len(),
                reason,
            },
        }
    }
}

/// What stands for a masked value.
const MASK: &str = "…";

/// Fields that are masked besides those whose names tell: who is paid, what proves, what pays, and where secrets lead.
const MASKED: [&str; 16] = [
    "auth_code",
    "attach",
    "desc",
    "enc_bank_no",
    "enc_true_name",
    "nonce_str",
    "notify_url",
    "paySign",
    "re_user_name",
    "receiver",
    "receivers",
    "req_info",
    "sign",
    "token",
    "user_creid",
    "user_truename",
];

fn mask(params: &Params<'_>) -> Params<'static> {
    let mut masked = Params::new();
    for (name, value) in params.iter() {
        let value = if is_masked(name) && !value.is_empty() {
            MASK
        } else {
            value
        };
        // Names and values of a list that was read are taken again.
        let _ = masked.insert(String::from(name), String::from(value));
    }
    masked
}

fn is_masked(name: &str) -> bool {
    MASKED.contains(&name)
        || ["openid", "key", "secret", "password"]
            .iter()
            .any(|part| name.contains(part))
}

/// The program's ears.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) observe: Option<Arc<dyn Observe>>,
    pub(super) audit: Option<Arc<dyn Audit>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("observe", &self.observe.is_some())
            .field("audit", &self.audit.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_secrets_and_persons_and_nothing_else() {
        let bytes = b"<xml><openid>o1</openid><sub_openid>o2</sub_openid><sign>S</sign><sign_type>MD5</sign_type>\
            <auth_code>134567890123456789</auth_code><sandbox_signkey>K</sandbox_signkey><total_fee>1</total_fee>\
            <notify_url>https://example.com/s3cr3t</notify_url><req_info></req_info><unknown>u</unknown></xml>";
        let Message::Fields(fields) = Message::masked(bytes) else {
            panic!("these are fields");
        };
        for name in [
            "openid",
            "sub_openid",
            "sign",
            "auth_code",
            "sandbox_signkey",
            "notify_url",
        ] {
            assert_eq!(fields.get(name), Some(MASK), "{name}");
        }
        for (name, value) in [
            ("sign_type", "MD5"),
            ("total_fee", "1"),
            ("req_info", ""),
            ("unknown", "u"),
        ] {
            assert_eq!(fields.get(name), Some(value));
        }
        let page = b"<!DOCTYPE html><html>openid=o1</html>";
        let opaque = Message::masked(page);
        assert_eq!(
            opaque,
            Message::Opaque {
                bytes: page.len(),
                reason: XmlError::Html
            }
        );
    }
}
