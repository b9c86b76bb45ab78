//! What a port speaks, whatever the URL says.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use stomp_bridge::client::BrokerUrl;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// A request that HTTP answers; that STOMP, to which the NUL ends a frame, calls an error; that AMQP answers with its
/// own header; and that TLS takes for no handshake.
const GREETING: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n\0";
/// The longest wait for an answer to it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer that are looked at.
const LOOK_BYTES: usize = 4096;
/// Characters of an unknown answer that are shown.
const SHOWN_CHARS: usize = 40;

/// What a port speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Nobody asked.
    NotAsked,
    Tls,
    Http {
        /// The `Server` and `Via` of the answer: a proxy names itself there.
        server: Option<String>,
        via: Option<String>,
    },
    Stomp,
    Amqp,
    /// It begins with these words.
    Words(String),
    /// It says nothing at all.
    Nothing,
}

/// Asks the port in the clear; if it has no answer, in TLS.
pub(crate) async fn ask(url: &BrokerUrl, patience: Duration) -> Speaks {
    let patience = patience.min(PATIENCE);
    let host = url.host();
    let dialled = host.trim_start_matches('[').trim_end_matches(']');
    let open = || async {
        let tcp = timeout(patience, TcpStream::connect((dialled, url.port()))).await;
        tcp.ok()?.ok()
    };
    let Some(mut tcp) = open().await else {
        return Speaks::Nothing;
    };
    let mut answer = Vec::new();
    // An answer that stays short is one too.
    timeout(patience, greet(&mut tcp, &mut answer)).await.ok();
    let heard = read_answer(&answer);
    if heard != Speaks::Nothing {
        return heard;
    }
    let has_tls = match open().await {
        Some(tcp) => is_tls(tcp, dialled, patience).await,
        None => false,
    };
    if has_tls {
        Speaks::Tls
    } else {
        Speaks::Nothing
    }
}

async fn greet(tcp: &mut TcpStream, answer: &mut Vec<u8>) {
    if tcp.write_all(GREETING).await.is_err() {
        return;
    }
    let mut bytes = [0; LOOK_BYTES];
    while answer.len() < LOOK_BYTES && read_answer(answer) == Speaks::Nothing
        || answer.starts_with(b"HTTP/") && !answer.windows(4).any(|end| end == b"\r\n\r\n")
    {
        match tcp.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(n) => answer.extend_from_slice(&bytes[..n]),
        }
    }
}

/// What an answer to the greeting gives away.
fn read_answer(answer: &[u8]) -> Speaks {
    // A TLS record of type alert (21), of any version (RFC 8446, section 5.1).
    if answer.starts_with(&[21, 3]) {
        return Speaks::Tls;
    }
    if answer.starts_with(b"AMQP") {
        return Speaks::Amqp;
    }
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_start_matches(['\n', '\r']);
    if text.starts_with("ERROR\n") || text.starts_with("CONNECTED\n") {
        return Speaks::Stomp;
    }
    if text.starts_with("HTTP/") {
        // Web servers say so themselves, in the clear.
        if text.contains("HTTP request was sent to HTTPS port") {
            return Speaks::Tls;
        }
        let header = |wanted: &str| {
            text.lines()
                .take_while(|line| !line.is_empty())
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| printable(value.trim()))
        };
        return Speaks::Http {
            server: header("server"),
            via: header("via"),
        };
    }
    if text.is_empty() {
        return Speaks::Nothing;
    }
    Speaks::Words(printable(text))
}

/// What a terminal takes.
fn printable(text: &str) -> String {
    text.chars()
        .take_while(|c| !matches!(c, '\n' | '\r' | '\0'))
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARS)
        .collect()
}

/// A handshake that trusts nobody: to come as far as the certificate is enough.
async fn is_tls(tcp: TcpStream, host: &str, patience: Duration) -> bool {
    let localhost = SocketAddr::from(([127, 0, 0, 1], 0)).ip();
    let name = ServerName::try_from(host.to_owned())
        .unwrap_or_else(|_| ServerName::IpAddress(localhost.into()));
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    match timeout(patience, handshake).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            let inner = error.get_ref();
            matches!(
                inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()),
                Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
            )
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_server_gives_itself_away() {
        let http = |server: Option<&str>, via: Option<&str>| Speaks::Http {
            server: server.map(str::to_owned),
            via: via.map(str::to_owned),
        };
        for (answer, speaks) in [
            (&b"\x15\x03\x01\x00\x02\x02\x46"[..], Speaks::Tls),
            (b"AMQP\0\0\x09\x01", Speaks::Amqp),
            (b"ERROR\nmessage:Bad command\n\n\0", Speaks::Stomp),
            (b"HTTP/1.1 404 Not Found\r\n\r\n", http(None, None)),
            (
                b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nvia: 1.1 gate\r\n\r\nVia: no",
                http(Some("nginx"), Some("1.1 gate")),
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port",
                Speaks::Tls,
            ),
            (
                b"SSH-2.0-OpenSSH_9.2\r\n",
                Speaks::Words("SSH-2.0-OpenSSH_9.2".to_owned()),
            ),
            (b"", Speaks::Nothing),
        ] {
            assert_eq!(read_answer(answer), speaks);
        }
    }
}
