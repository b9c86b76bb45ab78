//! Totals by day: what came in and what went back.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use wxpay_core::{BeijingTime, Fen, MchId};

use crate::{Order, OrderKey, RefundState, Timestamp};

/// The most days that one answer covers.
pub const TOTALS_DAYS_MAX: u16 = 400;

const DAY_S: i64 = 86_400;
const BEIJING_AHEAD_S: i64 = 8 * 3_600;

/// A day of Beijing's calendar, as the gateway's bills have it.
///
/// ```
/// use order_store::{Day, Timestamp};
///
/// let day: Day = "2019-03-20".parse()?;
/// assert_eq!(Day::of(Timestamp::from_millis(1_553_063_806_000)), day);
/// assert_eq!(day.next().to_string(), "2019-03-21");
/// assert_eq!(day.start().to_string(), "2019-03-20T00:00:00+08:00");
/// # Ok::<(), order_store::DayError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i64);

impl Day {
    /// The day that this moment is in; pressed into the years 1970 to 9999.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self((at.beijing().unix_seconds() + BEIJING_AHEAD_S).div_euclid(DAY_S))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis((self.0 * DAY_S - BEIJING_AHEAD_S) * 1000)
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The day so many days after it.
    #[must_use]
    pub fn plus(self, days: u16) -> Self {
        Self(self.0 + i64::from(days))
    }
}

/// `yyyy-mm-dd`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.start().beijing().to_string();
        write!(f, "{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..8])
    }
}

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a day is yyyy-mm-dd, from 1970 to 9999")]
pub struct DayError;

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let midnight = BeijingTime::parse_dashed(&format!("{text} 00:00:00"));
        midnight
            .map(|time| Self::of(time.into()))
            .map_err(|_| DayError)
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// Which totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalsQuery {
    /// The first day.
    pub from: Day,
    /// The last day, at most [`TOTALS_DAYS_MAX`] days from the first on.
    pub to: Day,
    /// Of this merchant alone.
    pub mch_id: Option<MchId>,
}

impl TotalsQuery {
    /// The last day that is answered.
    #[must_use]
    pub fn last(&self) -> Day {
        self.to.min(self.from.plus(TOTALS_DAYS_MAX - 1))
    }
}

/// What one merchant took in and gave back in one day.
///
/// A payment belongs to the day on which the ledger took it, a refund to the day on which the ledger heard that it succeeded:
/// the days of the log, not those of the gateway's bill, so that a day that is over does not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotals {
    /// The day, in Beijing.
    pub day: Day,
    /// The merchant.
    pub mch_id: MchId,
    /// How many payments came in, extra ones too.
    pub payments: u64,
    /// How much, in fen; at most [`Fen::MAX`].
    pub paid: Fen,
    /// How many refunds succeeded.
    pub refunds: u64,
    /// How much, in fen; at most [`Fen::MAX`].
    pub refunded: Fen,
}

/// Sums that can be added and taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) payments: u64,
    pub(crate) paid: u128,
    pub(crate) refunds: u64,
    pub(crate) refunded: u128,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.paid += other.paid;
        self.refunds += other.refunds;
        self.refunded += other.refunded;
    }

    fn take_back(&mut self, other: &Self) {
        self.payments -= other.payments;
        self.paid -= other.paid;
        self.refunds -= other.refunds;
        self.refunded -= other.refunded;
    }
}

/// What one order adds to which day: its payments and its refunds that succeeded carry the times of their rows in the log.
pub(crate) fn sums_of(order: &Order) -> Vec<(Day, Sums)> {
    let mut days: Vec<(Day, Sums)> = Vec::new();
    let mut add = |at: Timestamp, sums: Sums| {
        let day = Day::of(at);
        match days.iter_mut().find(|(known, _)| *known == day) {
            Some((_, known)) => known.add(&sums),
            None => days.push((day, sums)),
        }
    };
    for payment in &order.payments {
        let sums = Sums {
            payments: 1,
            paid: payment.total_fee.get().into(),
            ..Sums::default()
        };
        add(payment.noted_at, sums);
    }
    for refund in &order.refunds {
        if refund.state == RefundState::Success {
            let sums = Sums {
                refunds: 1,
                refunded: refund.refund_fee.get().into(),
                ..Sums::default()
            };
            add(refund.changed_at, sums);
        }
    }
    days
}

/// The roll-up: kept up as orders change, some hundred bytes a day and merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) days: BTreeMap<(Day, MchId), Sums>,
}

impl Totals {
    /// An order that added `before` adds `after` now.
    pub(crate) fn change(&mut self, key: &OrderKey, before: &[(Day, Sums)], after: &[(Day, Sums)]) {
        for (day, sums) in after {
            let place = self.days.entry((*day, key.mch_id.clone())).or_default();
            place.add(sums);
        }
        for (day, sums) in before {
            let day = (*day, key.mch_id.clone());
            let place = self.days.entry(day.clone()).or_default();
            place.take_back(sums);
            if *place == Sums::default() {
                self.days.remove(&day);
            }
        }
    }

    pub(crate) fn answer(&self, query: &TotalsQuery) -> Vec<DayTotals> {
        let fen = |sum: u128| {
            u64::try_from(sum)
                .ok()
                .and_then(|sum| Fen::new(sum).ok())
                .unwrap_or(Fen::MAX)
        };
        self.days
            .iter()
            .skip_while(|((day, _), _)| *day < query.from)
            .take_while(|((day, _), _)| *day <= query.last())
            .filter(|((_, mch_id), _)| query.mch_id.as_ref().is_none_or(|wanted| wanted == mch_id))
            .map(|((day, mch_id), sums)| DayTotals {
                day: *day,
                mch_id: mch_id.clone(),
                payments: sums.payments,
                paid: fen(sums.paid),
                refunds: sums.refunds,
                refunded: fen(sums.refunded),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(payments: u64, paid: u128) -> Sums {
        Sums {
            payments,
            paid,
            ..Sums::default()
        }
    }

    #[test]
    fn what_is_taken_back_is_gone() {
        let key = OrderKey {
            mch_id: "1473426802".parse().unwrap(),
            out_trade_no: "order-1".parse().unwrap(),
        };
        let day: Day = "2019-03-20".parse().unwrap();
        let mut totals = Totals::default();
        totals.change(&key, &[], &[(day, sums(1, 5))]);
        totals.change(
            &key,
            &[(day, sums(1, 5))],
            &[(day, sums(1, 5)), (day.next(), sums(1, 7))],
        );
        totals.change(&key, &[(day, sums(1, 5))], &[]);
        let query = TotalsQuery {
            from: day,
            to: day.plus(9),
            mch_id: None,
        };
        let answer = totals.answer(&query);
        assert_eq!(answer.len(), 1);
        assert_eq!((answer[0].day, answer[0].paid.get()), (day.next(), 7));
    }

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let day: Day = "2019-03-20".parse().unwrap();
        let millisecond = std::time::Duration::from_millis(1);
        assert_eq!(Day::of(day.start()), day);
        assert_eq!(Day::of(day.next().start() - millisecond), day);
        assert_eq!(day.start().to_string(), "2019-03-20T00:00:00+08:00");
        for text in ["", "2019-3-20", "2019-02-30", "20190320", "2019-03-20 "] {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text}");
        }
    }
}
