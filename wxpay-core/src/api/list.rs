//! Typed values from the JSON lists that some fields hold.

use alloc::vec::Vec;

use super::{FieldError, message::Plain};
use crate::{
    json::{self, Value},
    text::SubOrderList,
};

/// One object of a list.
#[derive(Clone, Copy)]
pub(crate) struct Item<'v>(&'v Value<'v>);

impl<'v> Item<'v> {
    fn text(self, name: &str) -> Option<&'v str> {
        self.0
            .get(name)
            .and_then(Value::as_text)
            .filter(|text| !text.is_empty())
    }

    /// The object under a name.
    pub(crate) fn part(self, name: &str) -> Option<Self> {
        self.0.get(name).map(Item)
    }

    /// A value that must be there.
    pub(crate) fn required<T: Plain>(self, field: &'static str) -> Result<T, FieldError> {
        self.optional(field)?.ok_or(FieldError::Missing { field })
    }

    /// A value that may be left out.
    pub(crate) fn optional<T: Plain>(self, field: &'static str) -> Result<Option<T>, FieldError> {
        self.text(field)
            .map(|text| T::from_field(text, field))
            .transpose()
    }

    /// A value that only informs: one that does not fit its type is left out.
    pub(crate) fn informs<T: Plain>(self, field: &'static str) -> Option<T> {
        self.optional(field).unwrap_or_default()
    }
}

/// Reads the orders of a `sub_order_list`: at least one, and as many as `order_num` says.
pub(crate) fn read_orders<T>(
    text: &str,
    read: impl Fn(Item<'_>) -> Result<T, FieldError>,
) -> Result<Vec<T>, FieldError> {
    let unexpected = FieldError::Unexpected {
        field: SubOrderList::FIELD,
    };
    let list = json::parse(text).ok_or(unexpected)?;
    let orders = list
        .get("order_list")
        .and_then(Value::as_list)
        .filter(|orders| !orders.is_empty())
        .ok_or(unexpected)?;
    let counted: u32 = Item(&list).required("order_num")?;
    if usize::try_from(counted) != Ok(orders.len()) {
        return Err(FieldError::Unexpected { field: "order_num" });
    }
    orders.iter().map(|order| read(Item(order))).collect()
}

/// Reads a list that stands alone in a field.
pub(crate) fn read_list<T>(
    text: &str,
    field: &'static str,
    read: impl Fn(Item<'_>) -> Result<T, FieldError>,
) -> Result<Vec<T>, FieldError> {
    let list = json::parse(text);
    let items = list.as_ref().and_then(Value::as_list);
    let items = items.ok_or(FieldError::Unexpected { field })?;
    items.iter().map(|item| read(Item(item))).collect()
}
