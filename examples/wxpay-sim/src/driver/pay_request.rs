//! The request `POST /sim/pay`.

use serde::Deserialize;
use wxpay_core::{BeijingTime, TextError};

use crate::gateway::{NotifyWanted, Payable, Payment, PaymentFacts};

/// `{"out_trade_no" or "code_url", "mch_id"?, "outcome"?, "transaction_id"?, "time_end"?, "openid"?, "bank_type"?, "notify"?}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PayRequest {
    out_trade_no: Option<String>,
    code_url: Option<String>,
    mch_id: Option<String>,
    #[serde(default)]
    outcome: Outcome,
    transaction_id: Option<String>,
    time_end: Option<String>,
    openid: Option<String>,
    bank_type: Option<String>,
    notify: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Outcome {
    #[default]
    Success,
    PayError,
}

/// Why a request is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PayRequestError {
    #[error("give either out_trade_no or code_url")]
    What,
    #[error("mch_id goes with out_trade_no, not with code_url")]
    MchIdWithCode,
    #[error("time_end is not 14 digits yyyyMMddHHmmss that name a moment")]
    TimeEnd,
    #[error("a failed payment has no transaction_id, time_end, openid, bank_type or notify")]
    FactsOfFailure,
    #[error(transparent)]
    Text(#[from] TextError),
}

impl PayRequest {
    pub(super) fn read(&self) -> Result<(Payable, Payment), PayRequestError> {
        let mch_id = parse(self.mch_id.as_deref())?;
        let what = match (
            parse(self.code_url.as_deref())?,
            parse(self.out_trade_no.as_deref())?,
        ) {
            (Some(_), None) if mch_id.is_some() => return Err(PayRequestError::MchIdWithCode),
            (Some(code), None) => Payable::Code(code),
            (None, Some(out_trade_no)) => Payable::Number {
                out_trade_no,
                mch_id,
            },
            _ => return Err(PayRequestError::What),
        };
        let time_end = self.time_end.as_deref().map(str::parse::<BeijingTime>);
        let facts = PaymentFacts {
            transaction_id: parse(self.transaction_id.as_deref())?,
            time_end: time_end.transpose().map_err(|_| PayRequestError::TimeEnd)?,
            openid: parse(self.openid.as_deref())?,
            bank_type: parse(self.bank_type.as_deref())?,
            notify: if self.notify.unwrap_or(true) {
                NotifyWanted::Yes
            } else {
                NotifyWanted::No
            },
        };
        match self.outcome {
            Outcome::Success => Ok((what, Payment::Success(facts))),
            Outcome::PayError
                if facts.transaction_id.is_some()
                    || facts.time_end.is_some()
                    || facts.openid.is_some()
                    || facts.bank_type.is_some()
                    || self.notify == Some(true) =>
            {
                Err(PayRequestError::FactsOfFailure)
            }
            Outcome::PayError => Ok((what, Payment::PayError)),
        }
    }
}

fn parse<T: std::str::FromStr<Err = TextError>>(
    text: Option<&str>,
) -> Result<Option<T>, TextError> {
    text.map(str::parse).transpose()
}
