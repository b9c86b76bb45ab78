//! `combinedorder`: several orders, of several merchants perhaps, paid at once.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, Naming, OnlyHmacSha256, Repeat, RequestError,
    TradeType,
    message::{Value, message},
    prepaid::{expires_after_start, way_to_pay},
    request::is_notify_url,
    sub_order::check_orders,
};
use crate::{
    BeijingTime, CodeUrl, InsertError, NotifyUrl, OpenId, Params, PrepayId, ProductId,
    SpbillCreateIp,
    text::{CombineOutTradeNo, DeviceInfo, MwebUrl, SceneInfo, SubOrderList},
};

message! {
    #[doc = include_str!("pages/combinedorder.md")]
    request CombinedOrder {
        /// The merchant's number of the whole.
        combine_out_trade_no: CombineOutTradeNo,
        /// The address of the payer or of the terminal.
        spbill_create_ip: SpbillCreateIp,
        /// Where the gateway posts the notify.
        notify_url: NotifyUrl,
        /// How it is paid.
        trade_type: CombinedTrade,
        /// Where the payment happens, with `payer_client_ip`, and for MWEB with `h5_info`.
        scene_info: SceneInfo,
        /// The orders; see [`SubOrderList::of`].
        sub_order_list: SubOrderList,
        ;
        /// The terminal or the shop.
        device_info: DeviceInfo,
        /// When the order begins.
        time_start: BeijingTime,
        /// When the order can no longer be paid; later than `time_start`.
        time_expire: BeijingTime,
    }
}

/// How a combined order is to be paid, with what that way demands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CombinedTrade {
    /// The payer scans a QR code.
    Native {
        /// The merchant's id of the goods.
        product_id: ProductId,
    },
    /// The payer pays on a page inside WeChat or in a mini program.
    Jsapi {
        /// Who pays, under `combine_appid`.
        combine_openid: OpenId,
    },
    /// The payer pays in the merchant's app.
    App,
    /// The payer pays on a page in another browser.
    Mweb,
}

impl Value for CombinedTrade {
    fn put<'a>(&'a self, params: &mut Params<'a>, field: &'static str) -> Result<(), InsertError> {
        match self {
            Self::Native { product_id } => {
                params.insert(field, "NATIVE")?;
                product_id.put(params, "product_id")
            }
            Self::Jsapi { combine_openid } => {
                params.insert(field, "JSAPI")?;
                combine_openid.put(params, "combine_openid")
            }
            Self::App => params.insert(field, "APP"),
            Self::Mweb => params.insert(field, "MWEB"),
        }
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        Ok(match fields.required(field)? {
            "NATIVE" => Self::Native {
                product_id: fields.text("product_id")?,
            },
            "JSAPI" => Self::Jsapi {
                combine_openid: Value::take(fields, "combine_openid")?,
            },
            "APP" => Self::App,
            "MWEB" => Self::Mweb,
            _ => return Err(FieldError::Unexpected { field }),
        })
    }
}

impl Endpoint for CombinedOrder {
    const NAME: &'static str = "combinedorder";
    const PATH: &'static str = "/pay/combinedorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const NAMING: Naming = Naming::COMBINE;
    type Sign = OnlyHmacSha256;
    type Response = CombinedOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        is_notify_url(&self.notify_url)?;
        expires_after_start(self.time_start, self.time_expire)?;
        self.scene_info
            .must_have("payer_client_ip", "with its part payer_client_ip")?;
        if self.trade_type == CombinedTrade::Mweb {
            self.scene_info
                .must_have("h5_info", "MWEB demands its part h5_info")?;
        }
        check_orders(&self.sub_order_list)?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<CombinedOrderResponse, FieldError> {
        let response = CombinedOrderResponse::take(answer.fields())?;
        way_to_pay(
            &response.trade_type,
            response.code_url.as_ref(),
            response.mweb_url.as_ref(),
        )?;
        Ok(response)
    }
}

message! {
    /// The answer of `/pay/combinedorder`, verified.
    answer CombinedOrderResponse {
        /// How it is to be paid.
        trade_type: TradeType,
        /// The handle of the prepared payment, valid for two hours.
        prepay_id: PrepayId,
        ;
        /// What to show as a QR code; always there when `trade_type` is NATIVE.
        code_url: CodeUrl,
        /// Where to send the payer's browser; always there when `trade_type` is MWEB.
        mweb_url: MwebUrl,
        /// The terminal or the shop, as the request gave it.
        device_info: DeviceInfo,
    }
}
