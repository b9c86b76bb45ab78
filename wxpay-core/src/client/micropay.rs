//! A micropay driven to its end.

mod event;

use core::{future::Future, time::Duration};
use std::time::SystemTime;

use tokio::time::Instant;

use super::{CallError, Client, Source};
use crate::{
    OutTradeNo, SignType,
    api::{MicroPay, OrderQuery, OrderRef, Payment, Reverse},
    micropay::{
        Event, MicropayEnd, MicropayFlow, MicropayRecord, MicropayState, Phase, Step, Timing,
    },
};

use event::{pay_event, query_event, reverse_event};

impl Client {
    /// Takes a payment by the payer's barcode, and does not let go before it is decided: pays once, queries while the payer
    /// is typing or nothing is known, and reverses what is still open when the time is over. [`MicropayFlow`] has the rules.
    ///
    /// It takes a minute and a half when the payer never ends, and never longer than [`Timing::longest`] of the client's
    /// total time-out. If the program ends in between, the number stays: query it, and reverse it if it is not to be paid.
    /// [`micropay_kept`](Self::micropay_kept) is for a till that goes on after a restart.
    ///
    /// # Errors
    /// [`MicropayError`] when it is not proven that *this* amount was paid; its `end` says what is known. Without a client
    /// certificate nothing is sent, since nothing could be reversed.
    pub async fn micropay_with_poll(
        &self,
        request: &MicroPay,
        sign_type: SignType,
        timing: Timing,
    ) -> Result<Payment, MicropayError> {
        self.micropay_kept(request, sign_type, timing, |_| core::future::ready(Ok(())))
            .await
    }

    /// As [`Client::micropay_with_poll`], and hands `keep` what a restart needs, each time before it changes: first before
    /// the micropay is sent. Store it durably, under the order's number, and take it out when this returns; after a crash
    /// give it to [`Client::resume_micropay`].
    ///
    /// When the first record cannot be stored, nothing is sent. A later one that cannot is logged, and the payment goes on.
    ///
    /// ```no_run
    /// use wxpay_core::{SignType, api::MicroPay, client::{Client, MicropayError}, micropay::{MicropayRecord, Timing}};
    ///
    /// /// Stores a record durably, for example as JSON with the feature `serde`.
    /// async fn store(record: MicropayRecord) -> std::io::Result<()> {
    ///     todo!()
    /// }
    ///
    /// # async fn pay(client: &Client, request: &MicroPay) -> Result<(), MicropayError> {
    /// let keep = |record| async { Ok(store(record).await?) };
    /// let payment = client.micropay_kept(request, SignType::HmacSha256, Timing::DEFAULT, keep).await?;
    /// println!("paid: {}", payment.transaction_id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MicropayError`], as [`Client::micropay_with_poll`]; with [`CallError::NotKept`] when the first record was not
    /// stored.
    pub async fn micropay_kept<K, F>(
        &self,
        request: &MicroPay,
        sign_type: SignType,
        timing: Timing,
        keep: K,
    ) -> Result<Payment, MicropayError>
    where
        K: FnMut(MicropayRecord) -> F,
        F: Future<Output = Result<(), Source>>,
    {
        self.check_certificate::<Reverse>()
            .map_err(|cause| MicropayError {
                end: MicropayEnd::NotSent,
                cause: Some(cause),
            })?;
        let clock = Clock::start();
        let flow = MicropayFlow::new(timing, clock.now());
        let state = flow.state().ok_or(MicropayError::nothing_known())?;
        let record = MicropayRecord {
            out_trade_no: request.out_trade_no.clone(),
            total_fee: request.total_fee,
            sign_type,
            state,
        };
        self.drive(flow, clock, Some(request), record, keep).await
    }

    /// Goes on with a micropay that a program did not live to see the end of: queries it, waits for what is left of the
    /// payer's time, and reverses what is still open. A reverse that was begun is sent again. It never pays.
    ///
    /// `keep` gets the records from here on, as in [`Client::micropay_kept`], so that this may be cut off too.
    ///
    /// # Errors
    /// [`MicropayError`], as [`Client::micropay_with_poll`].
    pub async fn resume_micropay<K, F>(
        &self,
        record: MicropayRecord,
        timing: Timing,
        keep: K,
    ) -> Result<Payment, MicropayError>
    where
        K: FnMut(MicropayRecord) -> F,
        F: Future<Output = Result<(), Source>>,
    {
        self.check_certificate::<Reverse>()
            .map_err(|cause| MicropayError {
                end: MicropayEnd::Unknown,
                cause: Some(cause),
            })?;
        let clock = Clock::start();
        let flow = MicropayFlow::restore(timing, record.state, clock.now());
        self.drive(flow, clock, None, record, keep).await
    }

    /// `request` is there when the flow may begin with a micropay.
    async fn drive<K, F>(
        &self,
        mut flow: MicropayFlow,
        clock: Clock,
        request: Option<&MicroPay>,
        mut record: MicropayRecord,
        mut keep: K,
    ) -> Result<Payment, MicropayError>
    where
        K: FnMut(MicropayRecord) -> F,
        F: Future<Output = Result<(), Source>>,
    {
        let mut payment = None;
        let mut cause = None;
        let mut kept: Option<MicropayState> = None;
        loop {
            if let Some(state) = flow.state()
                && kept != Some(state)
            {
                record.state = state;
                match keep(record.clone()).await {
                    Ok(()) => kept = Some(state),
                    Err(error) if state.phase == Phase::Pay => {
                        return Err(MicropayError {
                            end: MicropayEnd::NotSent,
                            cause: Some(CallError::NotKept(error)),
                        });
                    }
                    // The payer's money matters more than the record.
                    Err(error) => tracing::warn!(%error, "a micropay's record was not stored"),
                }
            }
            let event = match flow.step() {
                Step::Pay => {
                    let request = request.ok_or(MicropayError::nothing_known())?;
                    let result = self.call(request, record.sign_type).await;
                    pay_event(result, &mut payment, &mut cause)
                }
                Step::Query { after } => {
                    tokio::time::sleep(after).await;
                    let query = OrderQuery {
                        by: reference(&record.out_trade_no),
                    };
                    let result = self.call(&query, record.sign_type).await;
                    query_event(result, &mut payment, &mut cause)
                }
                Step::Reverse { after } => {
                    tokio::time::sleep(after).await;
                    let reverse = Reverse {
                        by: reference(&record.out_trade_no),
                    };
                    reverse_event(self.call(&reverse, record.sign_type).await, &mut cause)
                }
                Step::Done(end) => {
                    return match payment {
                        Some(payment) if end == MicropayEnd::Paid => Ok(payment),
                        _ => Err(MicropayError { end, cause }),
                    };
                }
            };
            if let (Event::Paid, Some(paid)) = (event, &payment)
                && paid.total_fee != record.total_fee
            {
                return Err(MicropayError {
                    end: MicropayEnd::NumberTaken,
                    cause,
                });
            }
            tracing::debug!(?event, "micropay");
            let _ = flow.next(event, clock.now());
        }
    }
}

/// Time since the Unix epoch that does not go back while the program runs.
struct Clock {
    started: Instant,
    at_start: Duration,
}

impl Clock {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            at_start: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    fn now(&self) -> Duration {
        self.at_start.saturating_add(self.started.elapsed())
    }
}

fn reference(out_trade_no: &OutTradeNo) -> OrderRef {
    OrderRef::OutTradeNo(out_trade_no.clone())
}

/// A micropay did not end with the money proven to be there.
#[derive(Debug, thiserror::Error)]
#[error("the micropay was not proven to be paid: {}", end.as_str())]
#[non_exhaustive]
pub struct MicropayError {
    /// What is known.
    pub end: MicropayEnd,
    /// The last answer on the way that was an error, such as the gateway's refusal.
    #[source]
    pub cause: Option<CallError>,
}

impl MicropayError {
    const fn nothing_known() -> Self {
        Self {
            end: MicropayEnd::Unknown,
            cause: None,
        }
    }
}
