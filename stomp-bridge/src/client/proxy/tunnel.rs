//! From a connection to the proxy to one through it.

use super::address::{Proxy, ProxyKind};
use super::error::ProxyError;
use super::http::{Head, MAX_HEAD_BYTES, head, request};
use super::socks5::{Destination, Failed, Negotiation, Next};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where the tunnel is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Target {
    Addr(SocketAddr),
    Name { host: String, port: u16 },
}

impl Target {
    /// An address where the text is one.
    pub(in super::super) fn new(host: String, port: u16) -> Self {
        match host.parse::<IpAddr>() {
            Ok(ip) => Self::Addr(SocketAddr::new(ip, port)),
            Err(_) => Self::Name { host, port },
        }
    }
}

/// Host and port, an IPv6 address in brackets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => write!(f, "{addr}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Asks the proxy at the other end of `stream` for a tunnel. Reads no byte that belongs to it.
pub(in super::super) async fn tunnel(
    stream: &mut TcpStream,
    proxy: &Proxy,
    target: &Target,
) -> Result<(), ProxyError> {
    match proxy.kind {
        ProxyKind::Http => connect(stream, proxy, target).await,
        ProxyKind::Socks5 | ProxyKind::Socks5h => socks(stream, proxy, target).await,
    }
}

async fn connect(stream: &mut TcpStream, proxy: &Proxy, target: &Target) -> Result<(), ProxyError> {
    let lost = |e: io::Error| lost(proxy, &e);
    let credentials = proxy.credentials.as_ref();
    let authority = target.to_string();
    let message = request(&authority, credentials);
    stream.write_all(message.as_bytes()).await.map_err(lost)?;
    let status = read_status(stream, proxy).await?;
    let name = proxy.to_string();
    match status {
        200..=299 => Ok(()),
        407 if credentials.is_none() => Err(ProxyError::CredentialsWanted { proxy: name }),
        407 => Err(ProxyError::CredentialsRefused { proxy: name }),
        status => Err(ProxyError::HttpStatus {
            proxy: name,
            target: authority,
            status,
        }),
    }
}

/// Looks at bytes before it takes them, so that the tunnel's own stay in the socket.
async fn read_status(stream: &mut TcpStream, proxy: &Proxy) -> Result<u16, ProxyError> {
    let mut taken = Vec::with_capacity(256);
    let mut fresh = [0; 1024];
    loop {
        let n = stream.peek(&mut fresh).await.map_err(|e| lost(proxy, &e))?;
        if n == 0 {
            return Err(lost(proxy, &io::ErrorKind::UnexpectedEof.into()));
        }
        let before = taken.len();
        let room = MAX_HEAD_BYTES.saturating_sub(before).min(n);
        taken.extend_from_slice(&fresh[..room]);
        let (take, status) = match head(&taken) {
            Head::Garbled => return Err(garbled(proxy, "no HTTP/1 answer to CONNECT")),
            Head::NeedMore => (room, None),
            Head::Whole { len, status } => (len - before, Some(status)),
        };
        stream
            .read_exact(&mut fresh[..take])
            .await
            .map_err(|e| lost(proxy, &e))?;
        if let Some(status) = status {
            return Ok(status);
        }
    }
}

async fn socks(stream: &mut TcpStream, proxy: &Proxy, target: &Target) -> Result<(), ProxyError> {
    let destination = match target {
        Target::Addr(addr) => Destination::Addr(*addr),
        Target::Name { host, port } => Destination::Name(host, *port),
    };
    let (mut negotiation, mut next) = Negotiation::begin(destination, proxy.credentials.as_ref());
    while let Next::Exchange(message, wanted) = next {
        let exchange = async {
            stream.write_all(&message).await?;
            let mut answer = vec![0; wanted];
            stream.read_exact(&mut answer).await?;
            Ok(answer)
        };
        let answer = exchange.await.map_err(|e| lost(proxy, &e))?;
        next = negotiation
            .handle(&answer)
            .map_err(|failed| socks_error(proxy, target, failed))?;
    }
    Ok(())
}

fn socks_error(proxy: &Proxy, target: &Target, failed: Failed) -> ProxyError {
    let name = proxy.to_string();
    match failed {
        Failed::CredentialsWanted => ProxyError::CredentialsWanted { proxy: name },
        Failed::CredentialsRefused => ProxyError::CredentialsRefused { proxy: name },
        Failed::Reply(reply) => ProxyError::Socks {
            proxy: name,
            target: target.to_string(),
            reply,
        },
        Failed::NameTooLong => garbled(proxy, "the broker's name is too long for SOCKS5"),
        Failed::Garbled(what) => garbled(proxy, what),
    }
}

fn lost(proxy: &Proxy, error: &io::Error) -> ProxyError {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        _ => error.to_string(),
    };
    ProxyError::Garbled {
        proxy: proxy.to_string(),
        what,
    }
}

fn garbled(proxy: &Proxy, what: &str) -> ProxyError {
    ProxyError::Garbled {
        proxy: proxy.to_string(),
        what: what.to_owned(),
    }
}
