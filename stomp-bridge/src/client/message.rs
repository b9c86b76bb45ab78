//! Between async-stomp's messages and our own frames, and what must be true of a message before it
//! is written.

use crate::frame::{Command, Frame, FrameError, Version};
use async_stomp::{AckMode, FromServer, Message, ToServer};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum CodecError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{command} without the header {header}")]
    Missing {
        command: &'static str,
        header: &'static str,
    },
    #[error("the server sent {0}, which is a client's command")]
    NotFromServer(&'static str),
    #[error("the server's frame is not understood: {0}")]
    Server(String),
    #[error("content-length is not the length of the body")]
    UntrueLength,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A server's frame as async-stomp has it. `extra_headers` are without escapes.
pub(crate) fn from_frame(
    frame: Frame,
    version: Version,
) -> Result<Message<FromServer>, CodecError> {
    let command = frame.command.as_str();
    let header = |name: &str| frame.header(name).map(str::to_owned);
    let required = |name: &'static str| {
        header(name).ok_or(CodecError::Missing {
            command,
            header: name,
        })
    };
    let body = (!frame.body.is_empty()).then(|| Vec::from(frame.body.clone()));
    let content = match frame.command {
        Command::Connected => FromServer::Connected {
            // A server that speaks 1.0 alone knows no such header.
            version: header("version").unwrap_or_else(|| Version::V1_0.to_string()),
            session: header("session"),
            server: header("server"),
            heartbeat: header("heart-beat"),
        },
        Command::Message => FromServer::Message {
            destination: required("destination")?,
            message_id: required("message-id")?,
            subscription: match version {
                // Told only where the subscription has an id.
                Version::V1_0 => header("subscription").unwrap_or_default(),
                Version::V1_1 | Version::V1_2 => required("subscription")?,
            },
            ack: header("ack"),
            headers: frame.headers.clone(),
            body,
        },
        Command::Receipt => FromServer::Receipt {
            receipt_id: required("receipt-id")?,
        },
        Command::Error => FromServer::Error {
            message: header("message"),
            body,
        },
        _ => return Err(CodecError::NotFromServer(command)),
    };
    let extra_headers = frame
        .headers
        .into_iter()
        .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
        .collect();
    Ok(Message {
        content,
        extra_headers,
    })
}

/// A client's message as our own frame.
pub(crate) fn to_frame(message: Message<ToServer>) -> Result<Frame, CodecError> {
    let with = |command, headers: &[(&str, Option<String>)]| {
        let mut frame = Frame::new(command);
        for (name, value) in headers {
            if let Some(value) = value {
                frame.headers.push(((*name).to_owned(), value.clone()));
            }
        }
        frame
    };
    let mut frame = match message.content {
        ToServer::Connect {
            accept_version,
            host,
            login,
            passcode,
            heartbeat,
        } => with(
            Command::Connect,
            &[
                ("accept-version", Some(accept_version)),
                ("host", Some(host)),
                ("login", login),
                ("passcode", passcode),
                (
                    "heart-beat",
                    heartbeat.map(|(out, back)| format!("{out},{back}")),
                ),
            ],
        ),
        ToServer::Send {
            destination,
            transaction,
            headers,
            body,
        } => {
            let mut frame = with(
                Command::Send,
                &[
                    ("destination", Some(destination)),
                    ("transaction", transaction),
                ],
            );
            frame.headers.extend(headers.unwrap_or_default());
            frame.with_body(body.unwrap_or_default())
        }
        ToServer::Subscribe {
            destination,
            id,
            ack,
        } => {
            let ack = ack.map(|mode| match mode {
                AckMode::Auto => "auto".to_owned(),
                AckMode::Client => "client".to_owned(),
                AckMode::ClientIndividual => "client-individual".to_owned(),
            });
            let headers = [
                ("destination", Some(destination)),
                ("id", Some(id)),
                ("ack", ack),
            ];
            with(Command::Subscribe, &headers)
        }
        ToServer::Unsubscribe { id } => with(Command::Unsubscribe, &[("id", Some(id))]),
        ToServer::Ack { id, transaction } => with(
            Command::Ack,
            &[("id", Some(id)), ("transaction", transaction)],
        ),
        ToServer::Nack { id, transaction } => with(
            Command::Nack,
            &[("id", Some(id)), ("transaction", transaction)],
        ),
        ToServer::Begin { transaction } => {
            with(Command::Begin, &[("transaction", Some(transaction))])
        }
        ToServer::Commit { transaction } => {
            with(Command::Commit, &[("transaction", Some(transaction))])
        }
        ToServer::Abort { transaction } => {
            with(Command::Abort, &[("transaction", Some(transaction))])
        }
        ToServer::Disconnect { receipt } => with(Command::Disconnect, &[("receipt", receipt)]),
    };
    for (name, value) in message.extra_headers {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| unencodable("an extra header"));
        frame.headers.push((text(name)?, text(value)?));
    }
    Ok(frame)
}

/// What `ClientCodec` would write as it stands, and must not.
pub(crate) fn check(message: &Message<ToServer>) -> Result<(), CodecError> {
    for (n, (name, value)) in message.extra_headers.iter().enumerate() {
        let before = &message.extra_headers[..n];
        if name.is_empty() || before.iter().any(|(other, _)| other == name) {
            return Err(unencodable(&String::from_utf8_lossy(name)));
        }
        if name.contains(&0) || value.contains(&0) {
            return Err(unencodable(&String::from_utf8_lossy(name)));
        }
    }
    match &message.content {
        ToServer::Connect {
            accept_version,
            host,
            login,
            passcode,
            ..
        } => {
            // No escapes there: a line break would begin a header.
            for (name, value) in [
                ("accept-version", Some(accept_version)),
                ("host", Some(host)),
                ("login", login.as_ref()),
                ("passcode", passcode.as_ref()),
            ] {
                if value.is_some_and(|value| value.contains(['\r', '\n', '\0'])) {
                    return Err(unencodable(name));
                }
            }
            Ok(())
        }
        ToServer::Send {
            destination,
            transaction,
            headers,
            body,
        } => {
            let body_len = body.as_ref().map_or(0, Vec::len);
            check_send(headers.as_deref().unwrap_or_default(), body_len)?;
            free_of_nul(&[Some(destination), transaction.as_ref()])
        }
        ToServer::Subscribe {
            destination, id, ..
        } => free_of_nul(&[Some(destination), Some(id)]),
        ToServer::Unsubscribe { id } => free_of_nul(&[Some(id)]),
        ToServer::Ack { id, transaction } | ToServer::Nack { id, transaction } => {
            free_of_nul(&[Some(id), transaction.as_ref()])
        }
        ToServer::Begin { transaction }
        | ToServer::Commit { transaction }
        | ToServer::Abort { transaction } => free_of_nul(&[Some(transaction)]),
        ToServer::Disconnect { receipt } => free_of_nul(&[receipt.as_ref()]),
    }
}

/// Each name once and none empty or reserved, and the body's true length among them.
fn check_send(headers: &[(String, String)], body_len: usize) -> Result<(), CodecError> {
    let mut told = None;
    for (n, (name, value)) in headers.iter().enumerate() {
        let reserved = matches!(name.as_str(), "" | "destination" | "transaction");
        if reserved || headers[..n].iter().any(|(other, _)| other == name) {
            return Err(unencodable(name));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(unencodable(name));
        }
        if name == "content-length" {
            told = Some(value.as_str());
        }
    }
    match told.map(str::parse::<usize>) {
        Some(Ok(length)) if body_len == length => Ok(()),
        _ => Err(CodecError::UntrueLength),
    }
}

fn free_of_nul(texts: &[Option<&String>]) -> Result<(), CodecError> {
    if texts.iter().flatten().any(|text| text.contains('\0')) {
        return Err(unencodable("a header with NUL"));
    }
    Ok(())
}

fn unencodable(name: &str) -> CodecError {
    let name = name.chars().take(40).collect();
    FrameError::Unencodable { name }.into()
}
