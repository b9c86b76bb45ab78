//! `profitsharingaddreceiver`: name one who may get a part of payments.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, ReceiverAccount, Repeat,
    RequestError, SubMerchantFields,
    message::{message, open_enum},
};
use crate::{
    Params, TextError,
    json::Json,
    text::{ReUserName, ReceiverText},
};

message! {
    #[doc = include_str!("pages/profitsharingaddreceiver.md")]
    request ProfitSharingAddReceiver {
        /// Who; see [`ReceiverText::to_add`].
        receiver: ReceiverText,
    }
}

open_enum! {
    /// What a receiver is to the merchant.
    RelationType {
        /// Its service provider.
        ServiceProvider = "SERVICE_PROVIDER",
        /// A shop.
        Store = "STORE",
        /// One of the staff.
        Staff = "STAFF",
        /// A shop's owner.
        StoreOwner = "STORE_OWNER",
        /// A partner.
        Partner = "PARTNER",
        /// The headquarters.
        Headquarter = "HEADQUARTER",
        /// The brand.
        Brand = "BRAND",
        /// A distributor.
        Distributor = "DISTRIBUTOR",
        /// A user.
        User = "USER",
        /// A supplier.
        Supplier = "SUPPLIER",
        /// What `custom_relation` says.
        Custom = "CUSTOM",
    }
}

impl ReceiverText {
    /// One to add, as the field's JSON text. `name` is a merchant's full name, or a person's.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn to_add(
        account: &ReceiverAccount,
        name: Option<&ReUserName>,
        relation_type: &RelationType,
        custom_relation: Option<&str>,
    ) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{');
        account.put(&mut json);
        json.optional("name", name.map(ReUserName::as_str))
            .text("relation_type", relation_type.as_str())
            .optional("custom_relation", custom_relation);
        json.close('}').as_str().parse()
    }
}

impl Endpoint for ProfitSharingAddReceiver {
    const NAME: &'static str = "profitsharingaddreceiver";
    const PATH: &'static str = "/pay/profitsharingaddreceiver";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingAddReceiverResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingAddReceiverResponse, FieldError> {
        ProfitSharingAddReceiverResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/pay/profitsharingaddreceiver`, verified.
    answer ProfitSharingAddReceiverResponse {
        /// Who, as JSON text.
        receiver: String,
    }
}
