//! The form in which the payer's device gets its fields.

/// Gives a struct with `fields()` the JSON object of those fields, and the same to serde.
macro_rules! device_form {
    ($name:ident) => {
        impl $name {
            /// The fields as a JSON object. It may stand inside a page's script as it is.
            #[must_use]
            pub fn to_json(&self) -> alloc::string::String {
                $crate::json::object(&self.fields())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.fields())
            }
        }
    };
}

pub(super) use device_form;
