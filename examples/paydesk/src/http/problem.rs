//! Errors as `application/problem+json` (RFC 9457) with a stable code and the field at fault.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use order_store::{ExecuteError, Refusal, StoreError};
use serde_json::json;
use wxpay_core::TextError;

use crate::desk::{PrepareError, RefundError};

/// One error of the API.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
        }
    }

    /// The request's own fault, in the named field.
    pub(crate) fn field(field: &'static str, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_field", detail)
        }
    }

    /// No order of that number, or not for whoever asks: the two look alike on purpose.
    pub(crate) fn unknown_order() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_order",
            "there is no such order",
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    }
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        Self::field(error.field(), error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        if matches!(refusal, Refusal::UnknownOrder) {
            return Self::unknown_order();
        }
        Self::new(StatusCode::CONFLICT, refusal.code(), refusal.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the ledger did not answer");
        let code = match error {
            StoreError::Busy => "busy",
            _ => "ledger_unavailable",
        };
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            code,
            "the ledger cannot be reached; nothing was changed by this request, or it is safe to send it again",
        )
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Store(error) => error.into(),
        }
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        let detail = error.to_string();
        match error {
            RefundError::UnknownOrder => Self::unknown_order(),
            RefundError::NoCertificate => Self::new(StatusCode::CONFLICT, "no_certificate", detail),
            RefundError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail),
            RefundError::Execute(error) => error.into(),
        }
    }
}

impl From<PrepareError> for Problem {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::UnknownOrder => Self::unknown_order(),
            PrepareError::NotUnpaid(state) => Self::new(
                StatusCode::CONFLICT,
                "not_unpaid",
                format!("the order is {}", state.as_str()),
            ),
            PrepareError::Execute(error) => error.into(),
            PrepareError::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "the order is being prepared by another request",
            ),
            PrepareError::Gateway(reason) => Self::new(StatusCode::BAD_GATEWAY, "gateway", reason),
        }
    }
}
