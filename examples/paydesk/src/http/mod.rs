//! The HTTP face: routes, guards, and the server around them.

mod admin;
mod api;
mod assets;
mod guard;
mod health;
mod listener;
mod notify;
mod pay;
mod problem;
mod refunds;
mod view;
mod ws;

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use stomp_bridge::{broker::Broker, client::Publisher};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceBuilder;
use tower_http::{
    set_header::SetResponseHeaderLayer,
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
};
use url::Url;

pub(crate) use api::ListQuery;
pub(crate) use guard::Access;
pub(crate) use listener::serve;
pub(crate) use problem::Problem;
pub(crate) use view::{order as order_view, refund as refund_view};

use crate::desk::{Desk, RelayStatus};

/// The longest body of any request: a notify, whose parts are bounded by the protocol.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// From the end of the head to the end of the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that any answer takes: a page that waits for the gateway.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How pages reach the broker.
pub(crate) struct BrowserFeed {
    /// Empty for this service's own `/ws`.
    pub(crate) url: String,
    pub(crate) login: String,
    pub(crate) passcode: String,
}

/// What the routes share.
pub(crate) struct Shared {
    pub(crate) desk: Arc<Desk>,
    /// Scheme and host under which people reach this service.
    pub(crate) public: Url,
    pub(crate) feed: BrowserFeed,
    /// The simulator's page that plays the payer's phone.
    pub(crate) phone: Option<Url>,
    pub(crate) tickets_demanded: bool,
    pub(crate) bare_notify: bool,
    pub(crate) broker: Option<Broker>,
    pub(crate) publisher: Publisher,
    pub(crate) relay: RelayStatus,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) front: Front,
}

/// What takes things in: its tasks, and the word that ends them.
#[derive(Clone, Default)]
pub(crate) struct Front {
    pub(crate) stop: CancellationToken,
    /// The drain waits for all of them.
    pub(crate) tasks: TaskTracker,
}

/// A cheap handle to [`Shared`].
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All routes, each behind the guard that it needs.
pub(crate) fn router(app: App, access: Access) -> Router {
    let access = Arc::new(access);
    let api = Router::new()
        .route("/api/orders", post(api::create).get(api::list))
        .route("/api/orders/{out_trade_no}", get(api::get))
        .route("/api/orders/{out_trade_no}/log", get(api::log))
        .route("/api/orders/{out_trade_no}/close", post(api::close))
        .route(
            "/api/orders/{out_trade_no}/refunds",
            post(refunds::refund).get(refunds::refunds),
        )
        .layer(from_fn(guard::own_site));
    // The shop page of the demo orders without a token; wherever tokens are demanded, so does the API.
    let api = api.layer(from_fn_with_state(access.clone(), guard::api));
    let operator = Router::new()
        .route("/admin", get(admin::admin))
        .route("/metrics", get(health::metrics))
        .layer(from_fn_with_state(access.clone(), guard::admin));
    let people = Router::new()
        .route("/", get(pay::shop))
        .route("/wxpay", get(pay::qr))
        .route("/wxpay/state", get(pay::state))
        .route("/wxpay/nativePay", get(pay::native_pay))
        .route("/wxpay/toPaySuccess", get(pay::success))
        .route("/wxpay/toPayFail", get(pay::fail))
        .route("/assets/{name}", get(assets::asset))
        .route("/ws", get(ws::upgrade));
    let own_names = Router::new()
        .merge(api)
        .merge(operator)
        .merge(people)
        .layer(from_fn_with_state(access, guard::own_host));
    // The gateway and the probes of a cluster come under whatever name they were given.
    let any_name = Router::new()
        .route("/wxpay/notify", post(notify::bare))
        .route("/wxpay/notify/{secret}", post(notify::secret))
        .route("/wxpay/refund_notify", post(notify::refund))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    let policy = content_policy(&app.feed.url);
    own_names
        .merge(any_name)
        .layer(
            ServiceBuilder::new()
                .layer(fixed(header::CONTENT_SECURITY_POLICY, policy))
                .layer(fixed(
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                ))
                .layer(fixed(
                    header::REFERRER_POLICY,
                    HeaderValue::from_static("no-referrer"),
                ))
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ANSWER_TIMEOUT,
                ))
                .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .with_state(app)
}

fn fixed(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, value)
}

/// Pages load and connect to nothing but this service and, where there is one, the browsers' broker.
fn content_policy(broker: &str) -> HeaderValue {
    let origin = Url::parse(broker).map(|url| {
        let host = url.host_str().unwrap_or_default();
        match url.port() {
            Some(port) => format!(" {}://{host}:{port}", url.scheme()),
            None => format!(" {}://{host}", url.scheme()),
        }
    });
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'{}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        origin.unwrap_or_default()
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
