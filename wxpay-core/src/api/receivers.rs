//! Who gets a part of a payment, and who got it: the JSON text of `receivers`.

use alloc::{string::String, vec::Vec};

use super::{
    FieldError, Item, ProfitSharingQueryResponse, RequestError, list::read_list,
    message::open_enum, request::at_least_a_fen, rule,
};
use crate::{
    BeijingTime, Fen, MchId, OpenId, TextError,
    json::{self, Json, Value},
    text::{ReUserName, Receivers, SharingDescription},
};

/// One who gets a part, by the kind of account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiverAccount {
    /// A merchant.
    Merchant(MchId),
    /// A person, known under the account's `appid`.
    OpenId(OpenId),
    /// A person, known under the `sub_appid`.
    SubOpenId(OpenId),
}

impl ReceiverAccount {
    pub(super) fn put(&self, json: &mut Json) {
        let (kind, account) = match self {
            Self::Merchant(id) => ("MERCHANT_ID", id.as_str()),
            Self::OpenId(id) => ("PERSONAL_OPENID", id.as_str()),
            Self::SubOpenId(id) => ("PERSONAL_SUB_OPENID", id.as_str()),
        };
        json.text("type", kind).text("account", account);
    }

    fn read(item: Item<'_>) -> Result<Self, FieldError> {
        const FIELD: &str = "account";
        Ok(match &*item.required::<String>("type")? {
            "MERCHANT_ID" => Self::Merchant(item.required(FIELD)?),
            "PERSONAL_OPENID" => Self::OpenId(item.required(FIELD)?),
            "PERSONAL_SUB_OPENID" => Self::SubOpenId(item.required(FIELD)?),
            _ => return Err(FieldError::Unexpected { field: "type" }),
        })
    }
}

/// One part of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who gets it.
    pub account: ReceiverAccount,
    /// How much.
    pub amount: Fen,
    /// What for.
    pub description: SharingDescription,
    /// The person's name, if the gateway is to compare it.
    pub name: Option<ReUserName>,
}

impl Receivers {
    /// The parts as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn of(shares: &[Share]) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('[');
        for share in shares {
            json.open('{');
            share.account.put(&mut json);
            json.number("amount", share.amount.get())
                .text("description", share.description.as_str())
                .optional("name", share.name.as_ref().map(ReUserName::as_str))
                .close('}');
        }
        json.close(']').as_str().parse()
    }
}

/// The rules between the parts: there is one, and each is of something.
pub(super) fn check_receivers(receivers: &Receivers) -> Result<(), RequestError> {
    const FIELD: &str = Receivers::FIELD;
    let list = json::parse(receivers.as_str());
    let parts = list.as_ref().and_then(Value::as_list).unwrap_or_default();
    rule(!parts.is_empty(), FIELD, "a JSON list of at least one part")?;
    for part in parts {
        let amount = part.get("amount").and_then(Value::as_text);
        let amount: Option<Fen> = amount.and_then(|amount| amount.parse().ok());
        let amount = amount.ok_or(RequestError::Rule {
            field: FIELD,
            rule: "each part with its amount",
        })?;
        at_least_a_fen(amount, FIELD)?;
    }
    Ok(())
}

/// One part of a sharing, as a query says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedPart {
    /// Who gets it.
    pub account: ReceiverAccount,
    /// How much.
    pub amount: Fen,
    /// What became of it; none while the answer says nothing.
    pub result: Option<PartResult>,
    /// When it was done.
    pub finish_time: Option<BeijingTime>,
    /// Why it came to nothing.
    pub fail_reason: Option<String>,
}

open_enum! {
    /// What became of one part of a sharing.
    PartResult {
        /// It is on its way.
        Pending = "PENDING",
        /// The receiver has it.
        Success = "SUCCESS",
        /// It went back to the merchant.
        Closed = "CLOSED",
    }
}

impl ProfitSharingQueryResponse {
    /// The parts of the list: none where the answer has none, as after a finish.
    ///
    /// # Errors
    /// [`FieldError`] when the text is no such list.
    pub fn parts(&self) -> Result<Vec<SharedPart>, FieldError> {
        let Some(receivers) = &self.receivers else {
            return Ok(Vec::new());
        };
        read_list(receivers, Receivers::FIELD, |part| {
            Ok(SharedPart {
                account: ReceiverAccount::read(part)?,
                amount: part.required("amount")?,
                result: part.optional("result")?,
                finish_time: part.informs("finish_time"),
                fail_reason: part.informs("fail_reason"),
            })
        })
    }
}
