//! `profitsharingremovereceiver`: take one off the list of those who may get a part.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, ReceiverAccount, Repeat,
    RequestError, SubMerchantFields, message::message,
};
use crate::{Params, TextError, json::Json, text::ReceiverText};

message! {
    #[doc = include_str!("pages/profitsharingremovereceiver.md")]
    request ProfitSharingRemoveReceiver {
        /// Who; see [`ReceiverText::to_remove`].
        receiver: ReceiverText,
    }
}

impl ReceiverText {
    /// One to remove, as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn to_remove(account: &ReceiverAccount) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{');
        account.put(&mut json);
        json.close('}').as_str().parse()
    }
}

impl Endpoint for ProfitSharingRemoveReceiver {
    const NAME: &'static str = "profitsharingremovereceiver";
    const PATH: &'static str = "/pay/profitsharingremovereceiver";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingRemoveReceiverResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingRemoveReceiverResponse, FieldError> {
        ProfitSharingRemoveReceiverResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/pay/profitsharingremovereceiver`, verified.
    answer ProfitSharingRemoveReceiverResponse {
        /// Who, as JSON text.
        receiver: String,
    }
}
