//! The XML reader, and the one without a heap beside it.

use wxpay_core::{
    Params,
    in_place::{Field, InPlaceError, Message},
    xml,
};

/// Whatever the bytes, they are read or refused; what is read is written back; both readers say the same.
pub fn read(bytes: &[u8]) {
    let read = xml::read(bytes);
    if let Ok(params) = &read {
        let again = xml::write(params);
        assert_eq!(xml::read(again.as_bytes()).as_ref(), Ok(params));
    }

    let mut text = vec![0; bytes.len()];
    let mut fields = [Field::EMPTY; 128];
    match (Message::read(bytes, &mut fields, &mut text), &read) {
        (Ok(message), Ok(params)) => assert_same(&message, params),
        (Err(InPlaceError::Xml(error)), Err(wanted)) => assert_eq!(&error.into_owned(), wanted),
        (got, wanted) => panic!("{got:?} in place, not {wanted:?}"),
    }

    // With little room it may give up, and says so; it never says anything else.
    let mut text = [0; 8];
    let mut fields = [Field::EMPTY; 4];
    match (Message::read(bytes, &mut fields, &mut text), &read) {
        (Ok(message), Ok(params)) => assert_same(&message, params),
        (Err(InPlaceError::Xml(error)), Err(wanted)) => assert_eq!(&error.into_owned(), wanted),
        (Err(InPlaceError::FieldsFull { .. } | InPlaceError::TextFull { .. }), _) => {}
        (got, wanted) => panic!("{got:?} in little room, not {wanted:?}"),
    }
}

fn assert_same(message: &Message<'_, '_>, params: &Params<'_>) {
    for (name, value) in params.iter() {
        assert_eq!(message.unverified(name), Some(value), "{name}");
    }
    assert_eq!(message.len(), params.len());
}
