//! SOCKS5 (RFC 1928) with user and password (RFC 1929): the client's half, bytes in and out.

use super::super::credentials::Credentials;
use super::error::SocksReply;
use std::net::{IpAddr, SocketAddr};
use zeroize::Zeroizing;

const VERSION: u8 = 5;
const NO_CREDENTIALS: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Where the proxy is to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    Addr(SocketAddr),
    /// A name of at most 255 bytes, for the proxy to look up.
    Name(&'a str, u16),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send these bytes, which may be none, then read exactly so many.
    Exchange(Zeroizing<Vec<u8>>, usize),
    /// The way is open.
    Open,
}

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    CredentialsWanted,
    CredentialsRefused,
    Reply(SocksReply),
    NameTooLong,
    Garbled(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum State {
    Method,
    Password,
    Reply,
    /// The rest of the reply: an address that means nothing to us.
    Bound,
}

pub(super) struct Negotiation<'a> {
    destination: Destination<'a>,
    credentials: Option<&'a Credentials>,
    state: State,
}

impl<'a> Negotiation<'a> {
    /// Begins; the first step is to be done at once.
    pub(super) fn begin(
        destination: Destination<'a>,
        credentials: Option<&'a Credentials>,
    ) -> (Self, Next) {
        let greeting = match credentials {
            None => vec![VERSION, 1, NO_CREDENTIALS],
            Some(_) => vec![VERSION, 2, NO_CREDENTIALS, USER_AND_PASSWORD],
        };
        let begun = Self {
            destination,
            credentials,
            state: State::Method,
        };
        (begun, Next::Exchange(greeting.into(), 2))
    }

    /// Takes exactly the bytes that were asked for.
    pub(super) fn handle(&mut self, bytes: &[u8]) -> Result<Next, Failed> {
        match (self.state, bytes) {
            (State::Method, [VERSION, NO_CREDENTIALS]) | (State::Password, [1, 0]) => self.ask(),
            (State::Method, [VERSION, USER_AND_PASSWORD]) => {
                let credentials = self
                    .credentials
                    .ok_or(Failed::Garbled("it chose a method that was not offered"))?;
                self.state = State::Password;
                let mut message = Zeroizing::new(vec![1]);
                for text in [credentials.login(), credentials.passcode()] {
                    let len = u8::try_from(text.len()).map_err(|_| Failed::CredentialsRefused)?;
                    message.push(len);
                    message.extend_from_slice(text.as_bytes());
                }
                Ok(Next::Exchange(message, 2))
            }
            (State::Method, [VERSION, NONE_ACCEPTABLE]) => Err(match self.credentials {
                None => Failed::CredentialsWanted,
                Some(_) => Failed::CredentialsRefused,
            }),
            (State::Method, _) => Err(Failed::Garbled("it does not speak SOCKS5")),
            (State::Password, [1, _]) => Err(Failed::CredentialsRefused),
            (State::Password, _) => Err(Failed::Garbled("a wrong answer to user and password")),
            (State::Reply, [VERSION, 0, _, kind, first]) => {
                self.state = State::Bound;
                // The first byte of the address is read already; it is the length of a name.
                let address = match *kind {
                    IPV4 => 4,
                    IPV6 => 16,
                    NAME => 1 + usize::from(*first),
                    _ => return Err(Failed::Garbled("an unknown kind of address")),
                };
                Ok(Next::Exchange(Vec::new().into(), address - 1 + 2))
            }
            (State::Reply, [VERSION, code, ..]) => Err(Failed::Reply(SocksReply::from_code(*code))),
            (State::Reply, _) => Err(Failed::Garbled("a wrong answer to CONNECT")),
            (State::Bound, _) => Ok(Next::Open),
        }
    }

    fn ask(&mut self) -> Result<Next, Failed> {
        self.state = State::Reply;
        let mut message = vec![VERSION, CONNECT, 0];
        let port = match &self.destination {
            Destination::Addr(addr) => {
                match addr.ip() {
                    IpAddr::V4(ip) => {
                        message.push(IPV4);
                        message.extend_from_slice(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        message.push(IPV6);
                        message.extend_from_slice(&ip.octets());
                    }
                }
                addr.port()
            }
            Destination::Name(name, port) => {
                let len = u8::try_from(name.len()).map_err(|_| Failed::NameTooLong)?;
                message.extend_from_slice(&[NAME, len]);
                message.extend_from_slice(name.as_bytes());
                *port
            }
        };
        message.extend_from_slice(&port.to_be_bytes());
        Ok(Next::Exchange(message.into(), 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(sent: &[u8], wanted: usize) -> Next {
        Next::Exchange(sent.to_vec().into(), wanted)
    }

    #[test]
    fn a_name_is_asked_for_with_user_and_password() {
        let credentials = Credentials::new("me", "pw").unwrap();
        let name = Destination::Name("mq.example", 15674);
        let (mut socks, first) = Negotiation::begin(name, Some(&credentials));
        assert_eq!(first, exchange(&[5, 2, 0, 2], 2));
        assert_eq!(socks.handle(&[5, 2]), Ok(exchange(b"\x01\x02me\x02pw", 2)));
        let ask = exchange(b"\x05\x01\x00\x03\x0amq.example\x3d\x3a", 5);
        assert_eq!(socks.handle(&[1, 0]), Ok(ask));
        // A bound address of each kind: what is left of it, and its port.
        for (kind, first, left) in [(1, 127, 5), (4, 0, 17), (3, 9, 11)] {
            socks.state = State::Reply;
            assert_eq!(
                socks.handle(&[5, 0, 0, kind, first]),
                Ok(exchange(b"", left))
            );
            assert_eq!(socks.handle(&vec![0; left]), Ok(Next::Open));
        }
    }

    #[test]
    fn addresses_are_asked_for_as_bytes() {
        for (addr, wire) in [
            (
                "127.0.0.1:258",
                b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\x02".as_slice(),
            ),
            (
                "[::1]:1",
                b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01",
            ),
        ] {
            let addr = Destination::Addr(addr.parse().unwrap());
            let (mut socks, first) = Negotiation::begin(addr, None);
            assert_eq!(first, exchange(&[5, 1, 0], 2));
            assert_eq!(socks.handle(&[5, 0]), Ok(exchange(wire, 5)));
        }
    }

    #[test]
    fn each_refusal_has_its_name() {
        let credentials = Credentials::new("me", "pw").unwrap();
        let begin = |credentials, state| {
            let (mut socks, _) = Negotiation::begin(Destination::Name("h", 1), credentials);
            socks.state = state;
            socks
        };
        let with = Some(&credentials);
        for (credentials, state, bytes, failed) in [
            (
                None,
                State::Method,
                &[5, 0xff][..],
                Failed::CredentialsWanted,
            ),
            (with, State::Method, &[5, 0xff], Failed::CredentialsRefused),
            (with, State::Password, &[1, 1], Failed::CredentialsRefused),
            (
                with,
                State::Reply,
                &[5, 2, 0, 1, 0],
                Failed::Reply(SocksReply::NotAllowed),
            ),
            (
                with,
                State::Reply,
                &[5, 99, 0, 1, 0],
                Failed::Reply(SocksReply::Other(99)),
            ),
        ] {
            assert_eq!(begin(credentials, state).handle(bytes), Err(failed));
        }
        for (state, bytes) in [
            (State::Method, &b"HT"[..]),
            (State::Method, &[5, 2]),
            (State::Password, &[5, 0]),
            (State::Reply, &[4, 90, 0, 0, 0]),
            (State::Reply, &[5, 0, 0, 9, 0]),
        ] {
            let got = begin(None, state).handle(bytes);
            assert!(matches!(got, Err(Failed::Garbled(_))), "{got:?}");
        }
        let long = "x".repeat(256);
        let (mut socks, _) = Negotiation::begin(Destination::Name(&long, 1), None);
        assert_eq!(socks.handle(&[5, 0]), Err(Failed::NameTooLong));
    }
}
