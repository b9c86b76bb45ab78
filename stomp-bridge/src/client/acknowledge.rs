//! ACK and NACK, whose headers differ from version to version.

use super::event::Received;
use super::subscriber::Requeue;
use crate::frame::{Command, Frame, Version};

/// What is said of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was consumed.
    Ack,
    /// It was not.
    Nack(Requeue),
}

/// What ACK and NACK call a message, from its own headers:
///
/// | version | ACK and NACK carry |
/// |---|---|
/// | 1.2 | `id`: the message's `ack` |
/// | 1.1 | `message-id` and `subscription` |
/// | 1.0 | ACK: `message-id`, and `subscription` where the message has it. No NACK |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AckName(Vec<(String, String)>);

impl AckName {
    /// `None` where the message came without what the version needs.
    pub(crate) fn of(message: &Received, version: Version) -> Option<Self> {
        let header = |name: &str| {
            let found = message.headers.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone())
        };
        let own = |name: &str, value| (name.to_owned(), value);
        let mut headers = Vec::with_capacity(2);
        match version {
            Version::V1_2 => headers.push(own("id", header("ack")?)),
            Version::V1_1 => {
                headers.push(own("message-id", header("message-id")?));
                headers.push(own("subscription", header("subscription")?));
            }
            Version::V1_0 => {
                headers.push(own("message-id", header("message-id")?));
                headers.extend(header("subscription").map(|v| own("subscription", v)));
            }
        }
        Some(Self(headers))
    }

    /// The frame that tells the verdict; `None` where the version has none.
    pub(crate) fn frame(&self, verdict: Verdict, version: Version) -> Option<Frame> {
        let command = match (verdict, version) {
            (Verdict::Ack, _) => Command::Ack,
            (Verdict::Nack(_), Version::V1_0) => return None,
            (Verdict::Nack(_), Version::V1_1 | Version::V1_2) => Command::Nack,
        };
        let mut frame = Frame::new(command);
        frame.headers.clone_from(&self.0);
        if verdict == Verdict::Nack(Requeue::DeadLetter) {
            // RabbitMQ's own.
            frame = frame.with("requeue", "false");
        }
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &[(&str, &str)]) -> Received {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        Received {
            destination: "/queue/q".to_owned(),
            headers: headers.iter().map(own).collect(),
            body: bytes::Bytes::new(),
        }
    }

    fn acknowledgement(verdict: Verdict, version: Version, message: &Received) -> Option<Frame> {
        AckName::of(message, version)?.frame(verdict, version)
    }

    #[test]
    fn each_version_has_its_own_headers() {
        let all = message(&[("message-id", "m"), ("subscription", "s"), ("ack", "a")]);
        let said = |verdict, version| {
            let frame: Frame = acknowledgement(verdict, version, &all)?;
            Some((frame.command, frame.headers))
        };
        let own = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
        let by_message = [("message-id", "m"), ("subscription", "s")].map(own);
        assert_eq!(
            said(Verdict::Nack(Requeue::Yes), Version::V1_2),
            Some((Command::Nack, vec![own(("id", "a"))]))
        );
        assert_eq!(
            said(Verdict::Nack(Requeue::Yes), Version::V1_1),
            Some((Command::Nack, by_message.to_vec()))
        );
        assert_eq!(
            said(Verdict::Ack, Version::V1_0),
            Some((Command::Ack, by_message.to_vec()))
        );
        assert_eq!(said(Verdict::Nack(Requeue::Yes), Version::V1_0), None);
    }

    #[test]
    fn what_the_frame_needs_must_be_there() {
        let bare = message(&[("message-id", "m")]);
        for version in [Version::V1_1, Version::V1_2] {
            assert_eq!(acknowledgement(Verdict::Ack, version, &bare), None);
        }
        let ack = acknowledgement(Verdict::Ack, Version::V1_0, &bare).unwrap();
        assert_eq!(ack.header("message-id"), Some("m"));
    }
}
