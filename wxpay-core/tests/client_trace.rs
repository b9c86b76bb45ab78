//! What a call tells the log. A process of its own: `tracing` remembers for all threads whether anybody listens.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::sync::{Arc, Mutex};

use client_support::{HMAC, Server, respond};
use wxpay_core::{Fen, api::UnifiedOrder, xml};

/// Keeps all that spans and events say, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn push(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.push(&format!("{field}={value:?}\n"));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.push(&format!("{}\n", span.metadata().name()));
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_call_leaves_a_trace_without_secrets() {
    let log = Log::default();
    let server = Server::start(1, respond("502 Bad Gateway", "down"));
    let mut order = UnifiedOrder::native(
        "T20260101000001".parse().unwrap(),
        "test".parse().unwrap(),
        Fen::new(1).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/wxpay/notify/s3cr3t-p4th"
            .parse()
            .unwrap(),
        "P1".parse().unwrap(),
    );
    order.attach = Some("att4ch".parse().unwrap());
    {
        let _guard = tracing::subscriber::set_default(log.clone());
        let client = server.client();
        client.call(&order, HMAC).await.unwrap_err();
    }
    let (_, body) = &server.stop().await[0];
    let fields = xml::read(body).unwrap();
    let log = log.0.lock().unwrap();
    for said in [
        "wxpay\n",
        "endpoint=\"unifiedorder\"",
        "mch_id=\"1473426802\"",
        "sign_type=\"HMAC-SHA256\"",
        "host=\"127.0.0.1\"",
        "tries=1",
        "http_status=502",
        "outcome=\"unknown\"",
    ] {
        assert!(log.contains(said), "{said} is not in: {log}");
    }
    for secret in [
        "T6m9iK73b0kn9g5v426MKfHQH7X8rKwb",
        "s3cr3t-p4th",
        "att4ch",
        fields.get("sign").unwrap(),
        fields.get("nonce_str").unwrap(),
    ] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}
