//! Who pays on a page inside WeChat.

use super::{FieldError, Fields, message::Value};
use crate::{InsertError, OpenId, Params};

/// The payer of a JSAPI order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// Known under the account's `appid`: the field `openid`.
    OpenId(OpenId),
    /// Known under the `sub_appid` of a service provider's merchant: the field `sub_openid`.
    SubOpenId(OpenId),
}

impl Value for Payer {
    fn put<'a>(&'a self, params: &mut Params<'a>, _field: &'static str) -> Result<(), InsertError> {
        match self {
            Self::OpenId(id) => params.insert("openid", id.as_str()),
            Self::SubOpenId(id) => params.insert("sub_openid", id.as_str()),
        }
    }

    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        Ok(match fields.optional_text("sub_openid")? {
            Some(id) => Self::SubOpenId(id),
            None => Self::OpenId(fields.text("openid")?),
        })
    }
}
