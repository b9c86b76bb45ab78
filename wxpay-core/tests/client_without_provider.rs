//! A program that has not chosen its cryptography is told so. A process of its own: the choice is made once.
#![allow(clippy::unwrap_used)]

mod common;

use wxpay_core::client::{BuildError, Client};

#[test]
fn a_missing_provider_is_an_error_and_no_panic() {
    for url in ["https://127.0.0.1", "http://127.0.0.1"] {
        let result = Client::builder(common::seed_account())
            .base_url(url)
            .build();
        assert!(matches!(result, Err(BuildError::NoCryptoProvider)), "{url}");
    }
}
