//! Which messages are out with the consumer, and which acknowledgements may still be sent. Pure.
//!
//! RabbitMQ answers an ACK that it does not expect, for a message that is settled or was brought by
//! an earlier connection, with an ERROR that ends the connection: such an ACK is not sent.

use super::config::AckMode;
use super::error::AckError;
use std::collections::BTreeMap;

/// Messages that may be out, whatever the prefetch, before no more are read.
const MAX_UNSETTLED: usize = 65_536;

/// Names one delivery, for the life of the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) connection: u64,
    number: u64,
}

/// `N` is what an acknowledgement calls a message.
pub(super) struct Deliveries<N> {
    mode: AckMode,
    /// Counts connections, and the gaps between them.
    connection: u64,
    next: u64,
    /// What the broker calls each message, by number.
    out: BTreeMap<u64, N>,
    handed_back: usize,
}

impl<N> Deliveries<N> {
    pub(super) fn new(mode: AckMode) -> Self {
        Self {
            mode,
            connection: 0,
            next: 0,
            out: BTreeMap::new(),
            handed_back: 0,
        }
    }

    /// A connection has begun or ended: what is out is the broker's again.
    pub(super) fn turn_over(&mut self) -> u64 {
        self.out.clear();
        self.handed_back = 0;
        self.connection += 1;
        self.connection
    }

    /// A message came. No tag: there is nothing to acknowledge.
    pub(super) fn deliver(&mut self, name: Option<N>) -> Option<Tag> {
        if self.mode == AckMode::Auto {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.out.insert(number, name?);
        Some(Tag {
            connection: self.connection,
            number,
        })
    }

    /// Says what the broker is told of a message, by what it calls it. If that can be said the message is settled from now on, and
    /// in mode `client` with it those before it.
    pub(super) fn settle(
        &mut self,
        tag: Tag,
        say: impl FnOnce(&N) -> Result<(), AckError>,
    ) -> Result<(), AckError> {
        if tag.connection != self.connection {
            return Err(AckError::StaleConnection);
        }
        say(self.out.get(&tag.number).ok_or(AckError::AlreadySettled)?)?;
        if self.mode == AckMode::Client {
            self.out = self.out.split_off(&tag.number);
        }
        self.out.remove(&tag.number);
        Ok(())
    }

    /// The caller will never see the message: the broker shall have it again.
    pub(super) fn hand_back(&mut self, tag: Tag) {
        if tag.connection == self.connection && self.out.remove(&tag.number).is_some() {
            self.handed_back += 1;
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.out.len() < MAX_UNSETTLED
    }

    /// Messages that the caller may hold.
    pub(super) fn is_held(&self) -> bool {
        !self.out.is_empty()
    }

    /// Messages that the broker gets back.
    pub(super) fn unsettled(&self) -> usize {
        self.out.len() + self.handed_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Debug, Clone)]
    enum Step {
        Deliver,
        /// One of the tags so far, chosen by the number.
        Settle(usize),
        TurnOver,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            5 => Just(Step::Deliver),
            4 => (0..64_usize).prop_map(Step::Settle),
            1 => Just(Step::TurnOver),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        /// A broker as strict as RabbitMQ never sees an acknowledgement that it would refuse.
        #[test]
        fn no_ack_goes_out_that_the_broker_would_refuse(cumulative in any::<bool>(), steps in steps()) {
            let mode = if cumulative { AckMode::Client } else { AckMode::ClientIndividual };
            let mut deliveries = Deliveries::new(mode);
            let mut tags = Vec::new();
            // The broker's side: names that are out on its connection, in their order.
            let (mut broker, mut connection) = (BTreeSet::new(), 0);
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Deliver => {
                        let tag = deliveries.deliver(Some(n)).unwrap();
                        broker.insert(n);
                        tags.push((n, connection, tag));
                    }
                    Step::Settle(at) => {
                        let Some(&(n, its, tag)) = tags.get(at % tags.len().max(1)) else { continue };
                        let expected = if its != connection {
                            Err(AckError::StaleConnection)
                        } else if broker.contains(&n) {
                            Ok(n)
                        } else {
                            Err(AckError::AlreadySettled)
                        };
                        // What cannot be said changes nothing.
                        let unsaid = deliveries.settle(tag, |_| Err(AckError::NoNack));
                        prop_assert_eq!(unsaid, expected.and(Err(AckError::NoNack)));
                        let mut said = None;
                        let settled = deliveries.settle(tag, |name| {
                            said = Some(*name);
                            Ok(())
                        });
                        prop_assert_eq!(settled, expected.map(drop));
                        prop_assert_eq!(said, expected.ok());
                        if expected.is_ok() {
                            broker.retain(|&other| other != n && !(cumulative && other < n));
                        }
                    }
                    Step::TurnOver => {
                        deliveries.turn_over();
                        broker.clear();
                        connection += 1;
                    }
                }
                prop_assert_eq!(deliveries.unsettled(), broker.len());
            }
        }
    }

    #[test]
    fn what_is_handed_back_is_counted_once_and_cannot_be_acknowledged() {
        let mut deliveries = Deliveries::new(AckMode::ClientIndividual);
        let old = deliveries.deliver(Some("0")).unwrap();
        deliveries.turn_over();
        let [a, b] = ["1", "2"].map(|id| deliveries.deliver(Some(id)).unwrap());
        for tag in [old, a, a] {
            deliveries.hand_back(tag);
        }
        assert_eq!((deliveries.unsettled(), deliveries.is_held()), (2, true));
        let settled = deliveries.settle(a, |_| panic!("it is handed back"));
        assert_eq!(settled, Err(AckError::AlreadySettled));
        assert_eq!(deliveries.settle(b, |_| Ok(())), Ok(()));
        assert_eq!((deliveries.unsettled(), deliveries.is_held()), (1, false));
    }

    #[test]
    fn nothing_is_acknowledged_in_mode_auto_or_without_a_name() {
        assert_eq!(Deliveries::new(AckMode::Auto).deliver(Some("a")), None);
        assert_eq!(Deliveries::<u8>::new(AckMode::Client).deliver(None), None);
    }
}
