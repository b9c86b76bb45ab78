//! Notifies and their schedule: the first try at once, then [`INTERVALS_S`], until one is answered `SUCCESS`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wxpay_core::TransactionId;

use super::{Moment, order::OrderKey};

/// The seconds between one try and the next: 15 repeats, 24 h 4 m in all.
pub const INTERVALS_S: [u64; 15] = [
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
/// How many notifies are kept. The oldest goes first, even one that is still to be tried: delivery is not guaranteed.
const NOTIFIES_MAX: usize = 20_000;
/// How many tries are kept for people to look at.
const TRIES_MAX: usize = 10_000;
/// How much of a reply is kept, in bytes.
const REPLY_MAX_BYTES: usize = 1024;

/// Names one notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotifyId(u64);

/// How far a notify came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyState {
    /// The next try is due at this moment.
    Waiting(Moment),
    /// A try is on its way.
    Sending,
    /// A try was answered `SUCCESS`.
    Answered,
    /// Every try of the schedule was made, none answered.
    GivenUp,
    /// The simulator may not post to this address.
    Refused,
}

/// One notify.
#[derive(Clone, Debug)]
pub struct Notify {
    order: OrderKey,
    transaction_id: TransactionId,
    url: Arc<str>,
    body: Arc<str>,
    /// When the try that is waited for, or was made last, was due.
    due: Moment,
    /// How many tries were begun.
    begun: usize,
    state: NotifyState,
}

impl Notify {
    /// How far it came.
    #[must_use]
    pub const fn state(&self) -> NotifyState {
        self.state
    }

    /// How many tries were begun.
    #[must_use]
    pub const fn tries(&self) -> usize {
        self.begun
    }
}

/// An effect: post this body to this address, then hand the results to [`Gateway::tried`](super::Gateway::tried).
#[derive(Clone, Debug)]
pub struct Post {
    /// The notify.
    pub id: NotifyId,
    /// Where to.
    pub url: Arc<str>,
    /// What.
    pub body: Arc<str>,
}

/// What came of posting once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostResult {
    /// When it was sent.
    pub at: Moment,
    /// How long it took.
    pub took: Duration,
    /// The status of the HTTP answer, if there was one.
    pub status: Option<u16>,
    /// The body of the answer, or what kept it from coming.
    pub reply: String,
    /// What that means for the schedule.
    pub verdict: Verdict,
}

/// What an answer means for the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// HTTP 200 with `return_code` SUCCESS in XML: no further try.
    Answered,
    /// An answer that is not that.
    NotSuccess,
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// The simulator may not post to this address: no further try.
    Refused,
    /// Not posted, as a fault asked.
    Lost,
}

impl Verdict {
    /// The name in the list of tries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NotSuccess => "not_success",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

/// One try, as it is shown.
#[derive(Clone, Debug)]
pub struct Try {
    /// The order that was paid.
    pub order: OrderKey,
    /// The payment.
    pub transaction_id: TransactionId,
    /// Which try this is, from 1.
    pub number: usize,
    /// Where to.
    pub url: Arc<str>,
    /// What came of it.
    pub result: PostResult,
}

/// All notifies, the order in which they are due, and the latest tries.
#[derive(Debug, Default)]
pub(super) struct Notifies {
    next_id: u64,
    all: BTreeMap<NotifyId, Notify>,
    due: BTreeSet<(Moment, NotifyId)>,
    tries: VecDeque<Try>,
}

impl Notifies {
    /// The first try is due at once.
    pub(super) fn add(
        &mut self,
        order: OrderKey,
        transaction_id: TransactionId,
        url: &str,
        body: &str,
        now: Moment,
    ) -> NotifyId {
        if self.all.len() >= NOTIFIES_MAX
            && let Some((id, oldest)) = self.all.pop_first()
        {
            self.due.remove(&(oldest.due, id));
        }
        let id = NotifyId(self.next_id);
        self.next_id += 1;
        let notify = Notify {
            order,
            transaction_id,
            url: url.into(),
            body: body.into(),
            due: now,
            begun: 0,
            state: NotifyState::Waiting(now),
        };
        self.all.insert(id, notify);
        self.due.insert((now, id));
        id
    }

    pub(super) fn get(&self, id: NotifyId) -> Option<&Notify> {
        self.all.get(&id)
    }

    pub(super) fn next_due(&self) -> Option<Moment> {
        self.due.first().map(|&(due, _)| due)
    }

    /// Takes at most `max` tries that are due, the longest due first.
    pub(super) fn take_due(&mut self, now: Moment, max: usize) -> Vec<Post> {
        let mut posts = Vec::new();
        while posts.len() < max {
            let Some(&(due, id)) = self.due.first().filter(|(due, _)| *due <= now) else {
                break;
            };
            self.due.remove(&(due, id));
            if let Some(notify) = self.all.get_mut(&id) {
                notify.begun += 1;
                notify.state = NotifyState::Sending;
                posts.push(Post {
                    id,
                    url: notify.url.clone(),
                    body: notify.body.clone(),
                });
            }
        }
        posts
    }

    /// Takes what came of a try, which may have been posted more than once.
    ///
    /// The next is due one interval after this one was, however long that took: a clock that leaps brings every try
    /// that it leapt over, one after the other.
    pub(super) fn tried(&mut self, id: NotifyId, results: Vec<PostResult>) {
        let Some(notify) = self.all.get_mut(&id) else {
            return;
        };
        let verdict = |verdict| results.iter().any(|result| result.verdict == verdict);
        notify.state = if verdict(Verdict::Answered) {
            NotifyState::Answered
        } else if verdict(Verdict::Refused) {
            NotifyState::Refused
        } else if let Some(&interval_s) = INTERVALS_S.get(notify.begun.saturating_sub(1)) {
            notify.due = notify.due.plus(Duration::from_secs(interval_s));
            self.due.insert((notify.due, id));
            NotifyState::Waiting(notify.due)
        } else {
            NotifyState::GivenUp
        };
        for mut result in results {
            truncate(&mut result.reply);
            if self.tries.len() == TRIES_MAX {
                self.tries.pop_front();
            }
            self.tries.push_back(Try {
                order: notify.order.clone(),
                transaction_id: notify.transaction_id.clone(),
                number: notify.begun,
                url: notify.url.clone(),
                result,
            });
        }
    }

    pub(super) fn tries(&self) -> impl DoubleEndedIterator<Item = &Try> {
        self.tries.iter()
    }
}

fn truncate(reply: &mut String) {
    if reply.len() > REPLY_MAX_BYTES {
        reply.truncate(reply.floor_char_boundary(REPLY_MAX_BYTES));
        reply.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds from the payment to each try, as the API's page adds them up.
    const DUE_S: [u64; 16] = [
        0, 15, 30, 60, 240, 840, 2040, 3840, 5640, 7440, 11_040, 21_840, 32_640, 43_440, 65_040,
        86_640,
    ];

    fn start() -> (Notifies, NotifyId, Moment) {
        let paid_at = Moment::from_unix_ms(1_600_000_000_000);
        let mut notifies = Notifies::default();
        let key = OrderKey {
            mch_id: "1900000051".parse().unwrap(),
            out_trade_no: "T1".parse().unwrap(),
        };
        let id = notifies.add(
            key,
            "42".parse().unwrap(),
            "http://127.0.0.1/",
            "<xml/>",
            paid_at,
        );
        (notifies, id, paid_at)
    }

    fn result(verdict: Verdict, at: Moment) -> PostResult {
        PostResult {
            at,
            took: Duration::from_secs(5),
            status: None,
            reply: String::new(),
            verdict,
        }
    }

    #[test]
    fn follows_the_schedule_to_the_millisecond_and_gives_up() {
        let (mut notifies, id, paid_at) = start();
        for due_s in DUE_S {
            let due = paid_at.plus(Duration::from_secs(due_s));
            assert_eq!(notifies.next_due(), Some(due));
            let just_before = Moment::from_unix_ms(due.unix_ms() - 1);
            assert!(notifies.take_due(just_before, 9).is_empty(), "{due_s}");
            assert_eq!(notifies.take_due(due, 9).len(), 1, "{due_s}");
            assert_eq!(notifies.next_due(), None, "one try at a time");
            notifies.tried(id, vec![result(Verdict::TimedOut, due)]);
        }
        assert_eq!(notifies.next_due(), None);
        assert_eq!(notifies.get(id).unwrap().state(), NotifyState::GivenUp);
        assert_eq!(
            notifies.tries().map(|each| each.number).collect::<Vec<_>>(),
            (1..=16).collect::<Vec<_>>()
        );
    }

    #[test]
    fn stops_at_the_first_success() {
        let (mut notifies, id, paid_at) = start();
        notifies.take_due(paid_at, 9);
        notifies.tried(id, vec![result(Verdict::NotSuccess, paid_at)]);
        let later = paid_at.plus(Duration::from_secs(100_000));
        notifies.take_due(later, 9);
        // Posted twice at once: one answer is enough.
        notifies.tried(
            id,
            vec![
                result(Verdict::Answered, later),
                result(Verdict::TimedOut, later),
            ],
        );
        assert_eq!(notifies.get(id).unwrap().state(), NotifyState::Answered);
        assert!(
            notifies
                .take_due(later.plus(Duration::from_secs(100_000)), 9)
                .is_empty()
        );
        assert_eq!(
            notifies.tries().map(|each| each.number).collect::<Vec<_>>(),
            [1, 2, 2]
        );
    }

    #[test]
    fn a_refused_address_is_not_tried_again() {
        let (mut notifies, id, paid_at) = start();
        notifies.take_due(paid_at, 9);
        notifies.tried(id, vec![result(Verdict::Refused, paid_at)]);
        assert_eq!(notifies.get(id).unwrap().state(), NotifyState::Refused);
        assert_eq!(notifies.next_due(), None);
    }

    #[test]
    fn keeps_the_start_of_a_long_reply() {
        let (mut notifies, id, paid_at) = start();
        notifies.take_due(paid_at, 9);
        let mut long = result(Verdict::NotSuccess, paid_at);
        long.reply = "付".repeat(1000);
        notifies.tried(id, vec![long]);
        assert_eq!(
            notifies.tries().next().unwrap().result.reply,
            format!("{}…", "付".repeat(341))
        );
    }
}
