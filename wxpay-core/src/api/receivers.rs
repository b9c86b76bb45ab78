//! Who gets a part of a payment: the JSON text of `receivers`.

use super::{RequestError, request::at_least_a_fen, rule};
use crate::{
    Fen, MchId, OpenId, TextError,
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
