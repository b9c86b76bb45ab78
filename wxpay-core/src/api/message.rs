//! Structs whose fields are the fields of a message, by the same names.

use alloc::{
    borrow::{Cow, ToOwned},
    string::{String, ToString},
};

use super::{FieldError, Fields};
use crate::{BeijingTime, Fen, InsertError, Params, text};

/// A value that is one field's whole text.
pub(crate) trait Plain: Sized {
    /// Whether it only informs: in an answer, one that does not fit its type is left out and no answer is lost over it.
    const ONLY_INFORMS: bool = false;

    fn to_field(&self) -> Cow<'_, str>;

    /// Puts it into a message.
    fn put_field(&self, params: &mut Params<'_>, field: &'static str) -> Result<(), InsertError> {
        params.insert_known(field, &self.to_field())
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError>;
}

/// What a struct's field takes from a message and puts into one.
pub(crate) trait Value: Sized {
    /// Puts nothing unless it is written out: lists stand in answers only.
    fn put<'a>(
        &'a self,
        _params: &mut Params<'a>,
        _field: &'static str,
    ) -> Result<(), InsertError> {
        Ok(())
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError>;

    /// As `take`, in an answer.
    fn take_answer(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        Self::take(fields, field)
    }
}

impl<T: Plain> Value for T {
    fn put<'a>(&'a self, params: &mut Params<'a>, field: &'static str) -> Result<(), InsertError> {
        self.put_field(params, field)
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        T::from_field(fields.required(field)?, field)
    }
}

impl<T: Plain> Value for Option<T> {
    fn put<'a>(&'a self, params: &mut Params<'a>, field: &'static str) -> Result<(), InsertError> {
        match self {
            Some(value) => value.put(params, field),
            None => Ok(()),
        }
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        fields
            .optional(field)
            .map(|text| T::from_field(text, field))
            .transpose()
    }

    fn take_answer(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        match <Self as Value>::take(fields, field) {
            Err(_) if T::ONLY_INFORMS => Ok(None),
            taken => taken,
        }
    }
}

macro_rules! plain_texts {
    ($($name:ident)*) => {$(
        impl Plain for text::$name {
            const ONLY_INFORMS: bool = true;

            fn to_field(&self) -> Cow<'_, str> {
                self.as_str().into()
            }

            fn from_field(text: &str, _field: &'static str) -> Result<Self, FieldError> {
                Ok(text.parse()?)
            }
        }
    )*};
}

plain_texts! {
    AppId MchId OutTradeNo TransactionId OutRefundNo PrepayId CodeUrl OpenId Body Attach ProductId SpbillCreateIp NotifyUrl
    FeeType BankType RefundId DeviceInfo AuthCode Detail GoodsTag LimitPay SceneInfo MwebUrl UserType UserCreid
    UserTruename RefundDesc LongUrl ShortUrl InterfaceUrl Trades CombineOutTradeNo SubOrderList OutOrderNo
    SharingOrderId Receivers ReceiverText SharingDescription OutReturnNo ReturnAccount PartnerTradeNo ReUserName
    TransferDesc MchBillno SendName Wishing ActName Remark SceneId RiskInfo EncryptedText BankCode
}

impl Plain for String {
    const ONLY_INFORMS: bool = true;

    fn to_field(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn from_field(text: &str, _field: &'static str) -> Result<Self, FieldError> {
        Ok(text.to_owned())
    }
}

impl Plain for Fen {
    fn to_field(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn put_field(&self, params: &mut Params<'_>, field: &'static str) -> Result<(), InsertError> {
        let (digits, len) = digits(self.get());
        let digits = digits.get(digits.len() - len..).unwrap_or_default();
        // Digits are ASCII, so the default is never taken.
        params.insert_known(field, core::str::from_utf8(digits).unwrap_or_default())
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError> {
        text.parse()
            .map_err(|source| FieldError::Amount { field, source })
    }
}

/// The decimal digits of a number, at the end of the array, and how many there are.
fn digits(number: u64) -> ([u8; 20], usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut len = 0;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
        len += 1;
        if rest == 0 {
            break;
        }
    }
    (digits, len)
}

impl Plain for BeijingTime {
    fn to_field(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError> {
        text.parse()
            .map_err(|source| FieldError::Time { field, source })
    }
}

impl Plain for u32 {
    fn to_field(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError> {
        // An amount is written just so, which keeps out signs and zeros in front.
        let number: Fen = text.parse().map_err(|_| FieldError::Unexpected { field })?;
        Self::try_from(number.get()).map_err(|_| FieldError::Unexpected { field })
    }
}

impl Plain for bool {
    fn to_field(&self) -> Cow<'_, str> {
        if *self { "Y" } else { "N" }.into()
    }

    fn from_field(text: &str, field: &'static str) -> Result<Self, FieldError> {
        match text {
            "Y" => Ok(true),
            "N" => Ok(false),
            _ => Err(FieldError::Unexpected { field }),
        }
    }
}

/// A struct for the business fields of a request or of an answer: first those that must be there, then, after a `;`,
/// those that may be left out.
macro_rules! message {
    ($(#[$meta:meta])* request $name:ident {
        $($(#[$rdoc:meta])* $r:ident: $rt:ty,)*
        $(; $($(#[$odoc:meta])* $o:ident: $ot:ty,)*)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$rdoc])* pub $r: $rt,)*
            $($($(#[$odoc])* pub $o: Option<$ot>,)*)?
        }

        impl $name {
            /// A request without the fields that may be left out.
            #[must_use]
            #[allow(clippy::too_many_arguments, reason = "one for each field that must be there")]
            pub fn new($($r: $rt,)*) -> Self {
                Self { $($r,)* $($($o: None,)*)? }
            }

            /// Reads the request back from its fields: the gateway's side. Verify them first.
            ///
            /// # Errors
            /// [`FieldError`](crate::api::FieldError) when a field is missing or has a value that it cannot have.
            pub fn from_params(params: &$crate::Params<'_>) -> Result<Self, $crate::api::FieldError> {
                use $crate::api::message::Value;
                let fields = $crate::api::Fields(params);
                Ok(Self {
                    $($r: Value::take(fields, stringify!($r))?,)*
                    $($($o: Value::take(fields, stringify!($o))?,)*)?
                })
            }

            fn put<'a>(&'a self, params: &mut $crate::Params<'a>) -> Result<(), $crate::api::RequestError> {
                use $crate::api::message::Value;
                $(self.$r.put(params, stringify!($r))?;)*
                $($(self.$o.put(params, stringify!($o))?;)*)?
                Ok(())
            }
        }
    };
    ($(#[$meta:meta])* answer $name:ident {
        $($(#[$rdoc:meta])* $r:ident: $rt:ty,)*
        $(; $($(#[$odoc:meta])* $o:ident: $ot:ty,)*)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$rdoc])* pub $r: $rt,)*
            $($($(#[$odoc])* pub $o: Option<$ot>,)*)?
        }

        impl $name {
            pub(super) fn take(fields: $crate::api::Fields<'_>) -> Result<Self, $crate::api::FieldError> {
                use $crate::api::message::Value;
                Ok(Self {
                    $($r: Value::take_answer(fields, stringify!($r))?,)*
                    $($($o: Value::take_answer(fields, stringify!($o))?,)*)?
                })
            }
        }
    };
}

/// An enum over the texts of a field, open to those that the API will have one day.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A text that this crate has no name for.
            Other(alloc::boxed::Box<str>),
        }

        impl $name {
            /// The text on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::api::message::Plain for $name {
            fn to_field(&self) -> alloc::borrow::Cow<'_, str> {
                self.as_str().into()
            }

            fn from_field(text: &str, _field: &'static str) -> Result<Self, $crate::api::FieldError> {
                Ok(text.into())
            }
        }
    };
}

pub(crate) use message;
pub(crate) use open_enum;
