//! Answers that prove nothing: those without a sign, and texts.

use alloc::borrow::ToOwned;

use super::{
    Answer, AnswerError, AnswerKind, Endpoint, ErrorCode, FieldError, Fields, answer::LIMITS,
    red_pack_info,
};
use crate::{Account, Params, SignType, sign, xml};

/// An answer without a sign: what somebody said over a connection that TLS alone protects. Never proof of a state; a query
/// with a signed answer, or the account's own books, decide.
///
/// The value comes out only through a method that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned<T> {
    response: T,
    params: Params<'static>,
}

impl<T> Unsigned<T> {
    /// What the answer says, unproven.
    #[must_use]
    pub const fn unproven(&self) -> &T {
        &self.response
    }

    /// What the answer says, unproven.
    #[must_use]
    pub fn into_unproven(self) -> T {
        self.response
    }

    /// All fields of the answer, unproven.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }
}

/// Reads the answer of an endpoint with [`AnswerKind::Unsigned`]; another is an error at compile time.
///
/// One that brings a sign all the same must bring one that holds, and the account's fields must be the account's where
/// they stand. Neither makes it proof.
///
/// # Errors
/// [`AnswerError`], never [`AnswerError::Business`]: a refusal is [`AnswerError::Unproven`] here.
pub fn parse_unsigned<E: Endpoint>(
    bytes: &[u8],
    account: &Account,
    sign_type: E::Sign,
) -> Result<Unsigned<E::Response>, AnswerError> {
    const {
        assert!(
            matches!(E::ANSWER, AnswerKind::Unsigned),
            "parse_unsigned reads unsigned answers only"
        );
    }
    if bytes.len() > LIMITS.max_bytes {
        return Err(AnswerError::Xml(xml::XmlError::TooLarge {
            max_bytes: LIMITS.max_bytes,
            got: bytes.len(),
        }));
    }
    let flat = red_pack_info::flat(bytes);
    let params = xml::read_with(&flat, "xml", &LIMITS)?;
    let fields = Fields(&params);
    if !matches!(fields.optional("return_code"), Some("SUCCESS" | "FAIL")) {
        return Err(AnswerError::NoReturnCode);
    }
    if fields.optional("sign").is_some() && !red_pack_info::has_list(fields) {
        let sign_type: SignType = sign_type.into();
        sign::verify(&params, account.keys(), sign_type).map_err(AnswerError::Verify)?;
    }
    refusal(fields)?;
    let own = [
        (E::NAMING.appid, account.appid.as_str()),
        (Some(E::NAMING.mch_id), account.mch_id.as_str()),
    ];
    for (field, own) in own {
        if let Some(field) = field
            && fields.optional(field).is_some_and(|named| named != own)
        {
            return Err(AnswerError::Foreign { field });
        }
    }
    let answer = Answer::new(params);
    let response = E::read(&answer)?;
    Ok(Unsigned {
        response,
        params: answer.into_params().into_owned(),
    })
}

/// Reads the answer of an endpoint with [`AnswerKind::Text`]; another is an error at compile time. Gives the text's bytes,
/// which may be compressed, or the refusal that came in its place as XML.
///
/// A text that begins with `<` is a refusal: no bill does, whether plain, with a byte order mark, or compressed.
///
/// # Errors
/// [`AnswerError`], never [`AnswerError::Business`]: nothing here has a sign.
pub fn parse_text<E: Endpoint>(bytes: &[u8]) -> Result<&[u8], AnswerError> {
    const {
        assert!(
            matches!(E::ANSWER, AnswerKind::Text),
            "parse_text reads texts only"
        );
    }
    if bytes.is_empty() {
        return Err(AnswerError::Xml(xml::XmlError::Empty));
    }
    if bytes.trim_ascii_start().first() != Some(&b'<') {
        return Ok(bytes);
    }
    let params = xml::read(bytes)?;
    let fields = Fields(&params);
    if !matches!(fields.optional("return_code"), Some("SUCCESS" | "FAIL")) {
        return Err(AnswerError::NoReturnCode);
    }
    refusal(fields)?;
    Err(AnswerError::Field(FieldError::Unexpected {
        field: "return_code",
    }))
}

/// What an answer without a sign refuses with, if it does.
fn refusal(fields: Fields<'_>) -> Result<(), AnswerError> {
    let refused = fields.optional("return_code") == Some("FAIL")
        || fields.optional("result_code") == Some("FAIL");
    if !refused {
        return Ok(());
    }
    let return_msg = fields.optional("return_msg").unwrap_or_default();
    let code = fields
        .optional("err_code")
        .map(ErrorCode::from)
        .or_else(|| ErrorCode::from_text(return_msg))
        .or_else(|| fields.optional("error_code").map(ErrorCode::from));
    Err(match code {
        Some(code) => AnswerError::Unproven {
            code,
            description: fields
                .optional("err_code_des")
                .unwrap_or(return_msg)
                .to_owned(),
        },
        None => AnswerError::Refused {
            return_msg: return_msg.to_owned(),
        },
    })
}
