//! TLS against a server that takes nothing else.

use order_store::{
    OrderStore as _, OrderStoreExt as _, PostgresOptions, PostgresStore, PostgresUrl, StoreError,
    conformance::samples::create,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::server::Cluster;

/// An authority of the test's own.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn options(roots_pem: Option<&str>) -> PostgresOptions {
    PostgresOptions {
        patience: std::time::Duration::from_millis(300),
        roots_pem: roots_pem.map(|pem| pem.as_bytes().to_vec()),
        ..PostgresOptions::default()
    }
}

async fn refused(url: &str, options: PostgresOptions) -> String {
    let url: PostgresUrl = url.parse().unwrap();
    match PostgresStore::open(&url, options).await {
        Err(error @ (StoreError::Unavailable { .. } | StoreError::Database { .. })) => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_server_that_proves_its_name_is_spoken_to() {
    let (ours, other) = (authority("ours"), authority("another"));
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&server_key, &ours)
        .unwrap();
    let cluster = Cluster::new();
    cluster.put("server.crt", &server.pem());
    cluster.put("server.key", &server_key.serialize_pem());
    cluster.put("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n");
    cluster.set("ssl = on");
    cluster.start();
    let port = cluster.port;
    let by_name = |mode: &str| {
        format!(
            "postgres://postgres:hush@localhost:{port}/postgres?hostaddr=127.0.0.1&sslmode={mode}"
        )
    };

    let url: PostgresUrl = by_name("verify-full").parse().unwrap();
    let store = PostgresStore::open(&url, options(Some(&ours.pem())))
        .await
        .unwrap();
    store.create(create("order-1")).await.unwrap();
    store.close().await.unwrap();
    // The same by a file that the URL names.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ours.pem()).unwrap();
    let url = format!("{}&sslrootcert={}", by_name("require"), file.display());
    let store = PostgresStore::open(&url.parse().unwrap(), options(None))
        .await
        .unwrap();
    store.close().await.unwrap();

    // The server takes no plain connection, so the two above were encrypted.
    let plain = refused(&by_name("disable"), options(None)).await;
    assert!(plain.contains("no encryption"), "{plain}");
    // Another authority, and the public ones.
    for roots in [Some(other.pem()), None] {
        let error = refused(&by_name("require"), options(roots.as_deref())).await;
        assert!(error.contains("UnknownIssuer"), "{error}");
        assert!(!error.contains("hush"));
    }
    // Another name than the certificate's.
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full");
    let error = refused(&url, options(Some(&ours.pem()))).await;
    assert!(error.contains("not valid for"), "{error}");
}
