//! The answer in XML that stands in place of a bill.

use alloc::boxed::Box;
use core::fmt;

use super::BillError;
use crate::xml;

/// What the gateway said instead of sending a bill. It has no sign: nothing in it is proof of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field `return_code`.
    pub return_code: Box<str>,
    /// The field `return_msg`, or empty.
    pub return_msg: Box<str>,
    /// The code: `error_code` of downloadbill, such as `20002`, or `err_code` of downloadfundflow.
    pub code: Option<Box<str>>,
}

impl Refusal {
    /// Whether the day has no bill since nothing happened on it. There is nothing to ask for again.
    #[must_use]
    pub fn means_no_bill(&self) -> bool {
        matches!(self.code.as_deref(), Some("20002" | "NO_BILL_EXIST"))
            || self.return_msg.eq_ignore_ascii_case("No Bill Exist")
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, BillError> {
        let params = xml::read(bytes).map_err(BillError::NotAnAnswer)?;
        let field = |name| params.get(name).filter(|value| !value.is_empty());
        Ok(Self {
            return_code: field("return_code").ok_or(BillError::NoReturnCode)?.into(),
            return_msg: field("return_msg").unwrap_or_default().into(),
            code: field("error_code")
                .or_else(|| field("err_code"))
                .map(Into::into),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.return_code, self.return_msg)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}
