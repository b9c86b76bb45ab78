//! `unifiedorder`: prepare a payment, and get the code that the payer scans.

use alloc::string::ToString;

use super::{Answer, AnswerKind, Endpoint, FieldError, Fields, RequestError, TradeType};
use crate::{
    Attach, BeijingTime, Body, CodeUrl, FeeType, Fen, NotifyUrl, OutTradeNo, Params, PrepayId,
    ProductId, SpbillCreateIp,
};

/// A request to `/pay/unifiedorder`.
///
/// The same number with the very same fields may be sent again; the gateway then gives a code that can be used, and an
/// earlier `code_url` stops working. With any field changed it is refused.
///
/// ```
/// use wxpay_core::{Fen, api::UnifiedOrder};
///
/// let order = UnifiedOrder::native(
///     "T20260101000001".parse()?,
///     "Tea".parse()?,
///     Fen::new(101)?,
///     "127.0.0.1".parse()?,
///     "https://example.com/notify".parse()?,
///     "P1".parse()?,
/// );
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
}

/// How an order is to be paid, with what that way demands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trade {
    /// The payer scans a QR code of the answer's `code_url`.
    Native {
        /// The merchant's id of the goods, which this way demands.
        product_id: ProductId,
    },
}

impl Trade {
    /// The value of the field `trade_type`.
    #[must_use]
    pub const fn trade_type(&self) -> TradeType {
        match self {
            Self::Native { .. } => TradeType::Native,
        }
    }
}

impl UnifiedOrder {
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
        Self {
            out_trade_no,
            body,
            total_fee,
            fee_type: FeeType::cny(),
            spbill_create_ip,
            notify_url,
            trade: Trade::Native { product_id },
            attach: None,
            time_start: None,
            time_expire: None,
        }
    }

    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing or has a value that it cannot have.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        let fields = Fields(params);
        let trade = match fields.required("trade_type")? {
            "NATIVE" => Trade::Native {
                product_id: fields.text("product_id")?,
            },
            _ => {
                return Err(FieldError::Unexpected {
                    field: "trade_type",
                });
            }
        };
        Ok(Self {
            out_trade_no: fields.text("out_trade_no")?,
            body: fields.text("body")?,
            total_fee: fields.fen("total_fee")?,
            fee_type: fields
                .optional_text("fee_type")?
                .unwrap_or_else(FeeType::cny),
            spbill_create_ip: fields.text("spbill_create_ip")?,
            notify_url: fields.text("notify_url")?,
            trade,
            attach: fields.optional_text("attach")?,
            time_start: fields.optional_time("time_start")?,
            time_expire: fields.optional_time("time_expire")?,
        })
    }
}

/// Whether a text is `http://` or `https://` with a host and without a query string: what the gateway posts to.
fn is_notify_url(url: &str) -> bool {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.contains(['?', '#'])
}

impl Endpoint for UnifiedOrder {
    const NAME: &'static str = "unifiedorder";
    const PATH: &'static str = "/pay/unifiedorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    type Response = UnifiedOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        if self.total_fee.is_zero() {
            return Err(RequestError::ZeroFee { field: "total_fee" });
        }
        if !is_notify_url(self.notify_url.as_str()) {
            return Err(RequestError::NotifyUrl);
        }
        if let (Some(start), Some(expire)) = (self.time_start, self.time_expire)
            && expire <= start
        {
            return Err(RequestError::ExpiresBeforeStart);
        }
        params.insert("body", self.body.as_str())?;
        if let Some(attach) = &self.attach {
            params.insert("attach", attach.as_str())?;
        }
        params.insert("out_trade_no", self.out_trade_no.as_str())?;
        params.insert("fee_type", self.fee_type.as_str())?;
        params.insert("total_fee", self.total_fee.to_string())?;
        params.insert("spbill_create_ip", self.spbill_create_ip.as_str())?;
        if let Some(start) = self.time_start {
            params.insert("time_start", start.to_string())?;
        }
        if let Some(expire) = self.time_expire {
            params.insert("time_expire", expire.to_string())?;
        }
        params.insert("notify_url", self.notify_url.as_str())?;
        match &self.trade {
            Trade::Native { product_id } => {
                params.insert("trade_type", "NATIVE")?;
                params.insert("product_id", product_id.as_str())?;
            }
        }
        Ok(())
    }

    fn read(answer: &Answer<'_>) -> Result<UnifiedOrderResponse, FieldError> {
        let fields = answer.fields();
        let trade_type = TradeType::from(fields.required("trade_type")?);
        let code_url = fields.optional_text("code_url")?;
        if trade_type == TradeType::Native && code_url.is_none() {
            return Err(FieldError::Missing { field: "code_url" });
        }
        Ok(UnifiedOrderResponse {
            trade_type,
            prepay_id: fields.text("prepay_id")?,
            code_url,
        })
    }
}

/// The answer of `/pay/unifiedorder`, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedOrderResponse {
    /// How it is to be paid.
    pub trade_type: TradeType,
    /// The handle of the prepared payment, valid for two hours.
    pub prepay_id: PrepayId,
    /// What to show as a QR code, valid for two hours; always there when `trade_type` is NATIVE.
    pub code_url: Option<CodeUrl>,
}
