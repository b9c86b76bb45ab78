//! Texts that check themselves once: numbers, names and ids of the API.

#[cfg(feature = "serde")]
mod serde;
mod short;

use alloc::{borrow::ToOwned, boxed::Box, string::String};
use core::{fmt, str::FromStr};

use short::{Short, Store};

use crate::words;

/// Why a text is not a value of the field it was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The text is empty; an empty value is never signed, so it would vanish from the message.
    #[error("{field} is empty")]
    Empty {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// The text has fewer bytes than the field demands.
    #[error("{field} is shorter than {min_bytes} bytes")]
    TooShort {
        /// The field's name on the wire.
        field: &'static str,
        /// The fewest bytes.
        min_bytes: usize,
    },
    /// The text has more bytes of UTF-8 than the field holds.
    #[error("{field} is longer than {max_bytes} bytes")]
    TooLong {
        /// The field's name on the wire.
        field: &'static str,
        /// The most bytes.
        max_bytes: usize,
    },
    /// The text holds a character that the field forbids.
    #[error("{field} holds a character that it may not: {character:?} at byte {at}")]
    Character {
        /// The field's name on the wire.
        field: &'static str,
        /// The character.
        character: char,
        /// Its position in bytes.
        at: usize,
    },
    /// The text begins or ends with white space: some peers trim before they sign, others do not.
    #[error("{field} begins or ends with white space")]
    OuterBlank {
        /// The field's name on the wire.
        field: &'static str,
    },
}

impl TextError {
    /// The field's name on the wire.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Empty { field }
            | Self::TooShort { field, .. }
            | Self::TooLong { field, .. }
            | Self::Character { field, .. }
            | Self::OuterBlank { field } => field,
        }
    }
}

/// The characters that a field may hold.
#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters, digits and `_ - | * @`: the union of what the pages of the API allow in numbers.
    Number,
    /// Printable ASCII without blanks.
    Visible,
    /// Any text without control characters, and without outer blanks.
    Text,
}

impl Alphabet {
    /// Whether the alphabet surely holds all of a text and no blank stands around it; most texts are told so at once.
    fn surely_holds(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Self::Number => {
                words::are_digits(bytes)
                    || bytes.iter().fold(true, |all, &byte| {
                        all & (words::is_name_byte(byte)
                            | matches!(byte, b'-' | b'|' | b'*' | b'@'))
                    })
            }
            Self::Visible => words::is_ascii_from(b'!', bytes, 0x7F),
            Self::Text => {
                words::is_plain(bytes, 0x7F)
                    && bytes.first() != Some(&b' ')
                    && bytes.last() != Some(&b' ')
            }
        }
    }

    fn holds(self, c: char) -> bool {
        match self {
            Self::Number => c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '|' | '*' | '@'),
            Self::Visible => c.is_ascii_graphic(),
            Self::Text => !c.is_control(),
        }
    }
}

fn check(
    text: &str,
    field: &'static str,
    max_bytes: usize,
    alphabet: Alphabet,
) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty { field });
    }
    if text.len() > max_bytes {
        return Err(TextError::TooLong { field, max_bytes });
    }
    if alphabet.surely_holds(text) {
        return Ok(());
    }
    if let Some((at, character)) = text.char_indices().find(|(_, c)| !alphabet.holds(*c)) {
        return Err(TextError::Character {
            field,
            character,
            at,
        });
    }
    if text.trim().len() != text.len() {
        return Err(TextError::OuterBlank { field });
    }
    Ok(())
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($field:literal, $max:literal, $alphabet:ident) $store:ident $debug:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(texts!(@$store $max));

        impl $name {
            /// The field's name on the wire.
            pub const FIELD: &'static str = $field;
            /// The most bytes of UTF-8 that it holds.
            pub const MAX_BYTES: usize = $max;

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                check(text, $field, $max, Alphabet::$alphabet)?;
                Ok(Self(Store::new(text)))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = TextError;

            fn try_from(text: &str) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                check(&text, $field, $max, Alphabet::$alphabet)?;
                Ok(Self(Box::<str>::from(text).into()))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into_box().into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        texts!(@debug $debug $name);

        #[cfg(feature = "serde")]
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::text(deserializer, Self::FIELD)
            }
        }
    )*};
    (@short $max:literal) => { Short<$max> };
    (@boxed $max:literal) => { Box<str> };
    (@debug shown $name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
    (@debug masked $name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.masked())
            }
        }

        impl $name {
            /// The text with all but its first four characters hidden, for lists and logs; of a short text, such as a name,
            /// no more than a third is shown.
            #[must_use]
            pub fn masked(&self) -> String {
                let most = (self.as_str().chars().count() / 3).min(4);
                let mut shown: String = self.as_str().chars().take(most).collect();
                shown.push('…');
                shown
            }
        }
    };
}

texts! {
    /// The account's public id, such as `wx8397f8696b538317`.
    AppId("appid", 32, Visible) short shown;
    /// The merchant's number.
    MchId("mch_id", 32, Visible) short shown;
    /// The merchant's number of an order, unique for one `mch_id`: letters, digits and `_ - | * @`, at most 32.
    ///
    /// What a new order is given is narrower: see [`OutTradeNo::for_order`].
    OutTradeNo("out_trade_no", 32, Number) short shown;
    /// The gateway's number of a payment.
    TransactionId("transaction_id", 32, Number) short shown;
    /// The merchant's number of a refund, and the key that keeps one refund one.
    OutRefundNo("out_refund_no", 64, Number) boxed shown;
    /// The gateway's handle of a prepared payment, valid for two hours.
    PrepayId("prepay_id", 64, Visible) boxed shown;
    /// What the QR code of a NATIVE payment holds, valid for two hours.
    CodeUrl("code_url", 256, Visible) boxed shown;
    /// Random text, different in each message: at most 32 letters and digits.
    NonceStr("nonce_str", 32, Visible) boxed shown;
    /// The payer's id under this `appid`: personal data, so `Debug` hides most of it.
    OpenId("openid", 128, Visible) boxed masked;
    /// What the payer is shown as the thing paid for: at most 127 bytes of UTF-8, the smaller of the two limits in print.
    Body("body", 127, Text) boxed shown;
    /// Text of the merchant's that comes back in queries and notifies: at most 127 bytes of UTF-8.
    Attach("attach", 127, Text) boxed shown;
    /// The merchant's id of the goods; NATIVE demands one.
    ProductId("product_id", 32, Visible) short shown;
    /// The address of the payer or of the terminal, v4 or v6.
    SpbillCreateIp("spbill_create_ip", 64, Visible) short shown;
    /// Where the gateway posts notifies: a whole URL without a query string. Its last part may be a secret, so `Debug` hides it.
    NotifyUrl("notify_url", 256, Visible) boxed masked;
    /// A currency, such as `CNY`.
    FeeType("fee_type", 16, Visible) short shown;
    /// The payer's bank, or `OTHERS`.
    BankType("bank_type", 32, Visible) short shown;

    // The fields below stand in the API's less common endpoints.
    /// The gateway's number of a refund.
    RefundId("refund_id", 32, Number) boxed shown;
    /// The terminal or the shop.
    DeviceInfo("device_info", 32, Text) boxed shown;
    /// What the payer's barcode holds: 18 digits in print, good for one payment. `Debug` hides most of it.
    AuthCode("auth_code", 128, Visible) boxed masked;
    /// The goods as JSON text, for promotions of single goods.
    Detail("detail", 6000, Text) boxed shown;
    /// A tag that coupons ask for.
    GoodsTag("goods_tag", 32, Text) boxed shown;
    /// A way of paying that is ruled out, such as `no_credit`.
    LimitPay("limit_pay", 32, Visible) boxed shown;
    /// Where the payment happens, as JSON text; MWEB demands its part `h5_info`.
    SceneInfo("scene_info", 256, Text) boxed shown;
    /// Where a browser outside WeChat is sent to pay, valid for five minutes.
    MwebUrl("mweb_url", 256, Visible) boxed shown;
    /// A named payer's kind of identity document, such as `IDCARD`.
    UserType("user_type", 32, Visible) boxed shown;
    /// A named payer's number of the document: personal data.
    UserCreid("user_creid", 32, Visible) boxed masked;
    /// A named payer's name: personal data.
    UserTruename("user_truename", 64, Text) boxed masked;
    /// Why money goes back; shown to the payer.
    RefundDesc("refund_desc", 80, Text) boxed shown;
    /// The address in a QR code of native mode 1.
    LongUrl("long_url", 512, Visible) boxed shown;
    /// A short form of a [`LongUrl`].
    ShortUrl("short_url", 64, Visible) boxed shown;
    /// An endpoint's address, as the health report names it.
    InterfaceUrl("interface_url", 127, Visible) boxed shown;
    /// Calls of a terminal as JSON text, for the health report.
    Trades("trades", 1024, Text) boxed shown;
    /// The merchant's number of a combined order.
    CombineOutTradeNo("combine_out_trade_no", 32, Number) boxed shown;
    /// The orders of a combined order as JSON text.
    SubOrderList("sub_order_list", 10_240, Text) boxed shown;
    /// The merchant's number of a profit sharing.
    OutOrderNo("out_order_no", 64, Number) boxed shown;
    /// The gateway's number of a profit sharing.
    SharingOrderId("order_id", 64, Number) boxed shown;
    /// Who gets how much of a payment, as JSON text.
    Receivers("receivers", 10_240, Text) boxed masked;
    /// One who may get a part of payments, as JSON text.
    ReceiverText("receiver", 2048, Text) boxed masked;
    /// What a profit sharing is for.
    SharingDescription("description", 80, Text) boxed shown;
    /// The merchant's number of a return of a profit sharing.
    OutReturnNo("out_return_no", 64, Number) boxed shown;
    /// The one who returns a part: a merchant's number.
    ReturnAccount("return_account", 64, Visible) boxed shown;
    /// The merchant's number of a transfer.
    PartnerTradeNo("partner_trade_no", 32, Number) boxed shown;
    /// The payee's name: personal data.
    ReUserName("re_user_name", 64, Text) boxed masked;
    /// What a transfer is for.
    TransferDesc("desc", 100, Text) boxed shown;
    /// The merchant's number of a red packet.
    MchBillno("mch_billno", 28, Number) boxed shown;
    /// Who gives a red packet, for the payee to read.
    SendName("send_name", 32, Text) boxed shown;
    /// The wish in a red packet.
    Wishing("wishing", 128, Text) boxed shown;
    /// The occasion of a red packet.
    ActName("act_name", 32, Text) boxed shown;
    /// A remark on a red packet.
    Remark("remark", 256, Text) boxed shown;
    /// The kind of occasion of a red packet, such as `PRODUCT_2`.
    SceneId("scene_id", 32, Visible) boxed shown;
    /// A red packet's circumstances, for the gateway's checks.
    RiskInfo("risk_info", 128, Visible) boxed shown;
    /// A payee's bank card or name, as RSA-OAEP cipher text in base64.
    EncryptedText("enc_bank_no", 1024, Visible) boxed masked;
    /// A bank's number in transfers to cards, such as `1002`.
    BankCode("bank_code", 64, Visible) boxed shown;
}

impl OutTradeNo {
    /// The most bytes of an order's own number: three are kept for the suffix of a later attempt.
    pub const ORDER_MAX_BYTES: usize = 29;
    /// The fewest bytes of an order's own number.
    pub const ORDER_MIN_BYTES: usize = 6;

    /// A number for a new order: letters, digits, `_` and `-`, from 6 to 29 of them.
    ///
    /// The pages of the API disagree on the alphabet and on the least length; this is what all of them allow, less
    /// three characters for the suffix of [`OutTradeNo::for_attempt`].
    ///
    /// # Errors
    /// [`TextError`] that names what is wrong.
    pub fn for_order(text: &str) -> Result<Self, TextError> {
        let number: Self = text.parse()?;
        if text.len() < Self::ORDER_MIN_BYTES {
            return Err(TextError::TooShort {
                field: Self::FIELD,
                min_bytes: Self::ORDER_MIN_BYTES,
            });
        }
        if text.len() > Self::ORDER_MAX_BYTES {
            return Err(TextError::TooLong {
                field: Self::FIELD,
                max_bytes: Self::ORDER_MAX_BYTES,
            });
        }
        match text
            .char_indices()
            .find(|(_, c)| matches!(c, '|' | '*' | '@'))
        {
            Some((at, character)) => Err(TextError::Character {
                field: Self::FIELD,
                character,
                at,
            }),
            None => Ok(number),
        }
    }

    /// The number of the order's `n`-th attempt, counted from 1: its own for the first, then with `-2`, `-3`, … behind it.
    ///
    /// Nothing when the result would not fit the field. A number that comes back is looked up, never parsed: an
    /// order's own number may end in `-2` as well.
    #[must_use]
    pub fn for_attempt(&self, n: u32) -> Option<Self> {
        if n == 1 {
            return Some(self.clone());
        }
        let mut text = self.as_str().to_owned();
        fmt::Write::write_fmt(&mut text, format_args!("-{n}")).ok()?;
        text.try_into().ok()
    }
}

impl NonceStr {
    /// The nonce of 16 random bytes: 32 upper-case hex digits. Take the bytes from the system's source of randomness.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self(alloc::format!("{number:032X}").into())
    }
}

impl FeeType {
    /// Chinese yuan, the currency of an order that names none.
    #[must_use]
    pub fn cny() -> Self {
        Self(Store::new("CNY"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn names_the_field_and_the_fault() {
        assert_eq!("".parse::<Body>(), Err(TextError::Empty { field: "body" }));
        assert_eq!(
            "a b".parse::<OutTradeNo>(),
            Err(TextError::Character {
                field: "out_trade_no",
                character: ' ',
                at: 1
            })
        );
        assert_eq!(
            " tea".parse::<Body>(),
            Err(TextError::OuterBlank { field: "body" })
        );
        assert!("茶".repeat(42).parse::<Body>().is_ok());
        assert_eq!(
            "茶".repeat(43).parse::<Body>(),
            Err(TextError::TooLong {
                field: "body",
                max_bytes: 127
            })
        );
    }

    #[test]
    fn an_order_number_leaves_room_for_its_attempts() {
        assert!(OutTradeNo::for_order("short").is_err());
        assert!(OutTradeNo::for_order("A|B*C@D").is_err());
        let longest = OutTradeNo::for_order(&"9".repeat(29)).unwrap();
        assert_eq!(longest.for_attempt(1), Some(longest.clone()));
        assert_eq!(
            longest.for_attempt(99).unwrap().as_str(),
            format!("{longest}-99")
        );
        assert_eq!(longest.for_attempt(100), None);
        assert!(OutTradeNo::for_order(&"9".repeat(30)).is_err());
    }

    #[test]
    fn debug_hides_personal_data() {
        let openid: OpenId = "oNpSGwbtNBQROpN_dL8WUZG3wRkM".parse().unwrap();
        assert_eq!(format!("{openid:?}"), "OpenId(oNpS…)");
        let name: ReUserName = "王小王".parse().unwrap();
        assert_eq!(format!("{name:?}"), "ReUserName(王…)");
    }
}
