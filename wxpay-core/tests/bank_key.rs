//! Card and name of a transfer to a bank card, encrypted with the gateway's public key.
//!
//! `tests/data/bank_key` was made with OpenSSL 3.0: `README` there has the commands.
#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;

use base64ct::{Base64, Encoding};
use common::{params, seed_account};
use rsa::{
    PrivateKey,
    pkcs1::EncodeRsaPublicKey,
    pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding},
    rand_core::{TryCryptoRng, TryRng},
};
use sha1::Sha1;
use wxpay_core::{
    Fen,
    api::{BankTransfer, Endpoint, GetPublicKey, OnlyMd5, parse_unsigned, prepare},
    rsa::{BankKeyError, BankNoError, BankPayee, BankPublicKey, EncryptError},
    xml,
};

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("data/bank_key/", $name))
    };
}

/// The bytes 1, 2, 3, … : not random at all, so that a test can say what comes out.
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

/// A source that fails.
struct Dry;

impl TryRng for Dry {
    type Error = std::fmt::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Err(std::fmt::Error)
    }
}

impl TryCryptoRng for Dry {}

fn private_key() -> PrivateKey {
    PrivateKey::from_pkcs8_pem(data!("private.pem")).unwrap()
}

fn opened(key: &PrivateKey, encrypted: &str) -> String {
    let bytes = key
        .oaep_decrypt_with_rng::<Sha1, _>(&mut Counting(7), &Base64::decode_vec(encrypted).unwrap())
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

fn payee() -> BankPayee {
    BankPayee {
        bank_no: "6222021302020000000".parse().unwrap(),
        true_name: "王小王".parse().unwrap(),
        bank_code: "1002".parse().unwrap(),
    }
}

fn transfer(key: &BankPublicKey) -> BankTransfer {
    BankTransfer::to_payee(
        "1212121221227".parse().unwrap(),
        &payee(),
        Fen::new(500).unwrap(),
        key,
        &mut Counting(0),
    )
    .unwrap()
}

#[test]
fn what_goes_in_comes_out_under_a_key_of_the_tests() {
    let mut rng = getrandom::SysRng;
    let private = PrivateKey::new(&mut rng, 2048).unwrap();
    let public = private.to_public_key();
    let pkcs1: BankPublicKey = public
        .to_pkcs1_pem(LineEnding::LF)
        .unwrap()
        .parse()
        .unwrap();
    let spki = public.to_public_key_pem(LineEnding::CRLF).unwrap();
    assert_eq!(spki.parse(), Ok(pkcs1.clone()));
    assert_eq!(pkcs1.bits(), 2048);
    let longest = "9".repeat(pkcs1.max_bytes());
    for text in ["", "6222021302020000000", "王小王", &longest] {
        let once = pkcs1.encrypt(text, &mut rng).unwrap();
        let twice = pkcs1.encrypt(text, &mut rng).unwrap();
        assert_ne!(once, twice);
        assert_eq!(opened(&private, once.as_str()), text);
        assert_eq!(opened(&private, twice.as_str()), text);
    }
    assert_eq!(
        pkcs1.encrypt(&format!("{longest}9"), &mut rng),
        Err(EncryptError::TooLong { max_bytes: 214 })
    );
    assert_eq!(pkcs1.encrypt("1", &mut Dry), Err(EncryptError::Random));
}

#[test]
fn openssl_opens_what_is_encrypted_here() {
    let key: BankPublicKey = data!("pkcs1.pem").parse().unwrap();
    let transfer = transfer(&key);
    // These texts were given to OpenSSL, which found the card and the name in them.
    assert_eq!(
        transfer.enc_bank_no.as_str(),
        data!("bank_no.ours.b64").trim()
    );
    assert_eq!(
        transfer.enc_true_name.as_str(),
        data!("true_name.ours.b64").trim()
    );
    // And the other way round: the same padding and the same digests on both sides.
    let private = private_key();
    assert_eq!(
        opened(&private, data!("true_name.openssl.b64").trim()),
        "王小王"
    );
    assert_eq!(
        opened(&private, transfer.enc_bank_no.as_str()),
        "6222021302020000000"
    );
}

#[test]
fn a_key_is_a_key_of_either_form_and_nothing_else() {
    let key: BankPublicKey = data!("pkcs1.pem").parse().unwrap();
    assert_eq!(data!("spki.pem").parse(), Ok(key.clone()));
    assert_eq!(
        format!("\r\n {}\n", data!("spki.pem")).parse(),
        Ok(key.clone())
    );
    assert_eq!(
        data!("pkcs1.pem").replace('\n', "\r\n").parse(),
        Ok(key.clone())
    );
    assert_eq!(format!("{key:?}"), "BankPublicKey(2048 bits)");
    let cut = &data!("pkcs1.pem")[..200];
    for (pem, error) in [
        ("", BankKeyError::NotAPublicKey),
        ("MIIBCgKCAQEA", BankKeyError::NotAPublicKey),
        (data!("private.pem"), BankKeyError::NotAPublicKey),
        (data!("ec.pem"), BankKeyError::Malformed),
        (cut, BankKeyError::Malformed),
        (data!("short.pem"), BankKeyError::TooShort { bits: 1024 }),
    ] {
        assert_eq!(pem.parse::<BankPublicKey>(), Err(error), "{pem}");
    }
}

#[test]
fn a_card_is_digits_and_is_not_shown() {
    for text in [
        "",
        "1234567",
        "6222 0213 0202 0000",
        "６２２２０２１３０２０２",
        "62220213x",
    ] {
        assert_eq!(
            text.parse::<wxpay_core::rsa::BankNo>(),
            Err(BankNoError),
            "{text}"
        );
    }
    let shown = format!("{:?}", payee());
    assert!(
        shown.contains("…0000") && !shown.contains("62220213"),
        "{shown}"
    );
    assert!(!shown.contains("王小王"), "{shown}");
}

#[test]
fn the_gateways_answer_holds_the_key() {
    let request = prepare(
        &GetPublicKey,
        &seed_account(),
        OnlyMd5,
        &"n".parse().unwrap(),
    )
    .unwrap();
    assert_eq!(request.host, Some("fraud.mch.weixin.qq.com"));
    assert_eq!(request.host, GetPublicKey::HOST);
    assert!(request.needs_cert);
    let fields = xml::read(request.body.as_bytes()).unwrap();
    assert_eq!(fields.get("sign_type"), Some("MD5"));
    assert_eq!(fields.get("appid"), None);

    let answer = xml::write(&params(&[
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("mch_id", "1473426802"),
        ("pub_key", data!("pkcs1.pem")),
    ]));
    let answer =
        parse_unsigned::<GetPublicKey>(answer.as_bytes(), &seed_account(), OnlyMd5).unwrap();
    assert_eq!(
        answer.unproven().public_key(),
        data!("pkcs1.pem").parse::<BankPublicKey>()
    );
}

#[test]
fn an_encrypted_transfer_is_a_request_like_any_other() {
    let transfer = transfer(&data!("spki.pem").parse().unwrap());
    let sent = |nonce: &str| {
        let request = prepare(&transfer, &seed_account(), OnlyMd5, &nonce.parse().unwrap());
        let fields = xml::read(request.unwrap().body.as_bytes())
            .unwrap()
            .into_owned();
        BankTransfer::from_params(&fields).unwrap()
    };
    // Sent twice, it is the same: encryption is not done anew.
    assert_eq!(sent("a"), transfer);
    assert_eq!(sent("b"), transfer);
}
