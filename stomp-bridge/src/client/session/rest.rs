//! How long receipts may lie unread.

use std::time::Duration;

/// With fewer receipts out there is no rest.
const MIN_WAITING: usize = 512;
/// Nor when receipts take less than this.
const MIN_LATENCY: Duration = Duration::from_millis(16);
/// Timers tell no less.
const REST: Duration = Duration::from_millis(1);

/// How long a connection with so many receipts out, the last of which took `latency`, may leave what
/// comes unread, so that more of it comes at once.
///
/// A read, a write and what they wake cost more than all else of a message. With many out, each waits
/// behind the others for much longer than the rest, and the broker still has most of them to do
/// meanwhile, so that it never waits for us.
pub(super) fn rest(waiting: usize, latency: Duration) -> Option<Duration> {
    (waiting >= MIN_WAITING && latency >= MIN_LATENCY).then_some(REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deep_window_rests_and_never_for_long() {
        let ms = Duration::from_millis;
        assert_eq!(rest(511, ms(100)), None);
        assert_eq!(rest(512, ms(15)), None);
        assert_eq!(rest(512, ms(16)), Some(ms(1)));
        assert_eq!(rest(1000, ms(600)), Some(ms(1)));
    }
}
