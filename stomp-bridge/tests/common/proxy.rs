//! Two proxies, small and strict: they know one user, and look names up in a table of their own.

use super::soon;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// `me:s3cret`, as Basic credentials have it.
const BASIC: &str = "Basic bWU6czNjcmV0";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Http,
    Socks5,
}

/// Who may pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nobody,
    MeWithSecret,
}

pub struct ProxyServer {
    pub addr: SocketAddr,
    /// What was asked for, in the order of the requests.
    pub asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Rules {
    speaks: Speaks,
    asks: Asks,
    behind: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    /// `mq.invalid:1`, a name that only this proxy knows, and `behind` itself lead to `behind`.
    pub async fn before(behind: SocketAddr, speaks: Speaks, asks: Asks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let rules = Rules {
            speaks,
            asks,
            behind,
            asked: Arc::clone(&asked),
        };
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(rules.clone().serve(client));
            }
        });
        Self { addr, asked, task }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rules {
    async fn serve(self, mut client: TcpStream) {
        let served = match self.speaks {
            Speaks::Http => self.http(&mut client).await,
            Speaks::Socks5 => self.socks5(&mut client).await,
        };
        if let Some(mut behind) = served {
            copy_bidirectional(&mut client, &mut behind).await.ok();
        }
    }

    async fn way(&self, target: &str) -> Option<TcpStream> {
        self.asked.lock().unwrap().push(target.to_owned());
        let known = target == "mq.invalid:1" || target == self.behind.to_string();
        let localhost = target == format!("localhost:{}", self.behind.port());
        if !known && !localhost {
            return None;
        }
        TcpStream::connect(self.behind).await.ok()
    }

    async fn http(&self, client: &mut TcpStream) -> Option<TcpStream> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(client.read_u8()).await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let target = lines
            .next()?
            .strip_prefix("CONNECT ")?
            .strip_suffix(" HTTP/1.1")?;
        assert_eq!(lines.next()?, format!("Host: {target}"));
        let shown = lines.find_map(|l| l.strip_prefix("Proxy-Authorization: "));
        if self.asks == Asks::MeWithSecret && shown != Some(BASIC) {
            let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                            Proxy-Authenticate: Basic realm=x\r\n\r\n";
            client.write_all(refusal).await.ok()?;
            return None;
        }
        let Some(behind) = self.way(target).await else {
            client
                .write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                .await
                .ok()?;
            return None;
        };
        // In pieces, as a slow one would.
        for piece in [
            &b"HTTP/1.1 200 Conn"[..],
            b"ection established\r\nVia: x\r",
            b"\n\r\n",
        ] {
            client.write_all(piece).await.ok()?;
            tokio::task::yield_now().await;
        }
        Some(behind)
    }

    async fn socks5(&self, client: &mut TcpStream) -> Option<TcpStream> {
        let mut greeting = [0; 2];
        soon(client.read_exact(&mut greeting)).await.ok()?;
        assert_eq!(greeting[0], 5);
        let mut methods = vec![0; greeting[1].into()];
        soon(client.read_exact(&mut methods)).await.ok()?;
        let method = match self.asks {
            Asks::Nobody => 0,
            Asks::MeWithSecret => 2,
        };
        if !methods.contains(&method) {
            client.write_all(&[5, 0xff]).await.ok()?;
            return None;
        }
        client.write_all(&[5, method]).await.ok()?;
        if self.asks == Asks::MeWithSecret {
            assert_eq!(soon(client.read_u8()).await.ok()?, 1);
            let (user, password) = (text(client).await?, text(client).await?);
            let known = (user.as_str(), password.as_str()) == ("me", "s3cret");
            client.write_all(&[1, u8::from(!known)]).await.ok()?;
            if !known {
                return None;
            }
        }
        let mut request = [0; 4];
        soon(client.read_exact(&mut request)).await.ok()?;
        assert_eq!(request[..3], [5, 1, 0]);
        let host = match request[3] {
            1 => std::net::Ipv4Addr::from(soon(client.read_u32()).await.ok()?).to_string(),
            4 => format!(
                "[{}]",
                std::net::Ipv6Addr::from(soon(client.read_u128()).await.ok()?)
            ),
            3 => text(client).await?,
            other => panic!("address kind {other}"),
        };
        let port = soon(client.read_u16()).await.ok()?;
        let behind = self.way(&format!("{host}:{port}")).await;
        let reply = if behind.is_some() { 0 } else { 2 };
        // Its bound address is a name, which nobody expects and the protocol allows.
        client
            .write_all(&[5, reply, 0, 3, 2, b'h', b'i', 0, 1])
            .await
            .ok()?;
        behind
    }
}

async fn text(client: &mut TcpStream) -> Option<String> {
    let len = soon(client.read_u8()).await.ok()?;
    let mut bytes = vec![0; len.into()];
    soon(client.read_exact(&mut bytes)).await.ok()?;
    String::from_utf8(bytes).ok()
}
