//! Who may call: tokens, hosts and sites.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use url::Url;

use super::Problem;
use crate::config::{Settings, Token};

/// What a request must show.
pub(crate) struct Access {
    api: Option<Token>,
    admin: Option<Token>,
    /// The names that this service answers to; none means any.
    hosts: Option<BTreeSet<String>>,
}

impl Access {
    /// On loopback without tokens a page of any site could reach the service by a name that resolves to 127.0.0.1
    /// (DNS rebinding): there only its own names are answered.
    pub(crate) fn new(settings: &Settings, bound: SocketAddr) -> Self {
        let port = bound.port();
        let hosts = settings.api_token.is_none().then(|| {
            let mut hosts: BTreeSet<String> = ["localhost", "127.0.0.1", "[::1]"]
                .iter()
                .map(|name| format!("{name}:{port}"))
                .collect();
            hosts.insert(bound.to_string());
            hosts.extend(settings.notify_url.as_ref().and_then(|url| {
                let name = url.host_str()?;
                Some(match url.port() {
                    Some(port) => format!("{name}:{port}"),
                    None => name.to_owned(),
                })
            }));
            // Pages were told this name for `/ws`, perhaps a proxy's in front of it.
            hosts.extend(
                settings
                    .browser_broker
                    .as_ref()
                    .map(|url| format!("{}:{}", url.host(), url.port())),
            );
            hosts
        });
        Self {
            api: settings.api_token.clone(),
            admin: settings.admin_token.clone(),
            hosts,
        }
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Refuses a Host that is not ours.
pub(crate) async fn own_host(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(hosts) = &access.hosts
        && !host(request.headers()).is_some_and(|name| hosts.contains(name))
    {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            "this service does not answer to that name",
        ));
    }
    Ok(next.run(request).await)
}

/// Refuses what a page of another site could send without asking first: a POST that is not JSON, or one that the
/// browser itself marks as coming from another site.
pub(crate) async fn own_site(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method() == Method::POST {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "the content-type is application/json",
            ));
        }
        let site = request
            .headers()
            .get("sec-fetch-site")
            .and_then(|value| value.to_str().ok());
        if !matches!(site, None | Some("same-origin" | "none")) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "other_site",
                "a page of another site may not do this",
            ));
        }
    }
    Ok(next.run(request).await)
}

/// Whether a WebSocket upgrade comes from our own page, under the name it was asked by or its public one, or from no page at all.
pub(crate) fn own_origin(headers: &HeaderMap, public: &Url) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let same_host = origin
        .split_once("://")
        .is_some_and(|(_, name)| Some(name) == host(headers));
    same_host || origin == public.origin().ascii_serialization()
}

/// The token that a request carries: as a bearer, or as the password of basic credentials, which a browser can ask for.
fn given(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return pair
            .split_once(':')
            .map(|(_, password)| password.to_owned());
    }
    None
}

fn demand(tokens: &[&Option<Token>], headers: &HeaderMap) -> Result<(), Problem> {
    if tokens.iter().all(|token| token.is_none()) {
        return Ok(());
    }
    let given = given(headers).unwrap_or_default();
    if tokens
        .iter()
        .any(|token| token.as_ref().is_some_and(|token| token.matches(&given)))
    {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "this needs a bearer token",
    ))
}

fn challenge(result: Result<Response, Problem>) -> Response {
    use axum::response::IntoResponse;
    let mut response = result.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Basic realm=\"paydesk\""),
        );
    }
    response
}

/// Demands the API's token; the operator's opens it too.
pub(crate) async fn api(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    challenge(
        match demand(&[&access.api, &access.admin], request.headers()) {
            Ok(()) => Ok(next.run(request).await),
            Err(problem) => Err(problem),
        },
    )
}

/// Demands the operator's token.
pub(crate) async fn admin(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    challenge(match demand(&[&access.admin], request.headers()) {
        Ok(()) => Ok(next.run(request).await),
        Err(problem) => Err(problem),
    })
}
