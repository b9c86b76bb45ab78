//! From the bytes that came back to a typed answer.

use alloc::{borrow::ToOwned, string::String};

use super::{AnswerKind, Endpoint, ErrorCode, FieldError, Fields, ResultCode, SubMerchantFields};
use crate::{
    Account, Params, SignType, VerifyError, XmlError, sign,
    xml::{self, Limits},
};

/// A query of refunds may have ten of them with all their coupons, and a list of receivers 10 KiB.
pub(super) const LIMITS: Limits = Limits {
    max_fields: 512,
    max_value_bytes: 16 * 1024,
    ..Limits::DEFAULT
};

/// The fields of an answer that reports success. Only [`parse`] and its sisters make one, and only for
/// [`Endpoint::read`]; whether it was verified, the endpoint's [`Endpoint::ANSWER`] says.
#[derive(Debug)]
pub struct Answer<'a> {
    params: Params<'a>,
}

impl<'a> Answer<'a> {
    pub(super) const fn new(params: Params<'a>) -> Self {
        Self { params }
    }

    pub(super) fn into_params(self) -> Params<'a> {
        self.params
    }
}

impl Answer<'_> {
    /// All fields, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'_> {
        &self.params
    }

    /// The value of a field; empty text is a value too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name)
    }

    pub(crate) const fn fields(&self) -> Fields<'_> {
        Fields(&self.params)
    }
}

/// A verified answer with all its fields, those that no type knows among them. Only [`parse_verified`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<'a, T> {
    response: T,
    params: Params<'a>,
}

impl<'a, T> Verified<'a, T> {
    /// The typed answer.
    #[must_use]
    pub const fn response(&self) -> &T {
        &self.response
    }

    /// The typed answer alone.
    #[must_use]
    pub fn into_response(self) -> T {
        self.response
    }

    /// All fields of the answer.
    #[must_use]
    pub const fn params(&self) -> &Params<'a> {
        &self.params
    }
}

/// Reads an endpoint's answer. In this order: it is XML, `return_code` is SUCCESS, the sign holds, the account's fields
/// are the account's, `result_code` is SUCCESS, and the fields are what the endpoint promises.
///
/// An answer is signed with the sign type of its request and does not name it. Only endpoints with
/// [`AnswerKind::Signed`] can be asked; another is an error at compile time:
///
/// ```compile_fail,E0080
/// # use wxpay_core::{Account, api::{self, OnlyMd5, Transfer}};
/// # let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// # let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
/// // What comes back from a transfer has no sign.
/// let answer = api::parse::<Transfer>(b"<html>", &account, OnlyMd5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// # use wxpay_core::{Account, api::{self, OnlyMd5, Transfer}};
/// # let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// # let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
/// let answer = api::parse_unsigned::<Transfer>(b"<html>", &account, OnlyMd5);
/// # assert!(answer.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`AnswerError`]. Only [`AnswerError::Business`] is the gateway's own word.
pub fn parse<E: Endpoint>(
    bytes: &[u8],
    account: &Account,
    sign_type: E::Sign,
) -> Result<E::Response, AnswerError> {
    Ok(parse_verified::<E>(bytes, account, sign_type)?.into_response())
}

/// As [`parse`], and keeps the fields.
///
/// # Errors
/// [`AnswerError`].
pub fn parse_verified<'a, E: Endpoint>(
    bytes: &'a [u8],
    account: &Account,
    sign_type: E::Sign,
) -> Result<Verified<'a, E::Response>, AnswerError> {
    const {
        assert!(
            matches!(E::ANSWER, AnswerKind::Signed),
            "parse reads signed answers only"
        );
    }
    let params = xml::read_with(bytes, "xml", &LIMITS)?;
    match params.get("return_code") {
        Some("SUCCESS") => {}
        Some("FAIL") => {
            return Err(AnswerError::Refused {
                return_msg: said(&params).to_owned(),
            });
        }
        _ => return Err(AnswerError::NoReturnCode),
    }
    let sign_type: SignType = sign_type.into();
    sign::verify(&params, account.keys(), sign_type).map_err(AnswerError::Verify)?;
    let fields = Fields(&params);
    is_own::<E>(fields, account)?;
    let result_code = match E::RESULT_CODE {
        ResultCode::Demanded => fields.required("result_code")?,
        ResultCode::MayBeAbsent => fields.optional("result_code").unwrap_or("SUCCESS"),
    };
    match result_code {
        "SUCCESS" => {}
        "FAIL" => {
            return Err(AnswerError::Business {
                code: fields.required("err_code")?.into(),
                description: fields
                    .optional("err_code_des")
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
        _ => {
            return Err(AnswerError::Field(FieldError::Unexpected {
                field: "result_code",
            }));
        }
    }
    let answer = Answer::new(params);
    let response = E::read(&answer)?;
    Ok(Verified {
        response,
        params: answer.into_params(),
    })
}

/// What a refusal says to people; profit sharing has its own name for it.
fn said<'p>(params: &'p Params<'_>) -> &'p str {
    ["return_msg", "error_msg"]
        .into_iter()
        .find_map(|name| params.get(name).filter(|text| !text.is_empty()))
        .unwrap_or_default()
}

/// Checks that a verified answer is for this account: a provider's key signs for all its merchants.
fn is_own<E: Endpoint>(fields: Fields<'_>, account: &Account) -> Result<(), AnswerError> {
    if let Some(field) = E::NAMING.appid {
        let own = account.appid.as_str();
        if fields.required(field)? != own {
            return Err(AnswerError::Foreign { field });
        }
    }
    let field = E::NAMING.mch_id;
    if fields.required(field)? != account.mch_id.as_str() {
        return Err(AnswerError::Foreign { field });
    }
    if E::SUB_MERCHANT != SubMerchantFields::Absent {
        let field = "sub_mch_id";
        let own = account.sub_merchant().map(|sub| sub.mch_id.as_str());
        // Not every answer repeats it; one that does must repeat the right one.
        if let Some(named) = fields.optional(field)
            && Some(named) != own
        {
            return Err(AnswerError::Foreign { field });
        }
    }
    Ok(())
}

/// Why there is no typed answer.
///
/// Only [`AnswerError::Business`] is proven. All others say *unknown*: the request may have had its effect.
/// [`AnswerError::advice`] tells what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The bytes are no message of the API; perhaps a proxy's page.
    #[error("the answer is no message: {0}")]
    Xml(#[from] XmlError),
    /// `return_code` is FAIL. Such an answer has no sign: it is proof of nothing, least of all that the request had no effect.
    #[error("the gateway refused the message (unsigned): {return_msg}")]
    Refused {
        /// What it says, for people; unproven.
        return_msg: String,
    },
    /// An answer without a sign names a code: of an endpoint that signs no answer, or in the place of a text.
    #[error("unproven: {code}: {description}")]
    Unproven {
        /// The field `err_code`, or what `return_msg` says in its place.
        code: ErrorCode,
        /// The field `err_code_des` or `return_msg`, for people.
        description: String,
    },
    /// `return_code` is missing, or neither SUCCESS nor FAIL.
    #[error("the answer has no return_code that is SUCCESS or FAIL")]
    NoReturnCode,
    /// The sign does not hold.
    #[error("the answer is not proven to be the gateway's: {0}")]
    Verify(VerifyError),
    /// The answer is signed, but for another account.
    #[error("the answer's {field} is not the account's")]
    Foreign {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// The gateway says no: verified, with `result_code` FAIL.
    #[error("{code}: {description}")]
    Business {
        /// The field `err_code`.
        code: ErrorCode,
        /// The field `err_code_des`, for people.
        description: String,
    },
    /// A verified answer lacks a field, or holds one that is not what the endpoint promises.
    #[error("the answer cannot be read: {0}")]
    Field(#[from] FieldError),
}
