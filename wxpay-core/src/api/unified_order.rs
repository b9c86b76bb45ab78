//! `unifiedorder`: prepare a payment, and get the code that the payer scans.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, Repeat, RequestError, SubMerchantFields,
    Trade, TradeType,
    message::{Value, message},
    request::{at_least_a_fen, is_notify_url},
    rule,
};
use crate::{
    Attach, BeijingTime, Body, CodeUrl, FeeType, Fen, NotifyUrl, OutTradeNo, Params, PrepayId,
    ProductId, SignType, SpbillCreateIp,
    text::{
        Detail, DeviceInfo, GoodsTag, LimitPay, MwebUrl, SceneInfo, UserCreid, UserTruename,
        UserType,
    },
};

/// A request to `/pay/unifiedorder`.
///
/// The same number with the very same fields may be sent again; the gateway then gives a code that can be used, and an
/// earlier `code_url` stops working. With any field changed it is refused.
///
/// ```
/// use wxpay_core::{Fen, api::{Payer, Trade, UnifiedOrder}};
///
/// let order = UnifiedOrder::native(
///     "T20260101000001".parse()?,
///     "Tea".parse()?,
///     Fen::new(101)?,
///     "127.0.0.1".parse()?,
///     "https://example.com/notify".parse()?,
///     "P1".parse()?,
/// );
/// // Paid in another way: what that way demands comes with it.
/// let payer = Payer::OpenId("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse()?);
/// let in_wechat = UnifiedOrder { trade: Trade::Jsapi { payer }, ..order };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedOrder {
    /// The merchant's number of the order, or of the attempt at it.
    pub out_trade_no: OutTradeNo,
    /// What the payer is shown as the thing paid for.
    pub body: Body,
    /// The amount, at least one fen.
    pub total_fee: Fen,
    /// The currency.
    pub fee_type: FeeType,
    /// The address of the payer or of the terminal.
    pub spbill_create_ip: SpbillCreateIp,
    /// Where the gateway posts the notify.
    pub notify_url: NotifyUrl,
    /// How it is paid.
    pub trade: Trade,
    /// The merchant's own text, which comes back in queries and notifies.
    pub attach: Option<Attach>,
    /// When the order begins.
    pub time_start: Option<BeijingTime>,
    /// When the order can no longer be paid; later than `time_start`.
    pub time_expire: Option<BeijingTime>,
    /// What else may be said of an order.
    pub more: OrderDetails,
}

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
    fn put<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
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

    fn take(fields: Fields<'_>, trade: &Trade) -> Result<Self, FieldError> {
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

impl UnifiedOrder {
    /// An order in CNY, without the fields that may be left out.
    #[must_use]
    pub fn new(
        trade: Trade,
        out_trade_no: OutTradeNo,
        body: Body,
        total_fee: Fen,
        spbill_create_ip: SpbillCreateIp,
        notify_url: NotifyUrl,
    ) -> Self {
        Self {
            out_trade_no,
            body,
            total_fee,
            fee_type: FeeType::cny(),
            spbill_create_ip,
            notify_url,
            trade,
            attach: None,
            time_start: None,
            time_expire: None,
            more: OrderDetails::default(),
        }
    }

    /// An order in CNY that is paid by scanning a QR code, without the fields that may be left out.
    #[must_use]
    pub fn native(
        out_trade_no: OutTradeNo,
        body: Body,
        total_fee: Fen,
        spbill_create_ip: SpbillCreateIp,
        notify_url: NotifyUrl,
        product_id: ProductId,
    ) -> Self {
        Self::new(
            Trade::Native { product_id },
            out_trade_no,
            body,
            total_fee,
            spbill_create_ip,
            notify_url,
        )
    }

    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing or has a value that it cannot have.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        let fields = Fields(params);
        let trade = Trade::take(fields, "trade_type")?;
        Ok(Self {
            out_trade_no: fields.text("out_trade_no")?,
            body: fields.text("body")?,
            total_fee: fields.fen("total_fee")?,
            fee_type: fields
                .optional_text("fee_type")?
                .unwrap_or_else(FeeType::cny),
            spbill_create_ip: fields.text("spbill_create_ip")?,
            notify_url: fields.text("notify_url")?,
            attach: fields.optional_text("attach")?,
            time_start: fields.optional_time("time_start")?,
            time_expire: fields.optional_time("time_expire")?,
            more: OrderDetails::take(fields, &trade)?,
            trade,
        })
    }

    /// The rules between the fields.
    fn check(&self) -> Result<(), RequestError> {
        at_least_a_fen(self.total_fee, "total_fee")?;
        is_notify_url(&self.notify_url)?;
        if let (Some(start), Some(expire)) = (self.time_start, self.time_expire)
            && expire <= start
        {
            return Err(RequestError::ExpiresBeforeStart);
        }
        self.trade.check()?;
        rule(
            !matches!(self.trade, Trade::Native { .. }) || self.more.product_id.is_none(),
            "product_id",
            "NATIVE has one already",
        )?;
        rule(
            !matches!(self.trade, Trade::Mweb { .. }) || self.more.scene_info.is_none(),
            "scene_info",
            "MWEB has one already",
        )
    }
}

impl Endpoint for UnifiedOrder {
    const NAME: &'static str = "unifiedorder";
    const PATH: &'static str = "/pay/unifiedorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = UnifiedOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.check()?;
        self.body.put(params, "body")?;
        self.attach.put(params, "attach")?;
        self.out_trade_no.put(params, "out_trade_no")?;
        self.fee_type.put(params, "fee_type")?;
        self.total_fee.put(params, "total_fee")?;
        self.spbill_create_ip.put(params, "spbill_create_ip")?;
        self.time_start.put(params, "time_start")?;
        self.time_expire.put(params, "time_expire")?;
        self.notify_url.put(params, "notify_url")?;
        self.trade.put(params, "trade_type")?;
        self.more.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<UnifiedOrderResponse, FieldError> {
        let response = UnifiedOrderResponse::take(answer.fields())?;
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
    /// The answer of `/pay/unifiedorder`, verified.
    answer UnifiedOrderResponse {
        /// How it is to be paid.
        trade_type: TradeType,
        /// The handle of the prepared payment, valid for two hours.
        prepay_id: PrepayId,
        ;
        /// What to show as a QR code, valid for two hours; always there when `trade_type` is NATIVE.
        code_url: CodeUrl,
        /// Where to send the payer's browser, valid for five minutes; always there when `trade_type` is MWEB.
        mweb_url: MwebUrl,
        /// The terminal or the shop, as the request gave it.
        device_info: DeviceInfo,
    }
}
