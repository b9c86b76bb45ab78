//! The steps to an open session.

use stomp_bridge::client::{ConnectError, Step, StepReport, probe};

use super::Done;
use crate::broker::Broker;

/// Goes through the steps; each that went well is told.
///
/// # Errors
/// That of the first step that failed.
pub(crate) async fn steps(
    broker: &Broker,
    tell: &mut (impl FnMut(Done) + Send),
) -> Result<(), ConnectError> {
    let told = |report: StepReport| {
        tell(Done {
            step: name(report.step),
            took: report.took,
            detail: report.detail,
        });
    };
    probe(&broker.url, &broker.options, told).await.map(drop)
}

/// A stable name for programs.
fn name(step: Step) -> &'static str {
    match step {
        Step::Resolve => "name",
        Step::Tcp => "tcp",
        Step::Proxy => "proxy",
        Step::Tls => "tls",
        Step::WebSocket => "websocket",
        Step::Stomp => "stomp",
        _ => "step",
    }
}
