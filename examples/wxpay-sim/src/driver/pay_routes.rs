//! The real gateway's paths.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use tokio::time;
use wxpay_core::xml::Limits;

use super::shared::{Shared, random};
use crate::{
    faults::EndpointFault,
    gateway::{GatewayEndpoint, fail},
};

/// How long a silent endpoint keeps a request.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

pub(super) fn routes() -> Router<Arc<Shared>> {
    let endpoint = |endpoint: GatewayEndpoint| {
        any(
            move |State(shared): State<Arc<Shared>>,
                  method: Method,
                  body: Result<Bytes, BytesRejection>| async move {
                serve(&shared, endpoint, &method, body).await
            },
        )
    };
    Router::new()
        .route("/pay/unifiedorder", endpoint(GatewayEndpoint::UnifiedOrder))
        .route("/pay/orderquery", endpoint(GatewayEndpoint::OrderQuery))
        .route("/pay/closeorder", endpoint(GatewayEndpoint::CloseOrder))
        .route("/secapi/pay/refund", endpoint(GatewayEndpoint::Refund))
        .route("/pay/refundquery", endpoint(GatewayEndpoint::RefundQuery))
        .layer(DefaultBodyLimit::max(Limits::DEFAULT.max_bytes))
}

async fn serve(
    shared: &Shared,
    endpoint: GatewayEndpoint,
    method: &Method,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let fault = shared.faults().at(endpoint);
    match fault {
        EndpointFault::Off => {}
        EndpointFault::Silent => {
            tokio::select! {
                () = time::sleep(SILENCE) => {}
                () = shared.stopped() => {}
            }
            return html(StatusCode::GATEWAY_TIMEOUT);
        }
        EndpointFault::Http500 => return html(StatusCode::INTERNAL_SERVER_ERROR),
        EndpointFault::Html404 => return html(StatusCode::NOT_FOUND),
        EndpointFault::FailUnsigned => return xml(fail("系统繁忙，请稍后再试")),
    }
    if method != Method::POST {
        return xml(fail("请使用post方法"));
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return xml(fail("XML格式错误: the message is too large"));
        }
        Err(rejection) => return rejection.into_response(),
    };
    match random() {
        Ok(random) => {
            let now = shared.clock.now();
            let answer = shared.gateway().answer(endpoint, &body, now, &random);
            // A refund leaves a notify behind.
            shared.due.notify_one();
            xml(answer)
        }
        Err(error) => {
            tracing::error!(%error, "no random bytes");
            html(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn xml(message: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], message).into_response()
}

/// A page as nginx in front of the real gateway gives it, for a wrong path among others.
pub(super) fn html(status: StatusCode) -> Response {
    let title = format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}
