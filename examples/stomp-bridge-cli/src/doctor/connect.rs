//! The steps to an open session.

use stomp_bridge::client::{ConnectError, Publisher, Step};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

use super::Done;
use crate::broker::Broker;

/// Goes through the steps; each that went well is told.
///
/// # Errors
/// That of the first step that failed.
pub(crate) async fn steps(
    broker: &Broker,
    tell: &mut impl FnMut(Done),
) -> Result<(), ConnectError> {
    let url = &broker.url;
    let host = url.host();
    let dialled = host.trim_start_matches('[').trim_end_matches(']');
    let started = Instant::now();
    let unknown = |reason: String| ConnectError::Resolve {
        host: host.clone(),
        reason,
    };
    let found = timeout(broker.patience, lookup_host((dialled, url.port())))
        .await
        .map_err(|_| ConnectError::TimedOut {
            step: Step::Resolve,
        })?
        .map_err(|error| unknown(error.to_string()))?;
    let addresses: Vec<_> = found.map(|address| address.ip().to_string()).collect();
    if addresses.is_empty() {
        return Err(unknown("it has no address".to_owned()));
    }
    tell(Done {
        step: "name",
        took: started.elapsed(),
        detail: format!("{host} is {}", addresses.join(", ")),
    });

    let started = Instant::now();
    if let Ok(Ok(tcp)) = timeout(broker.patience, TcpStream::connect((dialled, url.port()))).await {
        let detail = match tcp.peer_addr() {
            Ok(peer) => format!("{peer} listens"),
            Err(_) => format!("port {} listens", url.port()),
        };
        tell(Done {
            step: "tcp",
            took: started.elapsed(),
            detail,
        });
    }

    // TLS, WebSocket and STOMP, with the library's own errors.
    let started = Instant::now();
    let server = Publisher::connect_once(url, &broker.options).await?;
    let name = server
        .server
        .as_deref()
        .unwrap_or("a broker without a name");
    tell(Done {
        step: "stomp",
        took: started.elapsed(),
        detail: format!(
            "{name}, STOMP {} by {}",
            server.version,
            url.scheme().as_str()
        ),
    });
    Ok(())
}
