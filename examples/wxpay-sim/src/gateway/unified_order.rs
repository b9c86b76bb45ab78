//! `/pay/unifiedorder`: a new order, or a re-entry of the one that is there.

use std::collections::BTreeMap;

use url::Url;
use wxpay_core::{
    AppId, CodeUrl, FeeType, NotifyUrl, PrepayId, SignType, TextError,
    api::{ErrorCode, FieldError, UnifiedOrder},
};

use super::{
    Gateway, Moment, Random,
    envelope::{Fields, Refusal, Request},
    order::{EXPIRE_AT_LEAST, EXPIRE_AT_MOST, Order, OrderKey, OrderState},
};

/// Fields that may differ between a request and its re-entry.
const NOT_CONTENT: [&str; 3] = ["nonce_str", "sign", "sign_type"];

/// What a request prepares to be paid.
struct Wanted {
    appid: AppId,
    sign_type: SignType,
    request: UnifiedOrder,
    key: OrderKey,
    content: BTreeMap<String, String>,
    device_info: Option<String>,
}

impl Wanted {
    fn read(request: &Request<'_>) -> Result<Self, Refusal> {
        let params = &request.params;
        if let Some("JSAPI" | "APP" | "MWEB") = params.get("trade_type") {
            return Err(Refusal::business(
                ErrorCode::NoAuth,
                "商户无此接口权限 (wxpay-sim serves trade_type NATIVE only)",
            ));
        }
        let order = UnifiedOrder::from_params(params)?;
        if order.total_fee.is_zero() {
            return Err(FieldError::Unexpected { field: "total_fee" }.into());
        }
        if order.fee_type != FeeType::cny() {
            return Err(FieldError::Unexpected { field: "fee_type" }.into());
        }
        if !is_notify_url(&order.notify_url) {
            return Err(FieldError::Unexpected {
                field: "notify_url",
            }
            .into());
        }
        let key = OrderKey {
            mch_id: request.account.mch_id.clone(),
            out_trade_no: order.out_trade_no.clone(),
        };
        let content = params
            .iter()
            .filter(|(name, value)| !value.is_empty() && !NOT_CONTENT.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let device_info = params.get("device_info").filter(|text| !text.is_empty());
        Ok(Self {
            appid: request.account.appid.clone(),
            sign_type: request.sign_type,
            request: order,
            key,
            content,
            device_info: device_info.map(str::to_owned),
        })
    }

    fn is_of(&self, order: &Order) -> bool {
        self.content == order.content && self.sign_type == order.sign_type
    }

    /// When paying ends: `time_expire`, but not sooner than a minute from now.
    fn pay_before(&self, now: Moment) -> Result<Option<Moment>, Refusal> {
        let Some(expire) = self.request.time_expire.map(Moment::from) else {
            return Ok(None);
        };
        if expire > now.plus(EXPIRE_AT_MOST) {
            return Err(FieldError::Unexpected {
                field: "time_expire",
            }
            .into());
        }
        Ok(Some(expire.max(now.plus(EXPIRE_AT_LEAST))))
    }
}

pub(super) fn answer(
    gateway: &mut Gateway,
    request: &Request<'_>,
    now: Moment,
    random: &Random,
) -> Result<Fields, Refusal> {
    let wanted = Wanted::read(request)?;
    let (prepay_id, code_url) = prepare(now, random).map_err(FieldError::from)?;
    let device_info = wanted.device_info.clone();
    if let Some(order) = gateway.book.get(&wanted.key) {
        may_reenter(order, &wanted, now)?;
        gateway
            .book
            .replace_code(&wanted.key, prepay_id.clone(), code_url.clone(), now);
    } else {
        let order = Order {
            pay_before: wanted.pay_before(now)?,
            key: wanted.key,
            appid: wanted.appid,
            sign_type: wanted.sign_type,
            content: wanted.content,
            body: wanted.request.body,
            total_fee: wanted.request.total_fee,
            attach: wanted.request.attach,
            device_info: wanted.device_info,
            notify_url: wanted.request.notify_url,
            created_at: now,
            prepay_id: prepay_id.clone(),
            code_url: code_url.clone(),
            code_made_at: now,
            replaced_codes: [].into(),
            state: OrderState::NotPay,
            refunds: Vec::new(),
        };
        gateway.book.add(order, now).map_err(|_| {
            Refusal::business(
                ErrorCode::SystemError,
                "系统繁忙 (wxpay-sim keeps no more unpaid orders)",
            )
        })?;
    }
    let mut fields = vec![
        ("trade_type", "NATIVE".to_owned()),
        ("prepay_id", prepay_id.to_string()),
        ("code_url", code_url.to_string()),
    ];
    fields.extend(device_info.map(|text| ("device_info", text)));
    Ok(fields)
}

fn may_reenter(order: &Order, wanted: &Wanted, now: Moment) -> Result<(), Refusal> {
    match order.state(now) {
        OrderState::Success(_) => Err(Refusal::business(ErrorCode::OrderPaid, "该订单已支付")),
        OrderState::Closed => Err(Refusal::business(ErrorCode::OrderClosed, "该订单已关闭")),
        OrderState::PayError => Err(Refusal::business(
            ErrorCode::OutTradeNoUsed,
            "商户订单号重复",
        )),
        OrderState::NotPay if wanted.is_of(order) => Ok(()),
        OrderState::NotPay => Err(Refusal::business(
            ErrorCode::InvalidRequest,
            "201 商户订单号重复",
        )),
    }
}

fn prepare(now: Moment, random: &Random) -> Result<(PrepayId, CodeUrl), TextError> {
    let prepay_id = format!("wx{}{}", now.beijing(), random.prepay()).parse()?;
    let code_url = format!("weixin://wxpay/bizpayurl?pr={}", random.code()).parse()?;
    Ok((prepay_id, code_url))
}

/// Whether the gateway takes an address for notifies: whole, over HTTP or HTTPS, without a query string.
fn is_notify_url(text: &NotifyUrl) -> bool {
    Url::parse(text.as_str()).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}
