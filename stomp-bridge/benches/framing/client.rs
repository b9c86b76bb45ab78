//! The library's modules of the client, but open to this bench: those that it drives, and those that these need.

#[path = "../../src/client/codec.rs"]
pub(crate) mod codec;
#[path = "../../src/client/connect.rs"]
pub(crate) mod connect;
#[path = "../../src/client/connection.rs"]
mod connection;
#[path = "../../src/client/credentials.rs"]
mod credentials;
#[path = "../../src/client/destination.rs"]
mod destination;
#[path = "../../src/client/event.rs"]
pub(crate) mod event;
#[path = "../../src/client/publication.rs"]
mod publication;
#[path = "../../src/client/session.rs"]
pub(crate) mod session;
#[path = "../../src/client/tls.rs"]
mod tls;
#[path = "../../src/client/transport.rs"]
mod transport;
#[path = "../../src/client/url.rs"]
mod url;
#[path = "../../src/client/ws_io.rs"]
mod ws_io;

pub(crate) use credentials::CredentialsProvider;
pub(crate) use destination::Destination;
pub(crate) use publication::Publication;
