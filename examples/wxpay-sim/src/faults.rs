//! Faults on demand: what a client has to live through.

use serde::{Deserialize, Serialize};

use crate::gateway::GatewayEndpoint;

/// What goes wrong at an endpoint. The request has no effect then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EndpointFault {
    /// Nothing.
    #[default]
    #[serde(rename = "off")]
    Off,
    /// The request is taken and not answered; after 30 s comes an HTML page with status 504.
    #[serde(rename = "silent")]
    Silent,
    /// An HTML page with status 500.
    #[serde(rename = "http_500")]
    Http500,
    /// An HTML page with status 404, as for a wrong path.
    #[serde(rename = "html_404")]
    Html404,
    /// `return_code` FAIL without a sign.
    #[serde(rename = "fail_unsigned")]
    FailUnsigned,
}

/// What goes wrong with notifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotifyFault {
    /// Nothing.
    #[default]
    Off,
    /// Each try is posted twice at once.
    Duplicate,
    /// No try arrives. The schedule goes on meanwhile.
    Lost,
}

/// The faults that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    unifiedorder: EndpointFault,
    orderquery: EndpointFault,
    closeorder: EndpointFault,
    refund: EndpointFault,
    refundquery: EndpointFault,
    notify: NotifyFault,
}

/// A change of faults; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsChange {
    /// At `/pay/unifiedorder`.
    pub unifiedorder: Option<EndpointFault>,
    /// At `/pay/orderquery`.
    pub orderquery: Option<EndpointFault>,
    /// At `/pay/closeorder`.
    pub closeorder: Option<EndpointFault>,
    /// At `/secapi/pay/refund`.
    pub refund: Option<EndpointFault>,
    /// At `/pay/refundquery`.
    pub refundquery: Option<EndpointFault>,
    /// With notifies.
    pub notify: Option<NotifyFault>,
}

impl Faults {
    /// These faults with a change made.
    #[must_use]
    pub fn changed(self, change: FaultsChange) -> Self {
        Self {
            unifiedorder: change.unifiedorder.unwrap_or(self.unifiedorder),
            orderquery: change.orderquery.unwrap_or(self.orderquery),
            closeorder: change.closeorder.unwrap_or(self.closeorder),
            refund: change.refund.unwrap_or(self.refund),
            refundquery: change.refundquery.unwrap_or(self.refundquery),
            notify: change.notify.unwrap_or(self.notify),
        }
    }

    /// What goes wrong at an endpoint.
    #[must_use]
    pub const fn at(&self, endpoint: GatewayEndpoint) -> EndpointFault {
        match endpoint {
            GatewayEndpoint::UnifiedOrder => self.unifiedorder,
            GatewayEndpoint::OrderQuery => self.orderquery,
            GatewayEndpoint::CloseOrder => self.closeorder,
            GatewayEndpoint::Refund => self.refund,
            GatewayEndpoint::RefundQuery => self.refundquery,
        }
    }

    /// What goes wrong with notifies.
    #[must_use]
    pub const fn notify(&self) -> NotifyFault {
        self.notify
    }
}
