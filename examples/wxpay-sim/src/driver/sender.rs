//! Posts notifies when they are due.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, header, redirect};
use tokio::{task::JoinSet, time};
use wxpay_core::xml;

use super::{guard::Guard, shared::Shared};
use crate::{
    clock::Clock,
    faults::NotifyFault,
    gateway::{NotifyId, Post, PostResult, Verdict},
};

/// How long a merchant may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How many tries are on their way at once.
const IN_FLIGHT_MAX: usize = 32;
/// The longest reply that is read.
const REPLY_MAX_BYTES: usize = 16 * 1024;

/// The HTTP client that posts notifies: it follows no redirect and uses no proxy.
pub(crate) fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .user_agent(concat!("wxpay-sim/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Posts what is due until everything is asked to stop; what is on its way then is dropped.
pub(crate) async fn run(shared: Arc<Shared>, client: Client, guard: Guard) {
    let mut moves = shared.clock.moves();
    let mut tries = JoinSet::new();
    loop {
        let fault = shared.faults().notify();
        let room = IN_FLIGHT_MAX - tries.len();
        let (posts, next_due, now) = {
            let mut gateway = shared.gateway();
            let now = shared.clock.now();
            (gateway.take_due(now, room), gateway.next_due(), now)
        };
        for post in posts {
            let poster = Poster {
                client: client.clone(),
                guard: guard.clone(),
                clock: shared.clock.clone(),
            };
            tries.spawn(async move { (post.id, poster.send(&post, fault).await) });
        }
        // Without room the next thing to wait for is a try that ends.
        let sleep = next_due
            .filter(|_| tries.len() < IN_FLIGHT_MAX)
            .map(|due| time::sleep(due.since(now)));
        tokio::select! {
            () = shared.stopped() => break,
            _ = moves.changed() => {}
            () = shared.due.notified() => {}
            Some(ended) = tries.join_next() => take(&shared, ended),
            () = async { if let Some(sleep) = sleep { sleep.await } else { std::future::pending().await } } => {}
        }
    }
    tries.shutdown().await;
}

fn take(shared: &Shared, ended: Result<(NotifyId, Vec<PostResult>), tokio::task::JoinError>) {
    match ended {
        Ok((id, results)) => shared.gateway().tried(id, results),
        Err(error) => tracing::error!(%error, "a try to notify broke off"),
    }
}

struct Poster {
    client: Client,
    guard: Guard,
    clock: Clock,
}

impl Poster {
    async fn send(&self, post: &Post, fault: NotifyFault) -> Vec<PostResult> {
        match fault {
            NotifyFault::Off => vec![self.once(post).await],
            NotifyFault::Duplicate => {
                let (one, other) = tokio::join!(self.once(post), self.once(post));
                vec![one, other]
            }
            NotifyFault::Lost => vec![PostResult {
                at: self.clock.now(),
                took: Duration::ZERO,
                status: None,
                reply: "lost by a fault".to_owned(),
                verdict: Verdict::Lost,
            }],
        }
    }

    async fn once(&self, post: &Post) -> PostResult {
        let (at, began) = (self.clock.now(), time::Instant::now());
        let (status, reply, verdict) = match self.guard.check(&post.url) {
            Err(why) => (None, why, Verdict::Refused),
            Ok(url) => match self.exchange(url, &post.body).await {
                Ok((status, reply)) => {
                    let verdict = judge(status, &reply);
                    (
                        Some(status),
                        String::from_utf8_lossy(&reply).into_owned(),
                        verdict,
                    )
                }
                Err(error) if error.is_timeout() => (
                    None,
                    format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
                    Verdict::TimedOut,
                ),
                // The address may hold a secret, and stands beside this text in any case.
                Err(error) => (None, chain(&error.without_url()), Verdict::Unreachable),
            },
        };
        let result = PostResult {
            at,
            took: began.elapsed(),
            status,
            reply,
            verdict,
        };
        tracing::info!(status = result.status, verdict = verdict.as_str(), "notify");
        result
    }

    async fn exchange(&self, url: url::Url, body: &str) -> Result<(u16, Vec<u8>), reqwest::Error> {
        let mut response = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "text/xml")
            .body(body.to_owned())
            .send()
            .await?;
        let status = response.status().as_u16();
        let mut reply = Vec::new();
        // One byte over the limit is kept, so that a longer reply is not read as a whole one.
        while reply.len() <= REPLY_MAX_BYTES
            && let Some(chunk) = response.chunk().await?
        {
            reply.extend_from_slice(&chunk[..chunk.len().min(REPLY_MAX_BYTES + 1 - reply.len())]);
        }
        Ok((status, reply))
    }
}

/// Only HTTP 200 with an XML message whose `return_code` is SUCCESS ends the notifies.
fn judge(status: u16, reply: &[u8]) -> Verdict {
    let says_success =
        || xml::read(reply).is_ok_and(|params| params.get("return_code") == Some("SUCCESS"));
    if status == 200 && reply.len() <= REPLY_MAX_BYTES && says_success() {
        Verdict::Answered
    } else {
        Verdict::NotSuccess
    }
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wxpay_core::NotifyReply;

    #[test]
    fn only_the_right_xml_with_200_is_an_answer() {
        let success = NotifyReply::Success.to_xml();
        assert_eq!(judge(200, success.as_bytes()), Verdict::Answered);
        for (status, reply) in [
            (201, success.as_str()),
            (302, &success),
            (500, &success),
            (200, &NotifyReply::Fail("no").to_xml()),
            (200, "success"),
            (200, "SUCCESS"),
            (200, r#"{"return_code":"SUCCESS"}"#),
            (200, &format!("\u{feff}{success}")),
            (200, &format!("ok {success}")),
            (200, "<html><body>OK</body></html>"),
            (200, ""),
        ] {
            assert_eq!(
                judge(status, reply.as_bytes()),
                Verdict::NotSuccess,
                "{status} {reply}"
            );
        }
        let padded = success.replace("OK", &"x".repeat(REPLY_MAX_BYTES));
        assert_eq!(judge(200, padded.as_bytes()), Verdict::NotSuccess);
    }
}
