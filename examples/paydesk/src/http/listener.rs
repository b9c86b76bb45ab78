//! The accept loop: a permit before each accept, time-outs on every connection, and a drain.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Open HTTP connections at once; a WebSocket gives its permit back when it is upgraded, and the broker counts it.
const CONNECTIONS_MAX: usize = 4096;
/// From the first byte of a request, or the end of the one before, to the end of its head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may say nothing at all. Hyper's own time-out begins with a head's first byte. Above the broker's
/// ping interval, since a WebSocket stays on this socket.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);
/// What a request's head may hold.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How long requests under way are given at the end.
const DRAIN: Duration = Duration::from_secs(8);
/// The pause after an accept that failed, doubled up to [`ACCEPT_PAUSE_MAX`]: out of file handles is not mended by haste.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets what is under way finish. Hyper's time-outs count only with a timer, and axum's own
/// `serve` installs none.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut pause = ACCEPT_PAUSE;
    while let Some(permit) = next_permit(&permits, &stop).await {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                pause = ACCEPT_PAUSE;
                connection(socket, peer, router.clone(), permit, &graceful);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn next_permit(
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        () = stop.cancelled() => None,
        permit = permits.clone().acquire_owned() => permit.ok(),
    }
}

fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    permit: OwnedSemaphorePermit,
    graceful: &GracefulShutdown,
) {
    // A reply to the gateway is one small packet: it must not wait for the next.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut socket = TimeoutStream::new(socket);
    socket.set_read_timeout(Some(SILENCE_TIMEOUT));
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    let served = http
        .serve_connection_with_upgrades(TokioIo::new(Box::pin(socket)), service)
        .into_owned();
    let served = graceful.watch(served);
    tokio::spawn(async move {
        let _permit = permit;
        if let Err(error) = served.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
