//! `combinedorder`: several orders, of several merchants perhaps, paid at once.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, Naming, OnlyHmacSha256, Repeat, RequestError,
    TradeType,
    json::Json,
    message::{Value, message},
    request::is_notify_url,
    rule,
};
use crate::{
    AppId, Attach, BeijingTime, Body, CodeUrl, FeeType, Fen, InsertError, MchId, NotifyUrl, OpenId,
    OutTradeNo, Params, PrepayId, ProductId, SpbillCreateIp, TextError,
    text::{CombineOutTradeNo, Detail, DeviceInfo, MwebUrl, SceneInfo, SubOrderList},
};

message! {
    /// A request to `/pay/combinedorder`. The account is the one that combines: `combine_appid` and `combine_mch_id`.
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

/// One order of a combined order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubOrder {
    /// The public id that the merchant is bound to.
    pub appid: AppId,
    /// The merchant who is paid.
    pub mch_id: MchId,
    /// That merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// What the payer is shown as the thing paid for.
    pub body: Body,
    /// The merchant's own text.
    pub attach: Attach,
    /// The amount, at least one fen.
    pub total_fee: Fen,
    /// The currency.
    pub fee_type: FeeType,
    /// The goods.
    pub detail: Option<Detail>,
    /// A service provider's merchant, who is paid.
    pub sub_mch_id: Option<MchId>,
    /// That merchant's own public id.
    pub sub_appid: Option<AppId>,
}

impl SubOrderList {
    /// The orders as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn of(orders: &[SubOrder]) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{').number("order_num", orders.len() as u64);
        json.key("order_list").open('[');
        for order in orders {
            json.open('{')
                .text("appid", order.appid.as_str())
                .text("mch_id", order.mch_id.as_str())
                .text("out_trade_no", order.out_trade_no.as_str())
                .text("body", order.body.as_str())
                .text("attach", order.attach.as_str())
                .number("total_fee", order.total_fee.get())
                .text("fee_type", order.fee_type.as_str())
                .optional("detail", order.detail.as_ref().map(Detail::as_str))
                .optional("sub_mch_id", order.sub_mch_id.as_ref().map(MchId::as_str))
                .optional("sub_appid", order.sub_appid.as_ref().map(AppId::as_str))
                .close('}');
        }
        json.close(']').close('}').as_str().parse()
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
        if let (Some(start), Some(expire)) = (self.time_start, self.time_expire)
            && expire <= start
        {
            return Err(RequestError::ExpiresBeforeStart);
        }
        let scene = self.scene_info.as_str();
        rule(
            scene.contains("\"payer_client_ip\""),
            "scene_info",
            "with its part payer_client_ip",
        )?;
        rule(
            self.trade_type != CombinedTrade::Mweb || scene.contains("\"h5_info\""),
            "scene_info",
            "MWEB demands its part h5_info",
        )?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<CombinedOrderResponse, FieldError> {
        let response = CombinedOrderResponse::take(answer.fields())?;
        match response.trade_type {
            TradeType::Native if response.code_url.is_none() => {
                Err(FieldError::Missing { field: "code_url" })
            }
            TradeType::Mweb if response.mweb_url.is_none() => {
                Err(FieldError::Missing { field: "mweb_url" })
            }
            _ => Ok(response),
        }
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
    }
}
