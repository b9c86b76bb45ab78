//! `gethbinfo`: ask the gateway what became of a red packet.

use alloc::{borrow::Cow, string::String, vec::Vec};

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, OnlyMd5, Repeat, RequestError,
    message::{Value, message, open_enum},
};
use crate::{
    Fen, OpenId, Params,
    text::{ActName, MchBillno, Remark, Wishing},
    xml::{self, Limits},
};

message! {
    #[doc = include_str!("pages/gethbinfo.md")]
    request RedPackQuery {
        /// Which red packet.
        mch_billno: MchBillno,
    }
}

impl Endpoint for RedPackQuery {
    const NAME: &'static str = "gethbinfo";
    const PATH: &'static str = "/mmpaymkttransfers/gethbinfo";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::Safe;
    type Sign = OnlyMd5;
    type Response = RedPackQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.insert("bill_type", "MCHT")?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<RedPackQueryResponse, FieldError> {
        RedPackQueryResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/mmpaymkttransfers/gethbinfo`.
    answer RedPackQueryResponse {
        /// The merchant's number of the red packet.
        mch_billno: MchBillno,
        /// What became of it.
        status: RedPackStatus,
        /// Who took it: the part `hblist`, the only one of the API that is nested.
        hblist: Vec<RedPackTaken>,
        ;
        /// The gateway's number of the red packet.
        detail_id: String,
        /// How it was sent: `API`, `UPLOAD` or `ACTIVITY`.
        send_type: String,
        /// For one payee or for a group: `NORMAL` or `GROUP`.
        hb_type: String,
        /// For how many.
        total_num: u32,
        /// How much.
        total_amount: Fen,
        /// Why it failed.
        reason: String,
        /// When it was sent, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        send_time: String,
        /// When it came back, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        refund_time: String,
        /// What came back.
        refund_amount: Fen,
        /// The wish.
        wishing: Wishing,
        /// The remark.
        remark: Remark,
        /// The occasion.
        act_name: ActName,
    }
}

open_enum! {
    /// What became of a red packet.
    RedPackStatus {
        /// It is being sent.
        Sending = "SENDING",
        /// It is sent and waits.
        Sent = "SENT",
        /// It failed.
        Failed = "FAILED",
        /// The payee took it.
        Received = "RECEIVED",
        /// It is on its way back; spelt so on the wire.
        Refunding = "RFUND_ING",
        /// It came back: nobody took it.
        Refund = "REFUND",
    }
}

/// One who took a red packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedPackTaken {
    /// Who.
    pub openid: OpenId,
    /// How much.
    pub amount: Fen,
    /// When, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
    pub rcv_time: Option<String>,
}

const LIST: &str = "hblist";
const OPEN: &[u8] = b"<hblist>";
const CLOSE: &[u8] = b"</hblist>";
const ITEM_OPEN: &[u8] = b"<hbinfo>";
const ITEM_CLOSE: &[u8] = b"</hbinfo>";
const CDATA_OPEN: &[u8] = b"<![CDATA[";
const CDATA_CLOSE: &[u8] = b"]]>";

impl Value for Vec<RedPackTaken> {
    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        let unexpected = FieldError::Unexpected { field };
        let mut rest = fields.optional(field).unwrap_or_default().as_bytes();
        let mut taken = Self::new();
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return Ok(taken);
            }
            let end = find(rest, ITEM_CLOSE).ok_or(unexpected)? + ITEM_CLOSE.len();
            let (item, tail) = rest.split_at(end);
            if !item.starts_with(ITEM_OPEN) {
                return Err(unexpected);
            }
            let params =
                xml::read_with(item, "hbinfo", &Limits::DEFAULT).map_err(|_| unexpected)?;
            let item = Fields(&params);
            taken.push(RedPackTaken {
                openid: item.text("openid")?,
                amount: item.fen("amount")?,
                rcv_time: item.optional("rcv_time").map(String::from),
            });
            rest = tail;
        }
    }
}

/// Where `needle` begins outside CDATA sections.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(needle) {
            return Some(at);
        }
        at += if rest.starts_with(CDATA_OPEN) {
            memchr::memmem::find(rest, CDATA_CLOSE)? + CDATA_CLOSE.len()
        } else {
            1
        };
    }
    None
}

/// The message with what stands in `hblist` as that field's text, markup and all, so that the message is flat.
pub(super) fn flat(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(start) = find(bytes, OPEN).map(|at| at + OPEN.len()) else {
        return bytes.into();
    };
    let Some(end) = find(&bytes[start..], CLOSE).map(|length| start + length) else {
        return bytes.into();
    };
    let mut flat = Vec::with_capacity(bytes.len() + 64);
    flat.extend_from_slice(&bytes[..start]);
    for &byte in &bytes[start..end] {
        match byte {
            b'<' => flat.extend_from_slice(b"&lt;"),
            b'>' => flat.extend_from_slice(b"&gt;"),
            b'&' => flat.extend_from_slice(b"&amp;"),
            byte => flat.push(byte),
        }
    }
    flat.extend_from_slice(&bytes[end..]);
    flat.into()
}

/// Whether a flat message has the list: it is not known what a sign over it would be made of.
pub(super) fn has_list(fields: Fields<'_>) -> bool {
    fields.optional(LIST).is_some()
}
