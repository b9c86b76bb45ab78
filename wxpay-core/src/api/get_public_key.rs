//! `getpublickey`: the key that card and name of a transfer to a bank card are encrypted with.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyMd5, Repeat, RequestError,
    message::message,
};
use crate::Params;

#[doc = include_str!("pages/getpublickey.md")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetPublicKey;

impl Endpoint for GetPublicKey {
    const NAME: &'static str = "getpublickey";
    const PATH: &'static str = "/risk/getpublickey";
    const HOST: Option<&'static str> = Some("fraud.mch.weixin.qq.com");
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::Safe;
    const NAMING: Naming = Naming::MCH_ID;
    type Sign = OnlyMd5;
    type Response = GetPublicKeyResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        // The one endpoint that takes nothing but MD5 and wants to be told.
        Ok(params.insert("sign_type", "MD5")?)
    }

    fn read(answer: &Answer<'_>) -> Result<GetPublicKeyResponse, FieldError> {
        GetPublicKeyResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/risk/getpublickey`, unproven: TLS alone says that the key is the gateway's.
    answer GetPublicKeyResponse {
        /// The key as PEM: `RSA PUBLIC KEY`, which is PKCS#1.
        pub_key: String,
    }
}

#[cfg(feature = "rsa")]
impl GetPublicKeyResponse {
    /// The key to encrypt with.
    ///
    /// # Errors
    /// [`BankKeyError`](crate::rsa::BankKeyError) when the text is no key.
    pub fn public_key(&self) -> Result<crate::rsa::BankPublicKey, crate::rsa::BankKeyError> {
        self.pub_key.parse()
    }
}
