//! A STOMP server over plain TCP that does what a test tells it to.

use super::soon;
use stomp_bridge::client::BrokerUrl;
use stomp_bridge::frame::{Command, Frame, Limits, Parser, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Script {
    listener: TcpListener,
}

impl Script {
    pub async fn listen() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub fn url(&self) -> BrokerUrl {
        let addr = self.listener.local_addr().unwrap();
        format!("stomp://u:secret-passcode@{addr}").parse().unwrap()
    }

    pub fn addr(&self) -> std::net::SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub async fn accept_tcp(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    /// Accepts, reads CONNECT, answers CONNECTED.
    pub async fn accept(&self, heart_beat: &str) -> Peer {
        self.accept_speaking("1.2", heart_beat).await
    }

    /// As a server of an older version.
    pub async fn accept_speaking(&self, version: &str, heart_beat: &str) -> Peer {
        let mut peer = Peer::new(self.accept_tcp().await);
        let connect = peer.frame().await;
        assert_eq!(connect.command, Command::Connect);
        peer.connect = Some(connect);
        let connected = Frame::new(Command::Connected)
            .with("version", version)
            .with("heart-beat", heart_beat);
        peer.say(&connected).await;
        peer
    }
}

pub struct Peer {
    pub tcp: TcpStream,
    pub connect: Option<Frame>,
    parser: Parser,
}

impl Peer {
    pub fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            connect: None,
            parser: Parser::new(Limits::default()),
        }
    }

    pub async fn say(&mut self, frame: &Frame) {
        self.tcp
            .write_all(&frame.encode(Version::V1_2).unwrap())
            .await
            .unwrap();
    }

    pub async fn receipt_for(&mut self, frame: &Frame) {
        let id = frame.header("receipt").unwrap();
        self.say(&Frame::new(Command::Receipt).with("receipt-id", id))
            .await;
    }

    pub async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame, not the end")
    }

    pub async fn next(&mut self) -> Option<Frame> {
        soon(async {
            loop {
                if let Some(frame) = self.parser.next_frame().unwrap() {
                    return Some(frame);
                }
                let mut bytes = [0; 4096];
                match self.tcp.read(&mut bytes).await {
                    Ok(0) | Err(_) => return None,
                    Ok(n) => self.parser.push(&bytes[..n]),
                }
            }
        })
        .await
    }
}
