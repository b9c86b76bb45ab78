//! `unifiedorder`: prepare a payment, and get the code that the payer scans.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, OrderDetails, Repeat, RequestError,
    SubMerchantFields, Trade, TradeType,
    message::{Value, message},
    prepaid::{expires_after_start, way_to_pay},
    request::{at_least_a_fen, is_notify_url},
    rule,
};
use crate::{
    Attach, BeijingTime, Body, CodeUrl, FeeType, Fen, NotifyUrl, OutTradeNo, Params, PrepayId,
    ProductId, SignType, SpbillCreateIp,
    text::{DeviceInfo, MwebUrl},
};

#[doc = include_str!("pages/unifiedorder.md")]
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
        expires_after_start(self.time_start, self.time_expire)?;
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
        way_to_pay(
            &response.trade_type,
            response.code_url.as_ref(),
            response.mweb_url.as_ref(),
        )?;
        Ok(response)
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
        /// The discounts, as JSON text.
        promotion_detail: String,
    }
}
