//! Which of the gateway's two hosts is next.

use core::time::Duration;

/// One of the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// The first choice.
    Primary,
    /// The host in another city.
    Backup,
}

/// How a call to a host went, as far as the host is concerned. A refusal is a success: somebody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostReport {
    /// An answer came.
    Success,
    /// No connection within its time-out.
    ConnectTimeout,
    /// The host's name has no address.
    DnsError,
    /// Anything else, such as silence on an open connection.
    OtherError,
}

/// The rule of the official Java SDK 3.0.9 for choosing between two hosts, with its figures.
///
/// A host is bad with more than [two](Self::TOLERATED) connect time-outs or more than two DNS errors. While the primary is
/// bad the backup is used for [three minutes](Self::ON_BACKUP), unless it is bad too and scores no better; then all counts
/// are forgotten and the primary has another chance. A score is connect time-outs + 5 × DNS errors + other errors ÷ 4.
/// Two successes in a row clear a host's counts.
///
/// It only picks the host of the *next* call: nothing is sent again by itself. Times are a caller's own, counted from any
/// fixed moment and never going back.
///
/// ```
/// use core::time::Duration;
/// use wxpay_core::transport::{Failover, Host, HostReport};
///
/// let mut failover = Failover::new();
/// let now = Duration::from_secs(7);
/// for _ in 0..3 {
///     assert_eq!(failover.pick(now), Host::Primary);
///     failover.report(Host::Primary, HostReport::ConnectTimeout);
/// }
/// assert_eq!(failover.pick(now), Host::Backup);
/// assert_eq!(failover.pick(now + Failover::ON_BACKUP), Host::Primary);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Failover {
    primary: Counts,
    backup: Counts,
    /// When the backup was first picked.
    switched: Option<Duration>,
}

impl Failover {
    /// How many connect time-outs, and how many DNS errors, a good host may have.
    pub const TOLERATED: u32 = 2;
    /// How long the backup is used before the primary has another chance.
    pub const ON_BACKUP: Duration = Duration::from_mins(3);
    /// How many successes in a row clear a host's counts.
    pub const CLEARING_SUCCESSES: u32 = 2;

    /// Two hosts of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            primary: Counts::NONE,
            backup: Counts::NONE,
            switched: None,
        }
    }

    /// Takes note of how a call to `host` went. A call that ended after the last switch back counts as any other.
    pub fn report(&mut self, host: Host, report: HostReport) {
        match host {
            Host::Primary => &mut self.primary,
            Host::Backup => &mut self.backup,
        }
        .count(report);
    }

    /// The host of the next call.
    #[must_use]
    pub fn pick(&mut self, now: Duration) -> Host {
        if self.primary.is_good() {
            self.switched = None;
            return Host::Primary;
        }
        let since = *self.switched.get_or_insert(now);
        if now.saturating_sub(since) >= Self::ON_BACKUP {
            *self = Self::new();
            return Host::Primary;
        }
        if self.backup.is_good() || self.backup.score() < self.primary.score() {
            Host::Backup
        } else {
            Host::Primary
        }
    }
}

/// What is counted of one host.
#[derive(Clone, Debug, Default)]
struct Counts {
    connect_timeouts: u32,
    dns_errors: u32,
    other_errors: u32,
    successes: u32,
}

impl Counts {
    const NONE: Self = Self {
        connect_timeouts: 0,
        dns_errors: 0,
        other_errors: 0,
        successes: 0,
    };

    fn count(&mut self, report: HostReport) {
        let count = match report {
            HostReport::Success => {
                self.successes = self.successes.saturating_add(1);
                if self.successes >= Failover::CLEARING_SUCCESSES {
                    *self = Self {
                        successes: self.successes,
                        ..Self::NONE
                    };
                }
                return;
            }
            HostReport::ConnectTimeout => &mut self.connect_timeouts,
            HostReport::DnsError => &mut self.dns_errors,
            HostReport::OtherError => &mut self.other_errors,
        };
        *count = count.saturating_add(1);
        self.successes = 0;
    }

    const fn is_good(&self) -> bool {
        self.connect_timeouts <= Failover::TOLERATED && self.dns_errors <= Failover::TOLERATED
    }

    const fn score(&self) -> u32 {
        self.connect_timeouts
            .saturating_add(self.dns_errors.saturating_mul(5))
            .saturating_add(self.other_errors / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HostReport::{ConnectTimeout, DnsError, OtherError, Success};

    const START: Duration = Duration::from_secs(1000);

    fn after(reports: &[(Host, HostReport, u32)]) -> Failover {
        let mut failover = Failover::new();
        for &(host, report, times) in reports {
            for _ in 0..times {
                failover.report(host, report);
            }
        }
        failover
    }

    #[test]
    fn three_are_bad_and_two_are_not() {
        for error in [ConnectTimeout, DnsError] {
            let mut failover = after(&[(Host::Primary, error, 2)]);
            assert_eq!(failover.pick(START), Host::Primary, "{error:?}");
            failover.report(Host::Primary, error);
            assert_eq!(failover.pick(START), Host::Backup, "{error:?}");
        }
        // Two of each are not three of one; and other errors alone never switch.
        let mut failover = after(&[
            (Host::Primary, ConnectTimeout, 2),
            (Host::Primary, DnsError, 2),
            (Host::Primary, OtherError, 1000),
        ]);
        assert_eq!(failover.pick(START), Host::Primary);
    }

    #[test]
    fn three_minutes_and_then_all_is_forgotten() {
        let mut failover = after(&[
            (Host::Primary, ConnectTimeout, 3),
            (Host::Backup, ConnectTimeout, 2),
        ]);
        // The three minutes begin with the first pick.
        assert_eq!(failover.pick(START), Host::Backup);
        let almost = START + Duration::from_millis(179_999);
        assert_eq!(failover.pick(almost), Host::Backup);
        assert_eq!(failover.pick(START + Failover::ON_BACKUP), Host::Primary);
        // Both began anew: three more make the primary bad, and one more leaves the backup good.
        for _ in 0..2 {
            failover.report(Host::Primary, ConnectTimeout);
        }
        let later = START + Failover::ON_BACKUP * 2;
        assert_eq!(failover.pick(later), Host::Primary);
        failover.report(Host::Primary, ConnectTimeout);
        failover.report(Host::Backup, ConnectTimeout);
        assert_eq!(failover.pick(later), Host::Backup);
    }

    #[test]
    fn two_successes_in_a_row_clear() {
        let bad = [(Host::Primary, DnsError, 3)];
        let mut failover = after(&bad);
        assert_eq!(failover.pick(START), Host::Backup);
        failover.report(Host::Primary, Success);
        failover.report(Host::Primary, OtherError);
        failover.report(Host::Primary, Success);
        assert_eq!(failover.pick(START), Host::Backup, "not in a row");
        failover.report(Host::Primary, Success);
        assert_eq!(failover.pick(START), Host::Primary);
        // A later switch has three minutes of its own.
        for _ in 0..3 {
            failover.report(Host::Primary, DnsError);
        }
        let later = START + Failover::ON_BACKUP * 3;
        assert_eq!(failover.pick(later), Host::Backup);
        assert_eq!(
            failover.pick(later + Duration::from_secs(179)),
            Host::Backup
        );
    }

    #[test]
    fn a_backup_that_is_bad_too_must_score_better() {
        // A DNS error weighs five connect time-outs, and four others weigh one.
        for (primary, backup, picked) in [
            ((DnsError, 3), (ConnectTimeout, 14), Host::Backup),
            ((DnsError, 3), (ConnectTimeout, 15), Host::Primary),
            ((ConnectTimeout, 4), (DnsError, 3), Host::Primary),
        ] {
            let mut failover = after(&[
                (Host::Primary, primary.0, primary.1),
                (Host::Backup, backup.0, backup.1),
            ]);
            assert_eq!(failover.pick(START), picked, "{primary:?} {backup:?}");
        }
        let mut failover = after(&[
            (Host::Primary, ConnectTimeout, 3),
            (Host::Primary, OtherError, 3),
            (Host::Backup, ConnectTimeout, 3),
        ]);
        assert_eq!(failover.pick(START), Host::Primary);
        failover.report(Host::Primary, OtherError);
        assert_eq!(failover.pick(START), Host::Backup);
    }

    #[test]
    fn a_clock_that_goes_back_harms_nothing() {
        let mut failover = after(&[(Host::Primary, DnsError, 3)]);
        assert_eq!(failover.pick(START), Host::Backup);
        assert_eq!(failover.pick(Duration::ZERO), Host::Backup);
    }
}
