//! The ways to pay a prepared order.

use super::{FieldError, Fields, Payer, RequestError, TradeType, message::Value};
use crate::{InsertError, Params, ProductId, text::SceneInfo};

/// How an order is to be paid, with what that way demands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trade {
    /// The payer scans a QR code of the answer's `code_url`.
    Native {
        /// The merchant's id of the goods, which this way demands.
        product_id: ProductId,
    },
    /// The payer pays on a page inside WeChat or in a mini program.
    Jsapi {
        /// Who pays, which this way demands.
        payer: Payer,
    },
    /// The payer pays in the merchant's app.
    App,
    /// The payer pays on a page in another browser, sent there by the answer's `mweb_url`.
    Mweb {
        /// Where the page stands, with `h5_info`, which this way demands.
        scene_info: SceneInfo,
    },
}

impl Trade {
    /// The value of the field `trade_type`.
    #[must_use]
    pub const fn trade_type(&self) -> TradeType {
        match self {
            Self::Native { .. } => TradeType::Native,
            Self::Jsapi { .. } => TradeType::Jsapi,
            Self::App => TradeType::App,
            Self::Mweb { .. } => TradeType::Mweb,
        }
    }

    pub(super) fn check(&self) -> Result<(), RequestError> {
        match self {
            Self::Mweb { scene_info } => {
                scene_info.must_have("h5_info", "MWEB demands its part h5_info")
            }
            _ => Ok(()),
        }
    }
}

impl Value for Trade {
    fn put<'a>(&'a self, params: &mut Params<'a>, field: &'static str) -> Result<(), InsertError> {
        let text = match self {
            Self::Native { .. } => "NATIVE",
            Self::Jsapi { .. } => "JSAPI",
            Self::App => "APP",
            Self::Mweb { .. } => "MWEB",
        };
        params.insert_known(field, text)?;
        match self {
            Self::Native { product_id } => product_id.put(params, "product_id"),
            Self::Jsapi { payer } => payer.put(params, "openid"),
            Self::App => Ok(()),
            Self::Mweb { scene_info } => scene_info.put(params, "scene_info"),
        }
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        Ok(match fields.required(field)? {
            "NATIVE" => Self::Native {
                product_id: fields.text("product_id")?,
            },
            "JSAPI" => Self::Jsapi {
                payer: Value::take(fields, "openid")?,
            },
            "APP" => Self::App,
            "MWEB" => Self::Mweb {
                scene_info: fields.text("scene_info")?,
            },
            _ => return Err(FieldError::Unexpected { field }),
        })
    }
}
