//! Servers on loopback, each connection on a thread of its own, which say what a test tells them to.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

/// Longer than the command takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves every connection with `serve`, until the test's process ends.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for tcp in listener.incoming() {
            let (tcp, serve) = (tcp.unwrap(), Arc::clone(&serve));
            tcp.set_read_timeout(Some(PATIENCE)).unwrap();
            thread::spawn(move || serve(tcp));
        }
    });
    addr
}

/// A port that nobody listens at.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Reads up to `end`; gives what came before the peer closed.
pub fn read_to(from: &mut impl Read, end: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(end) {
        match from.read(&mut byte) {
            Ok(1) => heard.push(byte[0]),
            _ => break,
        }
    }
    heard
}

/// Reads a STOMP frame whose body holds no NUL.
pub fn read_frame(from: &mut impl Read) -> String {
    let frame = String::from_utf8(read_to(from, b"\0")).unwrap();
    frame.trim_start_matches('\n').to_owned()
}

/// The value of a header of a frame as it stands on the wire.
pub fn header<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = frame.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

pub fn say(to: &mut impl Write, text: &str) {
    // Who was told enough may be gone.
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).ok();
}

/// Answers the first request with a status, as a web server or proxy does.
pub fn http(status: &'static str, headers: &'static str) -> SocketAddr {
    listen(move |mut tcp| {
        if !read_to(&mut tcp, b"\r\n\r\n").is_empty() {
            let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n");
            say(&mut tcp, &answer);
        }
    })
}

/// A STOMP server over TCP: `answer` gives what to say to each frame after CONNECT; `None` closes.
pub fn stomp(
    connected: &'static str,
    answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> SocketAddr {
    listen(move |mut tcp| converse(&mut tcp, connected, &answer))
}

pub fn converse(
    link: &mut (impl Read + Write),
    connected: &str,
    answer: &dyn Fn(&str) -> Option<String>,
) {
    let first = read_frame(link);
    if !first.starts_with("CONNECT\n") {
        // RabbitMQ's words for what is no command.
        say(link, "ERROR\nmessage:Bad command\n\n\0\n");
        return;
    }
    say(link, connected);
    loop {
        let frame = read_frame(link);
        if frame.is_empty() {
            return;
        }
        match answer(&frame) {
            Some(answer) => say(link, &answer),
            None => return,
        }
    }
}

/// The receipt that a frame asks for, or nothing.
#[allow(clippy::unnecessary_wraps, reason = "an answer of `stomp`")]
pub fn receipt(frame: &str) -> Option<String> {
    let id = header(frame, "receipt");
    Some(id.map_or_else(String::new, |id| {
        format!("RECEIPT\nreceipt-id:{id}\n\n\0\n")
    }))
}

pub const CONNECTED: &str = "CONNECTED\nversion:1.2\nserver:Scripted/1\nheart-beat:0,0\n\n\0\n";

/// A certificate and its key.
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    der: CertificateDer<'static>,
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// Signed by itself, for `localhost`.
    pub fn new(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        Self::made(change, None)
    }

    /// A server's that asks its clients for this certificate.
    pub fn demanding(client: &Self) -> Self {
        Self::made(|_| {}, Some(client))
    }

    fn made(change: impl FnOnce(&mut rcgen::CertificateParams), clients: Option<&Self>) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = RootCertStore::empty();
                roots.add(client.der.clone()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: chain[0].clone(),
            config: Arc::new(builder.with_single_cert(chain, der).unwrap()),
        }
    }

    /// A STOMP server over TLS that confirms everything.
    pub fn stomps(&self) -> SocketAddr {
        let config = Arc::clone(&self.config);
        listen(move |tcp| {
            let server = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut link = StreamOwned::new(server, tcp);
            converse(&mut link, CONNECTED, &receipt);
        })
    }
}
