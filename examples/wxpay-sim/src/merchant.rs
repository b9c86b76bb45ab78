//! Merchants that the gateway knows.

use std::str::FromStr;

use wxpay_core::{Account, ApiKey, ApiKeyError, AppId, MchId, TextError};

/// The `appid` of [`Merchant::test`]. Public, and worthless outside the simulator.
pub const TEST_APPID: &str = "wx00000000000051a0";
/// The `mch_id` of [`Merchant::test`]. Public, and worthless outside the simulator.
pub const TEST_MCH_ID: &str = "1900000051";
/// The API key of [`Merchant::test`]. It protects nothing: it is printed here for everyone.
pub const TEST_API_KEY: &str = "wxpay-sim-public-worthless-key-0";

/// A merchant: the `appid` it is bound to, its number, and the key that signs.
///
/// As text it is `APPID:MCH_ID:API_KEY`. `Debug` does not show the key, and there is no `Display`.
#[derive(Clone, Debug)]
pub struct Merchant {
    account: Account,
}

impl Merchant {
    /// A merchant with this account.
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account }
    }

    /// The simulator's own merchant: [`TEST_APPID`], [`TEST_MCH_ID`], [`TEST_API_KEY`].
    ///
    /// # Panics
    /// Never: the constants are checked by a test.
    #[must_use]
    pub fn test() -> Self {
        format!("{TEST_APPID}:{TEST_MCH_ID}:{TEST_API_KEY}")
            .parse()
            .expect("the constants are a merchant")
    }

    /// Its identity and key, as a client uses them.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }
}

impl From<Account> for Merchant {
    fn from(account: Account) -> Self {
        Self::new(account)
    }
}

/// Why a text is not a merchant. It never holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MerchantError {
    /// There are not three parts between colons.
    #[error("a merchant is APPID:MCH_ID:API_KEY")]
    Parts,
    /// `appid` or `mch_id` is not one.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The key is not one.
    #[error(transparent)]
    ApiKey(#[from] ApiKeyError),
}

impl FromStr for Merchant {
    type Err = MerchantError;

    fn from_str(text: &str) -> Result<Self, MerchantError> {
        // A key may hold a colon; the two parts before it do not.
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(MerchantError::Parts);
        let appid: AppId = part()?.parse()?;
        let mch_id: MchId = part()?.parse()?;
        let key: ApiKey = part()?.parse()?;
        Ok(Self::new(Account::new(appid, mch_id, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_merchant_is_one_and_hides_its_key() {
        let merchant = Merchant::test();
        assert_eq!(merchant.account().appid.as_str(), TEST_APPID);
        assert!(!format!("{merchant:?}").contains(TEST_API_KEY));
    }

    #[test]
    fn a_refused_text_names_the_part() {
        let refused = |text: &str| text.parse::<Merchant>().unwrap_err().to_string();
        assert_eq!(refused("wx1:190"), "a merchant is APPID:MCH_ID:API_KEY");
        assert_eq!(
            refused("wx 1:190:k"),
            "appid holds a character that it may not: ' ' at byte 2"
        );
        assert_eq!(refused("wx1::k"), "mch_id is empty");
        assert_eq!(
            refused("wx1:190:secret"),
            "the API key is 6 bytes long, not 32"
        );
    }
}
