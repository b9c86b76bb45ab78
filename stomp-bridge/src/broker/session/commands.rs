//! What a logged-in client may ask for.

use super::ack::Settlement;
use super::client::Client;
use super::refusal::{Refusal, allow_transactions};
use super::send::Sending;
use super::subscribe::{subscribe, unsubscribe};
use super::transaction::Transactions;
use crate::broker::held::Charge;
use crate::broker::router::{ConnId, Router};
use crate::frame::{Command, Frame};

/// When a frame that asks for a receipt gets it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    Now,
    /// With the COMMIT of its transaction.
    AtCommit,
    /// Now, and so do these, which the transaction held back.
    Committed(Vec<String>),
}

/// A message or an acknowledgement whose rights and names were looked at: it cannot fail any more.
pub(super) enum Checked {
    Send(Sending),
    Settle(Settlement),
}

impl Checked {
    pub(super) fn apply(self, conn: ConnId, router: &mut Router) {
        match self {
            Self::Send(sending) => sending.apply(router),
            Self::Settle(settlement) => settlement.apply(conn, router),
        }
    }
}

impl Client<'_> {
    pub(super) fn handle(
        &self,
        frame: Frame,
        transactions: &mut Transactions,
        router: &mut Router,
    ) -> Result<Done, Refusal> {
        match frame.command {
            Command::Send | Command::Ack | Command::Nack => {
                if frame.header("transaction").is_some() {
                    transactions.check(&frame)?;
                    // What this user may not send is not kept until the COMMIT tells.
                    if frame.command == Command::Send {
                        Sending::check_rights(self, &frame)?;
                    }
                    transactions.extend(frame, self.limits, router.held())?;
                    return Ok(Done::AtCommit);
                }
                self.check(&frame, router)?.apply(self.conn, router);
            }
            Command::Subscribe => subscribe(self, &frame, router)?,
            Command::Unsubscribe => unsubscribe(self, &frame, router)?,
            Command::Begin => {
                allow_transactions(self.user)?;
                transactions.begin(&frame, self.limits)?;
            }
            Command::Commit => {
                let frames = transactions.end(&frame)?;
                return self.commit(&frames, router).map(Done::Committed);
            }
            Command::Abort => drop(transactions.end(&frame)?),
            Command::Disconnect => {}
            Command::Connect | Command::Stomp => {
                return Err(Refusal::new("Illegal command", "Already connected"));
            }
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                return Err(Refusal::bad_command(frame.command.as_str()));
            }
        }
        Ok(Done::Now)
    }

    fn check(&self, frame: &Frame, router: &mut Router) -> Result<Checked, Refusal> {
        match frame.command {
            Command::Send => Sending::check(self, frame, router).map(Checked::Send),
            _ => Settlement::check(self, frame, router).map(Checked::Settle),
        }
    }

    /// All or nothing: every frame is looked at before the first has an effect.
    fn commit(
        &self,
        kept: &[(Frame, Charge)],
        router: &mut Router,
    ) -> Result<Vec<String>, Refusal> {
        let frames = || kept.iter().map(|(frame, _)| frame);
        let checked: Result<Vec<_>, _> = frames().map(|f| self.check(f, router)).collect();
        for one in checked? {
            one.apply(self.conn, router);
        }
        let receipts = frames().filter_map(|f| f.header("receipt"));
        Ok(receipts.map(str::to_owned).collect())
    }
}
