//! A peer that says exactly what it is told to.

use super::soon;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use stomp_bridge::frame::{Command, Frame, Limits, Parser};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub struct Raw {
    pub ws: WebSocketStream<TcpStream>,
    parser: Parser,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Frame(Frame),
    Closed(Option<u16>),
}

impl Raw {
    /// Opens a WebSocket; gives the subprotocol that the server chose too.
    pub async fn open(addr: SocketAddr, offered: &str) -> Result<(Self, Option<String>), Error> {
        let mut request = format!("ws://{addr}/ws").into_client_request()?;
        let offered = HeaderValue::from_str(offered).unwrap();
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", offered);
        let tcp = TcpStream::connect(addr).await?;
        let (ws, answer) = client_async(request, tcp).await?;
        let chosen = answer.headers().get("Sec-WebSocket-Protocol");
        let chosen = chosen.map(|v| v.to_str().unwrap().to_owned());
        let limits = Limits {
            max_frame_bytes: 1 << 20,
            ..Limits::default()
        };
        Ok((
            Self {
                ws,
                parser: Parser::new(limits),
            },
            chosen,
        ))
    }

    pub async fn log_in(addr: SocketAddr, login: &str, passcode: &str) -> Self {
        let (mut raw, _) = Self::open(addr, "v12.stomp").await.unwrap();
        raw.say(&format!(
            "CONNECT\naccept-version:1.2\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        assert_eq!(raw.frame().await.command, Command::Connected);
        raw
    }

    /// Subscribes and waits for the receipt.
    pub async fn subscribe(&mut self, destination: &str) {
        self.say(&format!(
            "SUBSCRIBE\nid:0\ndestination:{destination}\nreceipt:sub\n\n\0"
        ))
        .await;
        assert_eq!(self.frame().await.header("receipt-id"), Some("sub"));
    }

    pub async fn say(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    pub async fn hear(&mut self) -> Heard {
        soon(async {
            loop {
                if let Some(frame) = self.parser.next_frame().unwrap() {
                    return Heard::Frame(frame);
                }
                match self.ws.next().await {
                    Some(Ok(Message::Text(text))) => self.parser.push(text.as_bytes()),
                    Some(Ok(Message::Binary(bytes))) => self.parser.push(&bytes),
                    Some(Ok(Message::Close(frame))) => {
                        return Heard::Closed(frame.map(|f| f.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Heard::Closed(None),
                }
            }
        })
        .await
    }

    pub async fn frame(&mut self) -> Frame {
        match self.hear().await {
            Heard::Frame(frame) => frame,
            Heard::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    /// The ERROR's `message`, after which the close must come.
    pub async fn error(&mut self) -> String {
        let error = self.frame().await;
        assert_eq!(error.command, Command::Error, "{error:?}");
        assert_eq!(self.hear().await, Heard::Closed(Some(1008)));
        error.header("message").unwrap().to_owned()
    }
}
