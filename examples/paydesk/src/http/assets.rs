//! `/assets/…`: the pages' scripts and style, inside the binary.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// One of the files that pages name.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "desk.css" => ("text/css", include_str!("../../assets/desk.css")),
        "stomp.js" => ("text/javascript", include_str!("../../assets/stomp.js")),
        "pay.js" => ("text/javascript", include_str!("../../assets/pay.js")),
        "shop.js" => ("text/javascript", include_str!("../../assets/shop.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, format!("{kind}; charset=utf-8")),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
        ],
        text,
    )
        .into_response()
}
