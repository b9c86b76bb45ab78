//! Coupons: the fields with an index behind their names.

use alloc::{format, string::String, vec::Vec};

use super::{
    FieldError, Fields,
    message::{Plain, Value, open_enum},
};
use crate::{Fen, InsertError, Params};

open_enum! {
    /// Whether a coupon counts as money: the field `coupon_type_$n`.
    CouponType {
        /// Bought with money; it is part of what the merchant is paid.
        Cash = "CASH",
        /// Given away; it is not.
        NoCash = "NO_CASH",
    }
}

/// One coupon of a payment or of a refund. Each of its fields is there only if the gateway sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coupon {
    /// The coupon's id.
    pub id: Option<String>,
    /// Whether it counts as money.
    pub coupon_type: Option<CouponType>,
    /// Its amount; in a refund, what of it goes back.
    pub fee: Option<Fen>,
}

/// The names of one list of coupons, without their index, and of the field that counts them.
#[derive(Clone, Copy)]
pub(crate) struct CouponNames {
    pub(crate) count: &'static str,
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) fee: &'static str,
}

/// The coupons of a payment.
const PAID: CouponNames = CouponNames {
    count: "coupon_count",
    id: "coupon_id",
    kind: "coupon_type",
    fee: "coupon_fee",
};

/// Reads the coupons `0`, `1`, … behind each name, with `suffix` between (`_0` in the first refund of a query), up to the
/// first that is not there and to `count`. A count that promises more makes no coupon.
pub(crate) fn read_coupons(
    fields: Fields<'_>,
    names: CouponNames,
    suffix: &str,
    count: usize,
) -> Result<Vec<Coupon>, FieldError> {
    let mut coupons = Vec::new();
    // No more than there are fields.
    for n in 0..count.min(fields.len()) {
        let get = |name| fields.numbered(name, suffix, n);
        let (id, kind, fee) = (get(names.id), get(names.kind), get(names.fee));
        if id.is_none() && kind.is_none() && fee.is_none() {
            break;
        }
        coupons.push(Coupon {
            id: id.map(String::from),
            coupon_type: kind.map(CouponType::from),
            fee: fee
                .map(|text| Fen::from_field(text, names.fee))
                .transpose()?,
        });
    }
    Ok(coupons)
}

/// The coupons of a payment, in an answer or a notify.
impl Value for Vec<Coupon> {
    fn put<'a>(&'a self, params: &mut Params<'a>, _field: &'static str) -> Result<(), InsertError> {
        for (n, coupon) in self.iter().enumerate() {
            if let Some(id) = &coupon.id {
                params.insert(format!("{}_{n}", PAID.id), id.as_str())?;
            }
            if let Some(kind) = &coupon.coupon_type {
                params.insert(format!("{}_{n}", PAID.kind), kind.as_str())?;
            }
            if let Some(fee) = &coupon.fee {
                params.insert(format!("{}_{n}", PAID.fee), fee.to_field())?;
            }
        }
        Ok(())
    }

    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        let count = fields.optional_count(PAID.count)?.unwrap_or(usize::MAX);
        read_coupons(fields, PAID, "", count)
    }
}
