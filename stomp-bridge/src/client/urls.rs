//! The brokers that may serve, in the order in which they are tried.

use super::url::{BrokerUrl, BrokerUrlError};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// One broker or more. They may differ in all: scheme, host, virtual host, credentials.
///
/// As a text it is the URLs with commas between; a comma inside a passcode is written `%2C`.
/// Neither `Debug` nor `Display` shows a passcode.
///
/// ```
/// use stomp_bridge::client::BrokerUrls;
/// let urls: BrokerUrls = "wss://payer:a@one.example/ws, stomp://payer:b@two.example".parse()?;
/// assert_eq!(urls.len(), 2);
/// assert_eq!(urls.first().host(), "one.example");
/// # Ok::<(), stomp_bridge::client::BrokerUrlsError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrls {
    first: BrokerUrl,
    more: Vec<BrokerUrl>,
}

/// Why there is no list of brokers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BrokerUrlsError {
    /// The list is empty.
    #[error("no broker's URL")]
    Empty,
    /// One of them is no broker's URL.
    #[error("broker {number}: {error}")]
    Url {
        /// Its place in the list, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        error: BrokerUrlError,
    },
}

impl BrokerUrls {
    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.more.len()
    }

    /// The one that is tried first.
    #[must_use]
    pub fn first(&self) -> &BrokerUrl {
        &self.first
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &BrokerUrl> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The one at that place, counted round.
    pub(crate) fn at(&self, index: usize) -> &BrokerUrl {
        match index % self.len() {
            0 => &self.first,
            n => &self.more[n - 1],
        }
    }
}

impl From<BrokerUrl> for BrokerUrls {
    fn from(first: BrokerUrl) -> Self {
        let more = Vec::new();
        Self { first, more }
    }
}

impl TryFrom<Vec<BrokerUrl>> for BrokerUrls {
    type Error = BrokerUrlsError;

    fn try_from(urls: Vec<BrokerUrl>) -> Result<Self, Self::Error> {
        let mut urls = urls.into_iter();
        let first = urls.next().ok_or(BrokerUrlsError::Empty)?;
        let more = urls.collect();
        Ok(Self { first, more })
    }
}

impl FromStr for BrokerUrls {
    type Err = BrokerUrlsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(BrokerUrlsError::Empty);
        }
        let numbered = |(number, one): (usize, &str)| {
            one.trim()
                .parse()
                .map_err(|error| BrokerUrlsError::Url { number, error })
        };
        let urls: Vec<BrokerUrl> = (1..)
            .zip(text.split(','))
            .map(numbered)
            .collect::<Result<_, _>>()?;
        urls.try_into()
    }
}

impl fmt::Display for BrokerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.more.iter().try_for_each(|url| write!(f, ",{url}"))
    }
}

impl fmt::Debug for BrokerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUrls({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_shows_no_passcode() {
        let text = "ws://u:p%2Cw@a/ws,stomps://v:secret@b , stomp://c";
        let urls: BrokerUrls = text.parse().unwrap();
        let shown = "ws://u@a:80/ws,stomps://v@b:61614,stomp://c:61613";
        assert_eq!(urls.to_string(), shown);
        assert_eq!(format!("{urls:?}"), format!("BrokerUrls({shown})"));
        assert_eq!(urls.first().credentials().unwrap().passcode(), "p,w");
        let hosts: Vec<_> = (0..4).map(|n| urls.at(n).host()).collect();
        assert_eq!(hosts, ["a", "b", "c", "a"]);
        let again = BrokerUrls::try_from(urls.iter().cloned().collect::<Vec<_>>());
        assert_eq!(again, Ok(urls));
    }

    #[test]
    fn each_fault_says_where() {
        assert_eq!(" ".parse::<BrokerUrls>(), Err(BrokerUrlsError::Empty));
        assert_eq!(BrokerUrls::try_from(vec![]), Err(BrokerUrlsError::Empty));
        for text in ["stomp://a,http://b", "stomp://a,", "stomp://a,,stomp://b"] {
            let error = text.parse::<BrokerUrls>().unwrap_err();
            assert!(
                matches!(error, BrokerUrlsError::Url { number: 2, .. }),
                "{error}"
            );
        }
    }
}
