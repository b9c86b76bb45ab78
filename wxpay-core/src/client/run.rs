//! A call from its first try to its last.

use core::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use super::{
    CallError, CallReport, Client, Exchange, Message, Outcome, hosts::Base, phase::Waits,
    take::Take,
};
use crate::{
    NonceStr, SignType,
    api::{AnswerError, Endpoint, prepare},
};

/// How far a call has come.
struct Progress<'c> {
    started: Instant,
    within: Duration,
    tries: u32,
    /// The host of the last try.
    host: &'c str,
    http_status: Option<u16>,
}

impl Progress<'_> {
    fn remaining(&self) -> Duration {
        self.within.saturating_sub(self.started.elapsed())
    }

    /// For one try, which ends when the call has to.
    fn waits(&self, silence: Duration) -> Waits {
        // As far away as makes no difference.
        const NEVER: Duration = Duration::from_hours(24 * 365);
        Waits {
            silence,
            until: self.started + self.within.min(NEVER),
        }
    }
}

impl Client {
    /// One call in a span. The span holds neither the message nor the address, which may have a secret path.
    pub(super) async fn run<E: Endpoint, T: Take>(
        &self,
        request: &E,
        sign: E::Sign,
        within: Duration,
        take: &mut T,
    ) -> Result<T::Taken, CallError> {
        let sign_type: SignType = sign.into();
        let span = tracing::info_span!(
            "wxpay",
            endpoint = E::NAME,
            mch_id = self.account.mch_id.as_str(),
            sign_type = sign_type.as_str(),
            host = field::Empty,
            tries = field::Empty,
            http_status = field::Empty,
            err_code = field::Empty,
            outcome = field::Empty,
        );
        let mut progress = Progress {
            started: Instant::now(),
            within,
            tries: 0,
            host: "",
            http_status: None,
        };
        async {
            let result = self.tries(request, sign, &mut progress, take).await;
            self.ended::<E>(result.as_ref().err(), &progress, &span);
            result
        }
        .instrument(span.clone())
        .await
    }

    /// Whether an endpoint can be called as far as the client certificate goes.
    pub(super) fn check_certificate<E: Endpoint>(&self) -> Result<(), CallError> {
        let (_, base) = self.shared.hosts.pick();
        self.shared.http.for_endpoint(E::NEEDS_CERT, base).map(drop)
    }

    /// Tells the log and the metrics.
    fn ended<E: Endpoint>(&self, error: Option<&CallError>, progress: &Progress<'_>, span: &Span) {
        let outcome = error.map_or(Outcome::Answered, CallError::outcome);
        span.record("host", progress.host);
        span.record("tries", progress.tries);
        span.record("outcome", outcome.as_str());
        if let Some(status) = progress.http_status {
            span.record("http_status", status);
        }
        if let Some(CallError::Answer(AnswerError::Business { code, .. })) = error {
            span.record("err_code", code.as_str());
        }
        if let Some(error) = error {
            tracing::info!(%error, "no answer to act on");
        }
        if let Some(observe) = &self.shared.hooks.observe {
            observe.call_ended(&CallReport {
                endpoint: E::NAME,
                host: progress.host,
                outcome,
                error,
                duration: progress.started.elapsed(),
                retries: progress.tries.saturating_sub(1),
            });
        }
    }

    async fn tries<'c, E: Endpoint, T: Take>(
        &'c self,
        request: &E,
        sign: E::Sign,
        progress: &mut Progress<'c>,
        take: &mut T,
    ) -> Result<T::Taken, CallError> {
        let shared = &*self.shared;
        let _place = shared.limit.enter(progress.within).await?;
        // The first error after which the request may have had its effect.
        let mut unknown = None;
        // A simulator, or whatever else stands in the gateway's place, has every path at its own host.
        let own = E::HOST.filter(|_| shared.hosts.are_the_gateways());
        let own = own.map(|host| (host, Base::of_host(host)));
        loop {
            if progress.remaining().is_zero() {
                return Err(unknown.unwrap_or(CallError::Timeout { after_sent: false }));
            }
            let picked = shared.hosts.pick();
            let (base, name) = match &own {
                Some((name, base)) => (base, *name),
                None => (picked.1, picked.1.host()),
            };
            progress.tries += 1;
            progress.host = name;
            progress.http_status = None;
            take.begin();
            let result = self.once(request, sign, base, progress, take).await;
            if own.is_none() {
                shared.hosts.report(picked.0, &result);
            }
            let error = match result {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            let wait = self.wait_before_next::<E>(&error, progress, take.is_untouched());
            let Some(wait) = wait else {
                // That this try never left says nothing of the ones before it.
                return Err(match unknown {
                    Some(unknown) if error.outcome() == Outcome::NotSent => unknown,
                    _ => error,
                });
            };
            tracing::debug!(%error, ?wait, "the request is sent again");
            if error.outcome() == Outcome::Unknown && unknown.is_none() {
                unknown = Some(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait before the next try; none when this was the last.
    fn wait_before_next<E: Endpoint>(
        &self,
        error: &CallError,
        progress: &Progress<'_>,
        untouched: bool,
    ) -> Option<Duration> {
        if !untouched {
            return None;
        }
        let (failure, at_least) = error.failure::<E>();
        // Chance only spreads the load; without it the shortest wait will do.
        let random = getrandom::u32().unwrap_or(0);
        let wait = self
            .shared
            .retry
            .next(progress.tries, E::REPEAT, failure, random)?
            .max(at_least);
        (wait < progress.remaining()).then_some(wait)
    }

    async fn once<E: Endpoint, T: Take>(
        &self,
        request: &E,
        sign: E::Sign,
        base: &Base,
        progress: &mut Progress<'_>,
        take: &mut T,
    ) -> Result<T::Taken, CallError> {
        let Self { account, shared } = self;
        shared.http.for_endpoint(E::NEEDS_CERT, base)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| CallError::Random(error.into()))?;
        let nonce = NonceStr::from_random(random);
        let prepared = prepare(request, account, sign, &nonce)?;
        let audit = shared
            .hooks
            .audit
            .as_ref()
            .map(|audit| (audit, Message::masked(prepared.body.as_bytes())));
        let sent = shared
            .http
            .post(
                base,
                prepared,
                progress.waits(shared.read_timeout),
                &mut progress.http_status,
                take,
            )
            .await;
        if let Some((audit, request)) = audit {
            let response = sent.is_ok().then(|| take.masked());
            audit.exchanged(&Exchange {
                endpoint: E::NAME,
                host: base.host(),
                attempt: progress.tries,
                request: &request,
                http_status: progress.http_status,
                response: response.as_ref(),
            });
        }
        sent?;
        take.finish()
    }
}
