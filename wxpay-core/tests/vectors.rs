//! Signs that are known, and mistakes that are known.
#![allow(clippy::unwrap_used)]

mod common;

use common::{params, seed_key, vectors};
use serde_json::Value;
use wxpay_core::{ApiKey, ApiKeyError, Params, SignType, VerifyError, sign, xml};

fn fields(vector: &Value) -> Params<'static> {
    let mut params = Params::new();
    for field in vector["fields"].as_array().unwrap() {
        let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
        params.insert(name.to_owned(), value.to_owned()).unwrap();
    }
    params
}

#[test]
fn recorded_notify_holds() {
    let xml = common::seed_notify();
    let params = xml::read(xml.as_bytes()).unwrap();
    assert_eq!(params.len(), 16);
    assert_eq!(sign::verify(&params, &[seed_key()], SignType::Md5), Ok(()));
    assert_eq!(
        sign::sign(&params, &seed_key(), SignType::Md5).as_str(),
        "DD4E5DF5AF8D8D8061B0B8BF210127DE"
    );
}

#[test]
fn recorded_answer_holds() {
    let seed = vectors("seed-messages.json");
    let mut params = Params::new();
    for (name, value) in seed["unifiedorder_response_hmac_sha256"]
        .as_object()
        .unwrap()
    {
        params
            .insert(name.clone(), value.as_str().unwrap().to_owned())
            .unwrap();
    }
    assert_eq!(
        sign::verify(&params, &[seed_key()], SignType::HmacSha256),
        Ok(())
    );
    assert!(sign::verify(&params, &[common::other_key()], SignType::HmacSha256).is_err());
}

#[test]
fn every_vector_in_both_columns() {
    let file = vectors("signs.json");
    let key: ApiKey = file["api_key"].as_str().unwrap().parse().unwrap();
    let list = file["vectors"].as_array().unwrap();
    assert_eq!(list.len(), 13);
    for vector in list {
        let params = fields(vector);
        let id = &vector["id"];
        assert_eq!(
            sign::string_to_sign(&params),
            vector["string_to_sign"],
            "{id}"
        );
        for (sign_type, column) in [
            (SignType::Md5, "md5"),
            (SignType::HmacSha256, "hmac_sha256"),
        ] {
            assert_eq!(
                sign::sign(&params, &key, sign_type).as_str(),
                vector[column],
                "{id} {column}"
            );
        }
    }
}

#[test]
fn every_mistake_is_refused() {
    let file = vectors("signs.json");
    let key: ApiKey = file["api_key"].as_str().unwrap().parse().unwrap();
    let list = file["refused_on_a"].as_array().unwrap();
    assert_eq!(list.len(), 5);
    for mistake in list {
        let mut params = fields(&file["vectors"][0]);
        let sign_type = mistake["sign_type"].as_str().unwrap().parse().unwrap();
        params
            .insert("sign", mistake["sign"].as_str().unwrap())
            .unwrap();
        assert_eq!(
            sign::verify(&params, std::slice::from_ref(&key), sign_type),
            Err(VerifyError::Mismatch),
            "{}",
            mistake["about"]
        );
    }
    // The keys that would make the first three of them cannot exist.
    assert_eq!(ApiKey::new(b"").err(), Some(ApiKeyError::Empty));
}

#[test]
fn a_sign_of_the_wrong_kind_is_named() {
    let key = seed_key();
    let message = params(&[("a", "1"), ("b", "2")]);
    let md5 = sign::signed(message.clone(), &key, SignType::Md5);
    let verify = |params: &Params<'_>, sign_type| sign::verify(params, &[seed_key()], sign_type);

    assert_eq!(verify(&md5, SignType::Md5), Ok(()));
    assert_eq!(
        verify(&md5, SignType::HmacSha256),
        Err(VerifyError::WrongLength {
            expected: 64,
            got: 32
        })
    );
    assert_eq!(verify(&message, SignType::Md5), Err(VerifyError::Missing));
    assert_eq!(
        verify(&params(&[("a", "1"), ("sign", "")]), SignType::Md5),
        Err(VerifyError::Missing)
    );
    let lower = md5.get("sign").unwrap().to_lowercase();
    assert_eq!(
        verify(
            &params(&[("a", "1"), ("b", "2"), ("sign", &lower)]),
            SignType::Md5
        ),
        Err(VerifyError::Mismatch)
    );

    let names_md5 = params(&[("a", "1"), ("sign_type", "MD5")]);
    let signed = sign::signed(names_md5, &key, SignType::HmacSha256);
    assert_eq!(
        verify(&signed, SignType::HmacSha256),
        Err(VerifyError::SignTypeDisagrees)
    );
    assert_eq!(
        sign::verify(&md5, &[], SignType::Md5),
        Err(VerifyError::Mismatch)
    );
}

#[test]
fn the_previous_key_verifies_and_does_not_sign() {
    let account = common::account_with(common::other_key()).with_previous_key(seed_key());
    let old = sign::signed(params(&[("a", "1")]), &seed_key(), SignType::HmacSha256);
    assert_eq!(
        sign::verify(&old, account.keys(), SignType::HmacSha256),
        Ok(())
    );
    let new = sign::sign(&old, account.key(), SignType::HmacSha256);
    assert_ne!(old.get("sign"), Some(new.as_str()));
    let third: ApiKey = "0123456789abcdef0123456789ABCDEF".parse().unwrap();
    let foreign = sign::signed(old, &third, SignType::HmacSha256);
    assert_eq!(
        sign::verify(&foreign, account.keys(), SignType::HmacSha256),
        Err(VerifyError::Mismatch)
    );
}

#[test]
fn signed_replaces_a_sign_and_adds_nothing_else() {
    let message = params(&[("sign", "x"), ("b", "2"), ("a", "")]);
    let signed = sign::signed(message, &seed_key(), SignType::Md5);
    let names: Vec<_> = signed.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a", "sign"]);
    assert_eq!(sign::string_to_sign(&signed), "b=2");
}

#[test]
fn texts_longer_than_any_buffer_sign_as_one() {
    // The pieces that go to the hash are gathered; a value on, below and above that size must make no difference.
    let key = seed_key();
    for len in [
        1, 200, 245, 250, 251, 252, 253, 254, 255, 256, 257, 600, 5000,
    ] {
        let value = "v".repeat(len);
        let split = sign::sign(
            &params(&[("a", "1"), ("n", &value), ("z", "2")]),
            &key,
            SignType::Md5,
        );
        // One field whose text is the same as the three above.
        let joined = params(&[("a", &format!("1&n={value}&z=2"))]);
        assert_eq!(split, sign::sign(&joined, &key, SignType::Md5), "{len}");
    }
}
