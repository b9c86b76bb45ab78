//! What to do when there is no answer to act on.

use core::{fmt, time::Duration};

use super::{AnswerError, Endpoint, ErrorCode, Repeat};

/// What a code says of a request: section by section, the pages of the API sort into these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same business parameters may be sent again, under the same number.
    RetrySame,
    /// What became of the request is not known: query before anything else.
    QueryFirst,
    /// It is decided, for this number.
    Final,
    /// The request or the account's set-up is at fault; sending it again changes nothing.
    Caller,
    /// There is nothing to do: what was asked for is so already.
    Done,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// Send the same business parameters again, with a new `nonce_str` and `sign`.
    SendAgain {
        /// How long to wait before.
        after: Duration,
    },
    /// The outcome is unknown: query by the number before anything else, and never take another number.
    QueryFirst,
    /// The gateway has decided: the same number will not succeed.
    GiveUp,
    /// The gateway knows no such order or refund, perhaps because the request never arrived: the request that should have
    /// made it may be sent again, under the same number and with the same business parameters.
    SendOriginal,
    /// The merchant's own balance is too low: top it up, then send the same business parameters under the same number.
    TopUp,
    /// Mend the request or the merchant's set-up at the gateway.
    FixRequest,
    /// The outcome is unknown and stays so: mend the API key, the sign type or the account first, then query.
    CheckSetup,
    /// Nothing: what was asked for is so already.
    Done,
}

impl Advice {
    const fn again(seconds: u64) -> Self {
        Self::SendAgain {
            after: Duration::from_secs(seconds),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendAgain { after } => write!(
                f,
                "send the same parameters again after {} s",
                after.as_secs()
            ),
            Self::QueryFirst => f.write_str("the outcome is unknown: query first"),
            Self::GiveUp => f.write_str("decided: this number will not succeed"),
            Self::SendOriginal => {
                f.write_str("not there: the request that should have made it may be sent again")
            }
            Self::TopUp => f.write_str("top up the merchant's balance, then send the same again"),
            Self::FixRequest => f.write_str("mend the request or the set-up; do not send it again"),
            Self::CheckSetup => {
                f.write_str("unknown: check the key, the sign type and the account, then query")
            }
            Self::Done => f.write_str("nothing to do: it is so already"),
        }
    }
}

impl AnswerError {
    /// Whether this is the gateway's own word. All else, `return_code` FAIL among it, leaves the outcome unknown.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        matches!(self, Self::Business { .. })
    }

    /// What to do next, at the endpoint that gave this error.
    ///
    /// ```
    /// use wxpay_core::api::{Advice, AnswerError, CloseOrder, MicroPay, UnifiedOrder};
    ///
    /// let error = AnswerError::Business { code: "SYSTEMERROR".into(), description: String::new() };
    /// assert_eq!(error.advice::<MicroPay>(), Advice::QueryFirst);
    /// assert!(matches!(error.advice::<UnifiedOrder>(), Advice::SendAgain { .. }));
    /// let error = AnswerError::Business { code: "ORDERCLOSED".into(), description: String::new() };
    /// assert_eq!(error.advice::<CloseOrder>(), Advice::Done);
    /// ```
    #[must_use]
    pub fn advice<E: Endpoint>(&self) -> Advice {
        match self {
            Self::Business { code, .. } => {
                E::advice(code).unwrap_or_else(|| advice(E::class(code), code))
            }
            // Unproven, so it never ends a matter that money hangs on.
            Self::Unproven { code, .. } => match (E::class(code), E::REPEAT) {
                (Class::Final | Class::Done, Repeat::SameNumber | Repeat::QueryFirst) => {
                    Advice::QueryFirst
                }
                (class, _) => advice(class, code),
            },
            Self::Verify(_) | Self::Foreign { .. } => Advice::CheckSetup,
            Self::Xml(_) | Self::Refused { .. } | Self::NoReturnCode | Self::Field(_) => {
                match E::REPEAT {
                    Repeat::Safe => Advice::again(5),
                    Repeat::SameNumber | Repeat::QueryFirst => Advice::QueryFirst,
                }
            }
        }
    }
}

fn advice(class: Class, code: &ErrorCode) -> Advice {
    match class {
        Class::RetrySame => Advice::again(match code {
            ErrorCode::FrequencyLimited | ErrorCode::FreqLimit | ErrorCode::InvalidReqTooMuch => 60,
            ErrorCode::BillCreating => 1800,
            _ => 5,
        }),
        Class::QueryFirst => Advice::QueryFirst,
        // There is money under this number, or may be: find out, and never go straight to another.
        Class::Final if matches!(code, ErrorCode::OrderPaid | ErrorCode::OutTradeNoUsed) => {
            Advice::QueryFirst
        }
        Class::Final => Advice::GiveUp,
        Class::Caller => Advice::FixRequest,
        Class::Done => Advice::Done,
    }
}
