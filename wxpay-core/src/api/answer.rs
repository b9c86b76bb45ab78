//! From the bytes that came back to a typed answer.

use alloc::{borrow::ToOwned, string::String};

use super::{AnswerKind, Endpoint, ErrorCode, FieldError, Fields};
use crate::{Account, Params, SignType, VerifyError, XmlError, sign, xml};

/// The fields of an answer that was verified and reports success. Only [`parse`] makes one.
#[derive(Debug)]
pub struct Answer<'a> {
    params: Params<'a>,
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

/// Reads an endpoint's answer. In this order: it is XML, `return_code` is SUCCESS, the sign holds, `appid` and `mch_id`
/// are the account's, `result_code` is SUCCESS, and the fields are what the endpoint promises.
///
/// An answer is signed with the sign type of its request and does not name it. Only endpoints with
/// [`AnswerKind::Signed`] can be asked; another is an error at compile time.
///
/// # Errors
/// [`AnswerError`]. Only [`AnswerError::Business`] is the gateway's own word.
pub fn parse<E: Endpoint>(
    bytes: &[u8],
    account: &Account,
    sign_type: SignType,
) -> Result<E::Response, AnswerError> {
    const {
        assert!(
            matches!(E::ANSWER, AnswerKind::Signed),
            "parse reads signed answers only"
        );
    }
    let params = xml::read(bytes)?;
    match params.get("return_code") {
        Some("SUCCESS") => {}
        Some("FAIL") => {
            return Err(AnswerError::Refused {
                return_msg: params.get("return_msg").unwrap_or_default().to_owned(),
            });
        }
        _ => return Err(AnswerError::NoReturnCode),
    }
    sign::verify(&params, account.keys(), sign_type).map_err(AnswerError::Verify)?;
    let fields = Fields(&params);
    for (field, own) in [
        ("appid", account.appid.as_str()),
        ("mch_id", account.mch_id.as_str()),
    ] {
        if fields.required(field)? != own {
            return Err(AnswerError::Foreign { field });
        }
    }
    match fields.required("result_code")? {
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
    Ok(E::read(&Answer { params })?)
}

/// Why there is no typed answer.
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
