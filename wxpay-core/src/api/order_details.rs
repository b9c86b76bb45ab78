//! The less common fields of an order.

use super::{FieldError, Fields, RequestError, Trade, message::Value};
use crate::{
    Params, ProductId,
    text::{Detail, DeviceInfo, GoodsTag, LimitPay, SceneInfo, UserCreid, UserTruename, UserType},
};

/// The less common fields of an order; the default has none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderDetails {
    /// The terminal or the shop; `WEB` for pages.
    pub device_info: Option<DeviceInfo>,
    /// The goods, for promotions of single goods. It makes the field `version` be sent, which such orders need.
    pub detail: Option<Detail>,
    /// A tag that coupons ask for.
    pub goods_tag: Option<GoodsTag>,
    /// The id of the goods, where the way of paying does not demand one.
    pub product_id: Option<ProductId>,
    /// A way of paying that is ruled out, such as `no_credit`.
    pub limit_pay: Option<LimitPay>,
    /// Whether the payer can ask for an invoice.
    pub receipt: Option<bool>,
    /// Whether the money is kept for sharing.
    pub profit_sharing: Option<bool>,
    /// Where the payment happens, where the way of paying does not demand it.
    pub scene_info: Option<SceneInfo>,
    /// The named payer, all three fields of whom go together.
    pub named_payer: Option<NamedPayer>,
}

/// The one who must be the payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPayer {
    /// The kind of identity document.
    pub user_type: UserType,
    /// The document's number.
    pub user_creid: UserCreid,
    /// The name.
    pub user_truename: UserTruename,
}

impl OrderDetails {
    pub(super) fn put<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        if self.detail.is_some() {
            params.insert("version", "1.0")?;
        }
        self.device_info.put(params, "device_info")?;
        self.detail.put(params, "detail")?;
        self.goods_tag.put(params, "goods_tag")?;
        self.product_id.put(params, "product_id")?;
        self.limit_pay.put(params, "limit_pay")?;
        self.receipt.put(params, "receipt")?;
        self.profit_sharing.put(params, "profit_sharing")?;
        self.scene_info.put(params, "scene_info")?;
        if let Some(payer) = &self.named_payer {
            payer.user_type.put(params, "user_type")?;
            payer.user_creid.put(params, "user_creid")?;
            payer.user_truename.put(params, "user_truename")?;
        }
        Ok(())
    }

    pub(super) fn take(fields: Fields<'_>, trade: &Trade) -> Result<Self, FieldError> {
        let named_payer = match fields.optional("user_type") {
            None => None,
            Some(_) => Some(NamedPayer {
                user_type: fields.text("user_type")?,
                user_creid: fields.text("user_creid")?,
                user_truename: fields.text("user_truename")?,
            }),
        };
        Ok(Self {
            device_info: fields.optional_text("device_info")?,
            detail: fields.optional_text("detail")?,
            goods_tag: fields.optional_text("goods_tag")?,
            product_id: match trade {
                Trade::Native { .. } => None,
                _ => fields.optional_text("product_id")?,
            },
            limit_pay: fields.optional_text("limit_pay")?,
            receipt: Value::take(fields, "receipt")?,
            profit_sharing: Value::take(fields, "profit_sharing")?,
            scene_info: match trade {
                Trade::Mweb { .. } => None,
                _ => fields.optional_text("scene_info")?,
            },
            named_payer,
        })
    }
}
