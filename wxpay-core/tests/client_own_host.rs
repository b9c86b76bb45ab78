//! An endpoint with a host of its own, at whatever stands in the gateway's place.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use client_support::{Server, builder, respond};
use wxpay_core::api::{GetPublicKey, OnlyMd5};

#[tokio::test]
async fn a_stand_in_has_every_path_at_its_own_host() {
    let answer = "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>\
        <mch_id>1473426802</mch_id><pub_key>PEM</pub_key></xml>";
    let server = Server::start(1, respond("200 OK", answer));
    let client = builder()
        .base_url(server.url())
        .plain_http_without_identity()
        .build()
        .unwrap();
    let key = client.call_unsigned(&GetPublicKey, OnlyMd5).await.unwrap();
    assert_eq!(key.unproven().pub_key, "PEM");
    let (head, _) = &server.stop().await[0];
    assert!(head.starts_with("POST /risk/getpublickey "), "{head}");
}
