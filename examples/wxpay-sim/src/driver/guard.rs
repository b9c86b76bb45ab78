//! Where notifies may go: a `notify_url` comes from whoever signs an order, and the test key is public.

use std::net::Ipv6Addr;

use url::{Host, Url};

/// The hosts that notifies may be posted to: loopback, and those that were allowed by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    allowed: Vec<Host<String>>,
}

impl Guard {
    /// Takes names and addresses; gives back the first that is no host.
    pub(crate) fn new(allowed: &[String]) -> Result<Self, String> {
        let host = |text: &String| {
            let bracketed = match text.parse::<Ipv6Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => text.clone(),
            };
            Host::parse(&bracketed).map_err(|_| text.clone())
        };
        Ok(Self {
            allowed: allowed.iter().map(host).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a notify may be posted to `url`.
    ///
    /// # Errors
    /// The reason why not, for people.
    pub(crate) fn check(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|error| format!("notify_url is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("notify_url is not http or https".to_owned());
        }
        let Some(host) = url.host() else {
            return Err("notify_url has no host".to_owned());
        };
        if is_loopback(&host) || self.allowed.contains(&host.to_owned()) {
            return Ok(url);
        }
        Err(format!(
            "{host} is not a loopback address; allow it with --allow-notify {host}"
        ))
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
        Host::Domain(name) => *name == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_what_is_allowed() {
        let guard = Guard::new(&[
            "Shop.Example".to_owned(),
            "10.0.0.7".to_owned(),
            "fd00::1".to_owned(),
        ])
        .unwrap();
        for url in [
            "http://127.0.0.1:9010/wxpay/notify",
            "http://127.9.9.9/",
            "http://2130706433/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost:9010/",
            "https://shop.example/notify",
            "http://10.0.0.7/",
            "http://[fd00::1]/",
        ] {
            assert!(guard.check(url).is_ok(), "{url}");
        }
        for url in [
            "http://0.0.0.0/",
            "http://169.254.169.254/latest",
            "http://10.0.0.8/",
            "http://[::]/",
            "http://[::ffff:10.0.0.8]/",
            "http://localhost.example/",
            "http://shop.example.evil/",
            "http://127.0.0.1@evil.example/",
            "http://evil.example#@127.0.0.1/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "127.0.0.1:80",
        ] {
            assert!(guard.check(url).is_err(), "{url}");
        }
        assert_eq!(
            Guard::new(&["a b".to_owned()]).err(),
            Some("a b".to_owned())
        );
    }
}
