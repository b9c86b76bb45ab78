//! How to connect.

use super::identity::ClientIdentity;
use super::proxy::ProxyChoice;
use super::tls::ExtraRoots;
use crate::frame::Limits;
use std::time::Duration;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// For the whole attempt, from the name's resolution to CONNECTED. 10 s.
    pub connect_timeout: Duration,
    /// How often the broker and we are to beat; zero for none. 10 s. Over WebSocket we beat without
    /// announcing it, since announced beats make RabbitMQ 3.10.8 drop a fast publisher. STOMP 1.0
    /// has no heart-beats.
    pub heartbeat: Duration,
    /// Authorities to trust besides the public ones.
    pub extra_roots: ExtraRoots,
    /// Our certificate, for a server that asks for one. None.
    pub identity: Option<ClientIdentity>,
    /// The way to the broker. Direct; the environment is not looked at.
    pub proxy: ProxyChoice,
    /// What a frame from the broker may hold. 1 MiB, 256 headers of 16 KiB.
    pub limits: Limits,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
            extra_roots: ExtraRoots::default(),
            identity: None,
            proxy: ProxyChoice::Direct,
            limits: Limits {
                max_frame_bytes: 1024 * 1024,
                max_headers: 256,
                max_header_bytes: 16 * 1024,
            },
        }
    }
}
