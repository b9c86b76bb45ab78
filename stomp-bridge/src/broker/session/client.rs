//! Who asks.

use crate::broker::config::BrokerLimits;
use crate::broker::permission::User;
use crate::broker::router::ConnId;
use crate::frame::Version;

/// A client that has logged in.
pub(super) struct Client<'a> {
    pub(super) conn: ConnId,
    pub(super) user: &'a User,
    pub(super) version: Version,
    pub(super) limits: &'a BrokerLimits,
}
