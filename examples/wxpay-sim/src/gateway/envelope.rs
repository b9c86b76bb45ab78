//! What every request and every answer has around it: identity, sign, and the two levels of success.

use wxpay_core::{
    Account, InsertError, Params, SignType, XmlError,
    api::{ErrorCode, FieldError},
    sign, xml,
};

use crate::Merchant;

/// A request whose sign was found to hold.
pub(super) struct Request<'a> {
    pub(super) account: &'a Account,
    pub(super) sign_type: SignType,
    pub(super) params: Params<'a>,
}

/// The business fields of a successful answer.
pub(super) type Fields = Vec<(&'static str, String)>;

/// The message itself is at fault: `return_code` is FAIL, with this text, and the answer has no sign.
pub(super) struct BadMessage(pub(super) String);

/// Why a request that could be read has no success.
pub(super) enum Refusal {
    /// A field is at fault.
    Message(BadMessage),
    /// `result_code` is FAIL: the order's state forbids it. The answer is signed.
    Business {
        code: ErrorCode,
        description: &'static str,
    },
}

impl Refusal {
    pub(super) const fn business(code: ErrorCode, description: &'static str) -> Self {
        Self::Business { code, description }
    }
}

impl From<FieldError> for BadMessage {
    fn from(error: FieldError) -> Self {
        Self(match error {
            FieldError::Missing { field } => format!("缺少参数{field}"),
            other => format!("参数错误: {other}"),
        })
    }
}

impl From<XmlError> for BadMessage {
    fn from(error: XmlError) -> Self {
        Self(match error {
            XmlError::Empty => "post数据为空".to_owned(),
            XmlError::NotUtf8 { at } => format!("编码格式错误: not UTF-8 at byte {at}"),
            other => format!("XML格式错误: {other}"),
        })
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::Message(error.into())
    }
}

/// Reads a request: XML, identity, then sign. Without `sign_type` the sign is MD5.
pub(super) fn open<'a>(
    bytes: &'a [u8],
    merchants: &'a [Merchant],
) -> Result<Request<'a>, BadMessage> {
    let params = xml::read(bytes)?;
    for field in ["appid", "mch_id", "nonce_str", "sign"] {
        required(&params, field)?;
    }
    let account = account(&params, merchants)?;
    let sign_type = match params.get("sign_type") {
        None | Some("") => SignType::Md5,
        Some(name) => name
            .parse()
            .map_err(|error| BadMessage(format!("参数错误: {error}")))?,
    };
    if sign::verify(&params, account.keys(), sign_type).is_err() {
        return Err(BadMessage("签名错误".to_owned()));
    }
    if required(&params, "nonce_str")?.len() > 32 {
        return Err(BadMessage(
            "参数错误: nonce_str is longer than 32 bytes".to_owned(),
        ));
    }
    Ok(Request {
        account,
        sign_type,
        params,
    })
}

fn required<'p>(params: &'p Params<'_>, field: &'static str) -> Result<&'p str, FieldError> {
    params
        .get(field)
        .filter(|value| !value.is_empty())
        .ok_or(FieldError::Missing { field })
}

fn account<'a>(params: &Params<'_>, merchants: &'a [Merchant]) -> Result<&'a Account, BadMessage> {
    let appid = required(params, "appid")?;
    let mch_id = required(params, "mch_id")?;
    let accounts = || merchants.iter().map(Merchant::account);
    accounts()
        .find(|account| account.appid.as_str() == appid && account.mch_id.as_str() == mch_id)
        .ok_or_else(|| {
            let text = if !accounts().any(|account| account.appid.as_str() == appid) {
                "appid不存在"
            } else if !accounts().any(|account| account.mch_id.as_str() == mch_id) {
                "商户号mch_id不存在"
            } else {
                "appid与mch_id不匹配"
            };
            BadMessage(text.to_owned())
        })
}

/// Writes the signed answer to a request that was opened; it carries no `sign_type`, as the gateway's do not.
pub(super) fn seal(
    account: &Account,
    sign_type: SignType,
    result: Result<Fields, Refusal>,
    nonce: String,
) -> String {
    let mut fields: Fields = vec![
        ("return_code", "SUCCESS".to_owned()),
        ("return_msg", "OK".to_owned()),
        ("appid", account.appid.to_string()),
        ("mch_id", account.mch_id.to_string()),
        ("nonce_str", nonce),
    ];
    match result {
        Ok(business) => {
            fields.push(("result_code", "SUCCESS".to_owned()));
            fields.extend(business);
        }
        Err(Refusal::Message(BadMessage(return_msg))) => return fail(&return_msg),
        Err(Refusal::Business { code, description }) => fields.extend([
            ("result_code", "FAIL".to_owned()),
            ("err_code", code.as_str().to_owned()),
            ("err_code_des", description.to_owned()),
        ]),
    }
    match write(fields, account, sign_type) {
        Ok(xml) => xml,
        Err(error) => fail(&error.to_string()),
    }
}

/// A signed message of these fields.
pub(super) fn write(
    fields: Fields,
    account: &Account,
    sign_type: SignType,
) -> Result<String, InsertError> {
    let mut params = Params::new();
    for (name, value) in fields {
        params.insert(name, value)?;
    }
    Ok(xml::write(&sign::signed(params, account.key(), sign_type)))
}

/// The unsigned answer to a message that is at fault.
#[must_use]
pub fn fail(return_msg: &str) -> String {
    let mut params = Params::new();
    let texts = [("return_code", "FAIL"), ("return_msg", return_msg)];
    if texts
        .into_iter()
        .try_for_each(|(name, value)| params.insert(name, value))
        .is_err()
    {
        // A text that XML cannot carry, such as an error that quotes one.
        return fail("参数错误");
    }
    xml::write(&params)
}
