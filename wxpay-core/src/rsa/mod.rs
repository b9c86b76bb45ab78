//! Encryption for transfers to bank cards (feature `rsa`).
//!
//! The card's number and the payee's name travel encrypted: RSA-OAEP with SHA-1, also in MGF1, and an empty label, in base64.
//! The key is the gateway's: [`GetPublicKey`](crate::api::GetPublicKey) asks for it, and it is kept and used again.
//! That answer has no sign. Whoever could forge it could read card and name, so fetch the key over TLS from the gateway's own
//! host, and keep a second look for a key that changes.
//!
//! ```
//! use wxpay_core::{Fen, api::BankTransfer, rsa::{BankNo, BankPayee, BankPublicKey, rand_core::CryptoRng}};
//!
//! fn pay(pem: &str, rng: &mut impl CryptoRng) -> Result<BankTransfer, Box<dyn std::error::Error>> {
//!     let key: BankPublicKey = pem.parse()?;
//!     let payee = BankPayee {
//!         bank_no: "6222021302020000000".parse()?,
//!         true_name: "王小王".parse()?,
//!         bank_code: "1002".parse()?,
//!     };
//!     Ok(BankTransfer::to_payee("T20260101000001".parse()?, &payee, Fen::new(500)?, &key, rng)?)
//! }
//! ```
//!
//! Only the public half of RSA is used here, to encrypt. What is known of timing in private-key operations
//! (RUSTSEC-2023-0071) does not touch it.

mod bank_no;
mod key;

pub use ::rsa::rand_core;
pub use bank_no::{BankNo, BankNoError};
pub use key::{BankKeyError, BankPublicKey, EncryptError};

use rand_core::TryCryptoRng;

use crate::{
    Fen,
    api::{BankCode, BankTransfer, PartnerTradeNo, ReUserName},
};

/// Who is paid by a transfer to a bank card, in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankPayee {
    /// The card's number.
    pub bank_no: BankNo,
    /// The holder's name.
    pub true_name: ReUserName,
    /// The bank's number.
    pub bank_code: BankCode,
}

impl BankTransfer {
    /// A transfer to a card, with number and name encrypted for the gateway.
    ///
    /// Encryption takes fresh random bytes, so the same payee gives another text each time. A transfer whose outcome is not
    /// known is sent again as **this same value**, kept since before the first try, and not encrypted anew.
    ///
    /// # Errors
    /// [`EncryptError`] when the random bytes fail, or the key is too short for the text.
    pub fn to_payee<R: TryCryptoRng + ?Sized>(
        partner_trade_no: PartnerTradeNo,
        payee: &BankPayee,
        amount: Fen,
        key: &BankPublicKey,
        rng: &mut R,
    ) -> Result<Self, EncryptError> {
        let enc_bank_no = key.encrypt(payee.bank_no.as_str(), rng)?;
        let enc_true_name = key.encrypt(payee.true_name.as_str(), rng)?;
        Ok(Self::new(
            partner_trade_no,
            enc_bank_no,
            enc_true_name,
            payee.bank_code.clone(),
            amount,
        ))
    }
}
