//! Why there is no session.

use stomp_bridge::client::{BrokerUrl, ConnectError, Scheme, Step, TlsError};

use super::Diagnosis;
use crate::doctor::identify::Speaks;

/// The plug-in that serves a scheme, and its usual port.
fn plugin(scheme: Scheme) -> (&'static str, u16) {
    match scheme {
        Scheme::Ws => ("rabbitmq_web_stomp", 15674),
        Scheme::Wss => ("rabbitmq_web_stomp", 15673),
        Scheme::Stomps => ("rabbitmq_stomp", 61614),
        _ => ("rabbitmq_stomp", 61613),
    }
}

fn is_tls(scheme: Scheme) -> bool {
    matches!(scheme, Scheme::Wss | Scheme::Stomps)
}

/// The URL's place with another scheme, to be copied.
fn as_scheme(url: &BrokerUrl, scheme: Scheme) -> String {
    let path = if scheme.is_websocket() { "/ws" } else { "" };
    format!("{}://{}:{}{path}", scheme.as_str(), url.host(), url.port())
}

/// The same kind of connection with or without TLS.
fn other_tls(scheme: Scheme) -> Scheme {
    match scheme {
        Scheme::Ws => Scheme::Wss,
        Scheme::Wss => Scheme::Ws,
        Scheme::Stomps => Scheme::Stomp,
        _ => Scheme::Stomps,
    }
}

/// Why there is no session.
pub(crate) fn of_connect(url: &BrokerUrl, error: &ConnectError, speaks: &Speaks) -> Diagnosis {
    if let Some(other) = other_protocol(url, speaks) {
        return other;
    }
    let (plugin, usual_port) = plugin(url.scheme());
    let says = error.to_string();
    match error {
        ConnectError::Resolve { host, .. } => Diagnosis::new(
            "name_unknown",
            says,
            format!("check the spelling of {host} and this machine's resolver"),
        ),
        ConnectError::Refused { .. } => Diagnosis::new(
            "nothing_listens",
            says,
            format!(
                "is the broker running, and the port right ({usual_port} unless configured)? Then: rabbitmq-plugins enable {plugin}"
            ),
        ),
        ConnectError::Unreachable { .. } | ConnectError::TimedOut { step: Step::Tcp } => {
            Diagnosis::new(
                "unreachable",
                says,
                "a firewall or a route is in the way, or the host is down",
            )
        }
        ConnectError::TimedOut {
            step: Step::Resolve,
        } => Diagnosis::new(
            "name_unknown",
            says,
            "this machine's resolver does not answer",
        ),
        ConnectError::Tls(error) => of_tls(error),
        ConnectError::UpgradeRefused { status } => of_upgrade(url, *status, speaks),
        ConnectError::AccessRefused { .. } => Diagnosis::new(
            "access_refused",
            says,
            "check user and passcode (a special character in a URL is percent-encoded); RabbitMQ's guest may connect from the broker's own machine only",
        ),
        ConnectError::VirtualHost { .. } => Diagnosis::new(
            "virtual_host",
            says,
            "it does not exist or the user may not enter: rabbitmqctl list_vhosts, then rabbitmqctl set_permissions -p VHOST USER …; the URL names it by ?vhost=",
        ),
        ConnectError::Version { .. } => Diagnosis::new(
            "stomp_version",
            says,
            "the broker is too old or set up for an older version",
        ),
        ConnectError::ErrorFrame { .. } => {
            Diagnosis::new("session_refused", says, "the broker's log says more")
        }
        ConnectError::Closed { .. } => Diagnosis::new(
            "closed",
            says,
            "the broker's log says why; a limit of connections, or a proxy on the way, closes like this",
        ),
        ConnectError::TimedOut { .. } => Diagnosis::new(
            "silent",
            says,
            "the port takes connections and answers nothing: is the broker still booting, or is it another service?",
        ),
        ConnectError::Proxy(error) => Diagnosis::new("proxy", says, error.hint()),
        _ => Diagnosis::new(
            "not_a_broker",
            says,
            "another service listens there: check host and port",
        ),
    }
}

/// Something else than the scheme says listens there.
fn other_protocol(url: &BrokerUrl, speaks: &Speaks) -> Option<Diagnosis> {
    let scheme = url.scheme();
    match speaks {
        Speaks::Tls if !is_tls(scheme) => Some(Diagnosis::new(
            "tls_expected",
            format!(
                "port {} speaks TLS and the URL is {}",
                url.port(),
                scheme.as_str()
            ),
            format!("use {}", as_scheme(url, other_tls(scheme))),
        )),
        Speaks::Stomp if scheme != Scheme::Stomp => Some(Diagnosis::new(
            "stomp_port",
            format!(
                "port {} speaks plain STOMP and the URL is {}",
                url.port(),
                scheme.as_str()
            ),
            format!("use {}", as_scheme(url, Scheme::Stomp)),
        )),
        Speaks::Http { .. } if !scheme.is_websocket() => Some(Diagnosis::new(
            "http_port",
            format!(
                "port {} speaks HTTP and the URL is {}",
                url.port(),
                scheme.as_str()
            ),
            format!(
                "use {} if this is Web STOMP's port",
                as_scheme(url, Scheme::Ws)
            ),
        )),
        Speaks::Http { .. } if scheme == Scheme::Wss => Some(Diagnosis::new(
            "no_tls",
            format!("port {} speaks plain HTTP and the URL is wss", url.port()),
            format!(
                "use {}, or the port that has TLS",
                as_scheme(url, Scheme::Ws)
            ),
        )),
        Speaks::Amqp => Some(Diagnosis::new(
            "amqp_port",
            format!("port {} speaks AMQP", url.port()),
            "use STOMP's port (61613, TLS 61614) or Web STOMP's (15674)",
        )),
        Speaks::Words(words) => Some(Diagnosis::new(
            "not_a_broker",
            format!(
                "port {} is another service, which begins with {words:?}",
                url.port()
            ),
            "check host and port",
        )),
        _ => None,
    }
}

fn of_tls(error: &TlsError) -> Diagnosis {
    let says = error.to_string();
    let (code, mend) = match error {
        TlsError::UntrustedIssuer => (
            "certificate_unknown",
            "name the authority that signed it with --ca FILE; if it is none of yours, a proxy on the way opens TLS",
        ),
        TlsError::WrongName { .. } => (
            "certificate_name",
            "use a host name that the certificate has, or have one issued for this name",
        ),
        TlsError::OutsideValidity => (
            "certificate_expired",
            "renew the broker's certificate, and check both clocks",
        ),
        TlsError::ClientCertificateWanted | TlsError::RefusedByServer { .. } => (
            "client_certificate",
            "give one that the broker's authority signed with --cert and --key, or set ssl_options.fail_if_no_peer_cert = false",
        ),
        TlsError::Handshake(_) => (
            "no_tls",
            "does this port have TLS at all? If it has: which versions?",
        ),
        error => ("tls_setup", error.hint()),
    };
    Diagnosis::new(code, says, mend)
}

fn of_upgrade(url: &BrokerUrl, status: u16, speaks: &Speaks) -> Diagnosis {
    let by = match speaks {
        Speaks::Http {
            via: Some(proxy), ..
        }
        | Speaks::Http {
            server: Some(proxy),
            ..
        } => format!(" by {proxy:?}"),
        _ => String::new(),
    };
    let says = format!("the WebSocket upgrade was answered with HTTP {status}{by}");
    let (code, mend) = match status {
        404 | 405 => (
            "no_web_stomp",
            "is this Web STOMP's port (15674 in RabbitMQ; 15672 is the management's) and the path /ws? Then: rabbitmq-plugins enable rabbitmq_web_stomp".to_owned(),
        ),
        400 | 426 => (
            "upgrade_lost",
            "something on the way took the upgrade out: have the proxy pass the headers Upgrade and Connection with HTTP/1.1".to_owned(),
        ),
        401 | 403 | 407 => (
            "proxy_refuses",
            "a proxy or a web server refuses before the broker is asked: it wants a login, or does not allow this".to_owned(),
        ),
        300..=399 => (
            "redirected",
            format!(
                "a web server sends elsewhere, often to TLS: try {}",
                as_scheme(url, Scheme::Wss)
            ),
        ),
        500..=599 => (
            "proxy_cannot_reach",
            "a proxy answers and the broker behind it does not, or the broker takes no more connections".to_owned(),
        ),
        _ => (
            "not_a_broker",
            "a web server answers, and no broker: check port and path".to_owned(),
        ),
    };
    Diagnosis::new(code, says, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot be played on loopback.
    #[test]
    fn a_host_that_drops_packets_is_unreachable() {
        let url: BrokerUrl = "ws://u:secret@broker.example:15674/ws".parse().unwrap();
        for error in [
            ConnectError::TimedOut { step: Step::Tcp },
            ConnectError::Unreachable {
                addr: "192.0.2.1:15674".to_owned(),
                reason: "No route to host".to_owned(),
            },
        ] {
            let found = of_connect(&url, &error, &Speaks::Nothing);
            assert_eq!(found.code, "unreachable");
            assert!(!found.to_string().contains("secret"));
        }
    }
}
