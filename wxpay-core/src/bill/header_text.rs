//! Enums whose values are known by the text in a header line.

/// An enum with, for each value, the text of today's header and those of older forms.
macro_rules! header_texts {
    (
        $(#[$enum_doc:meta])*
        $name:ident {
            $($(#[$doc:meta])* $variant:ident = $text:literal $(| $alias:literal)*,)*
        }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            pub(super) const COUNT: usize = [$($text),*].len();

            /// The text of today's header. Bills of older forms may have another.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            pub(super) fn of(text: &str) -> Option<Self> {
                match text {
                    $($text $(| $alias)* => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use header_texts;
