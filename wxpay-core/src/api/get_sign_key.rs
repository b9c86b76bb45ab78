//! `getsignkey`: the API key of the sandbox.

use super::{Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyMd5, Repeat, RequestError};
use crate::{ApiKey, Params};

macro_rules! sign_key {
    ($($(#[$meta:meta])* $name:ident at $path:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl Endpoint for $name {
            const NAME: &'static str = "getsignkey";
            const PATH: &'static str = $path;
            const NEEDS_CERT: bool = false;
            const ANSWER: AnswerKind = AnswerKind::Unsigned;
            const REPEAT: Repeat = Repeat::Safe;
            const NAMING: Naming = Naming::MCH_ID;
            type Sign = OnlyMd5;
            type Response = SignKeyResponse;

            fn fill<'a>(&'a self, _params: &mut Params<'a>) -> Result<(), RequestError> {
                Ok(())
            }

            fn read(answer: &Answer<'_>) -> Result<SignKeyResponse, FieldError> {
                let field = "sandbox_signkey";
                let key = answer.fields().required(field)?;
                Ok(SignKeyResponse {
                    sandbox_signkey: key.parse().map_err(|_| FieldError::Unexpected { field })?,
                })
            }
        }
    )*};
}

sign_key! {
    #[doc = include_str!("pages/getsignkey.md")]
    GetSignKey at "/xdc/apiv2getsignkey/sign/getsignkey";
    #[doc = include_str!("pages/getsignkey_old.md")]
    GetSignKeyOld at "/sandboxnew/pay/getsignkey";
}

/// The answer of `getsignkey`, unproven: whoever forges it learns nothing but sandbox messages.
#[derive(Clone, Debug)]
pub struct SignKeyResponse {
    /// The sandbox's API key.
    pub sandbox_signkey: ApiKey,
}
