//! `downloadbill`: a day's bill, as text.

use alloc::{borrow::Cow, format};

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, OnlyMd5, Repeat, RequestError,
    SubMerchantFields,
    message::{Plain, Value, open_enum},
};
use crate::{BeijingTime, Params};

#[doc = include_str!("pages/downloadbill.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadBill {
    /// The day.
    pub bill_date: BillDate,
    /// What it lists.
    pub bill_type: BillType,
    /// Whether it is compressed.
    pub tar_type: Option<TarType>,
}

open_enum! {
    /// What a bill lists.
    BillType {
        /// All that happened.
        All = "ALL",
        /// Payments.
        Success = "SUCCESS",
        /// Refunds.
        Refund = "REFUND",
        /// Refunds from the merchant's balance.
        RechargeRefund = "RECHARGE_REFUND",
    }
}

open_enum! {
    /// How a bill is compressed.
    TarType {
        /// As a gzip stream.
        Gzip = "GZIP",
    }
}

/// A day in Beijing: `yyyyMMdd` on the wire.
///
/// ```
/// use wxpay_core::api::BillDate;
///
/// assert_eq!("20140603".parse::<BillDate>()?.to_string(), "20140603");
/// assert!("20140631".parse::<BillDate>().is_err());
/// # Ok::<(), wxpay_core::api::BillDateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillDate(BeijingTime);

/// A text that is no day written as `yyyyMMdd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a day is written yyyyMMdd")]
pub struct BillDateError;

impl BillDate {
    /// The day of a moment.
    #[must_use]
    pub fn of(moment: BeijingTime) -> Self {
        const OFFSET_S: i64 = 8 * 3600;
        let unix_s = moment.unix_seconds();
        let since_midnight_s = (unix_s + OFFSET_S).rem_euclid(86_400);
        // A day that a moment is in begins in range too.
        Self(BeijingTime::from_unix_seconds(unix_s - since_midnight_s).unwrap_or(moment))
    }
}

impl core::str::FromStr for BillDate {
    type Err = BillDateError;

    fn from_str(text: &str) -> Result<Self, BillDateError> {
        if text.len() != "yyyyMMdd".len() {
            return Err(BillDateError);
        }
        format!("{text}000000")
            .parse()
            .map(Self)
            .map_err(|_| BillDateError)
    }
}

impl core::fmt::Display for BillDate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&format!("{}", self.0)[.."yyyyMMdd".len()])
    }
}

impl Plain for BillDate {
    fn to_field(&self) -> Cow<'_, str> {
        format!("{self}").into()
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError> {
        text.parse().map_err(|_| FieldError::Unexpected { field })
    }
}

impl DownloadBill {
    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`] when the day is missing or none.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        let fields = Fields(params);
        Ok(Self {
            bill_date: Value::take(fields, "bill_date")?,
            bill_type: fields
                .optional("bill_type")
                .map_or(BillType::All, BillType::from),
            tar_type: Value::take(fields, "tar_type")?,
        })
    }
}

impl Endpoint for DownloadBill {
    const NAME: &'static str = "downloadbill";
    const PATH: &'static str = "/pay/downloadbill";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Text;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyMd5;
    type Response = ();

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.bill_date.put(params, "bill_date")?;
        self.bill_type.put(params, "bill_type")?;
        Ok(self.tar_type.put(params, "tar_type")?)
    }

    fn read(_answer: &Answer<'_>) -> Result<(), FieldError> {
        Ok(())
    }
}
