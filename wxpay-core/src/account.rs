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
        }
    }

    /// The same account, which also verifies what was signed with the key before this one.
    #[must_use]
    pub fn with_previous_key(mut self, previous: ApiKey) -> Self {
        self.keys = Box::new([self.current.clone(), previous]);
        self
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
