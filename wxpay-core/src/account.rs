//! The merchant's account.

use alloc::boxed::Box;

use crate::{ApiKey, AppId, MchId};

/// One merchant: who signs, and with what.
///
/// While an API key is being changed the previous one still verifies; only the current one signs.
#[derive(Clone, Debug)]
pub struct Account {
    /// The public id that the merchant is bound to.
    pub appid: AppId,
    /// The merchant's number.
    pub mch_id: MchId,
    current: ApiKey,
    /// The current key and then the previous one, if there is one.
    keys: Box<[ApiKey]>,
    sub_merchant: Option<SubMerchant>,
}

/// The merchant that a service provider acts for: the fields `sub_mch_id` and `sub_appid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubMerchant {
    /// The merchant's number.
    pub mch_id: MchId,
    /// The merchant's own public id, if it has one.
    pub appid: Option<AppId>,
}

impl Account {
    /// An account with one key.
    #[must_use]
    pub fn new(appid: AppId, mch_id: MchId, key: ApiKey) -> Self {
        Self {
            appid,
            mch_id,
            current: key.clone(),
            keys: Box::new([key]),
            sub_merchant: None,
        }
    }

    /// The same account, which also verifies what was signed with the key before this one.
    #[must_use]
    pub fn with_previous_key(mut self, previous: ApiKey) -> Self {
        self.keys = Box::new([self.current.clone(), previous]);
        self
    }

    /// The same account, a service provider's, acting for one of its merchants. Every request then says so, and every
    /// answer must.
    #[must_use]
    pub fn with_sub_merchant(mut self, sub_merchant: SubMerchant) -> Self {
        self.sub_merchant = Some(sub_merchant);
        self
    }

    /// The merchant that the account acts for, when it is a service provider's.
    #[must_use]
    pub const fn sub_merchant(&self) -> Option<&SubMerchant> {
        self.sub_merchant.as_ref()
    }

    /// The key that signs.
    #[must_use]
    pub const fn key(&self) -> &ApiKey {
        &self.current
    }

    /// The keys that verify: the current one, then the previous one.
    #[must_use]
    pub const fn keys(&self) -> &[ApiKey] {
        &self.keys
    }
}
