//! A STOMP client over plain TCP that says exactly what it is told to.

use super::soon;
use std::net::SocketAddr;
use stomp_bridge::frame::{Command, Frame, Limits, Parser, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Tcp {
    pub socket: TcpStream,
    parser: Parser,
    receipts: u32,
}

impl Tcp {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap())
    }

    pub fn over(socket: TcpStream) -> Self {
        let limits = Limits {
            max_frame_bytes: 1 << 20,
            ..Limits::default()
        };
        Self {
            socket,
            parser: Parser::new(limits),
            receipts: 0,
        }
    }

    pub async fn log_in(addr: SocketAddr, login: &str, passcode: &str, version: &str) -> Self {
        let mut tcp = Self::connect(addr).await;
        tcp.log_in_as(login, passcode, version).await;
        tcp
    }

    pub async fn log_in_as(&mut self, login: &str, passcode: &str, version: &str) {
        self.say(&format!(
            "CONNECT\naccept-version:{version}\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        let connected = self.frame().await;
        assert_eq!(connected.command, Command::Connected, "{connected:?}");
        assert_eq!(connected.header("version"), Some(version));
        self.parser.set_version(Version::best_of(version).unwrap());
    }

    pub async fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Frame> {
        soon(async {
            loop {
                if let Some(frame) = self.parser.next_frame().unwrap() {
                    return Some(frame);
                }
                let mut bytes = [0; 4096];
                match self.socket.read(&mut bytes).await {
                    Ok(0) | Err(_) => return None,
                    Ok(n) => self.parser.push(&bytes[..n]),
                }
            }
        })
        .await
    }

    pub async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame, not the end")
    }

    /// Says a frame, of which `head` are the first lines, and waits for its receipt. Gives what
    /// else came before it.
    pub async fn done(&mut self, head: &str, body: &str) -> Vec<Frame> {
        self.receipts += 1;
        let receipt = format!("r{}", self.receipts);
        self.say(&format!("{head}\nreceipt:{receipt}\n\n{body}\0"))
            .await;
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame.header("receipt-id") == Some(&receipt) {
                return before;
            }
            assert_ne!(frame.command, Command::Error, "{head:?}: {frame:?}");
            before.push(frame);
        }
    }

    /// The next MESSAGE's body, with nothing before it.
    pub async fn message(&mut self) -> (Frame, String) {
        let frame = self.frame().await;
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let body = String::from_utf8(frame.body.to_vec()).unwrap();
        (frame, body)
    }

    /// The ERROR's `message` and body.
    pub async fn error(&mut self) -> (String, String) {
        loop {
            let frame = self.frame().await;
            if frame.command == Command::Error {
                let body = String::from_utf8(frame.body.to_vec()).unwrap();
                assert_eq!(frame.header("version"), Some("1.0,1.1,1.2"));
                assert_eq!(frame.header("content-type"), Some("text/plain"));
                return (frame.header("message").unwrap().to_owned(), body);
            }
        }
    }
}
