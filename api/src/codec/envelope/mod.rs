//! JSON text frames `{"type": …, "payload": {…}}`, for browsers. Specified
//! with an example of every frame in `docs/protocol.md`, which a test compares
//! with this code.
//!
//! Two flavours share the frames: [`Flavour::Classic`] is what older web
//! clients know (no acks, no errors, numeric user ids); [`Flavour::V1`] is
//! the WebSocket sub-protocol [`SUBPROTOCOL`].

pub mod client;
mod fields;
mod json;
pub mod limits;
pub mod server;
pub mod watch;

pub use client::{ClientFrame, ClientType, EnvelopeError, parse};
pub use json::{kind_named, name_of_conversation_kind, name_of_kind};
pub use limits::Limits;
pub use server::{Head, Listing, ServerFrame, ServerType, Session, encode_message, visible_in};
pub use watch::{Typing, Watch};
/// The WebSocket sub-protocol that turns [`Flavour::V1`] on.
pub const SUBPROTOCOL: &str = "oort.v1";

/// How much of the dialect a client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// Seven frames; refused frames are answered with silence.
    Classic,
    /// Everything in `docs/protocol.md`.
    V1,
}

impl Flavour {
    /// The flavour a client gets that offered these sub-protocols
    /// (the value of `Sec-WebSocket-Protocol`; `None` = no such header).
    #[must_use]
    pub fn offered(subprotocols: Option<&str>) -> Self {
        let offers_v1 =
            subprotocols.is_some_and(|list| list.split(',').any(|offer| offer.trim() == SUBPROTOCOL));
        if offers_v1 { Self::V1 } else { Self::Classic }
    }
}

/// Declares an enum of frame types with the text each has in `type`.
macro_rules! frame_types {
    ($(#[$enum_doc:meta])* $name:ident { $( $(#[$doc:meta])* $variant:ident = $text:literal, )* }) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[$doc])* $variant, )* }

        impl $name {
            /// Every type, in the order of the documentation.
            pub const ALL: &[Self] = &[ $( Self::$variant, )* ];

            /// The text in `type`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// The type with this text.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    };
}
use frame_types;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subprotocol_chooses_the_flavour() {
        assert_eq!(Flavour::offered(None), Flavour::Classic);
        assert_eq!(Flavour::offered(Some("chat")), Flavour::Classic);
        assert_eq!(Flavour::offered(Some("oort.v2")), Flavour::Classic);
        assert_eq!(Flavour::offered(Some("chat, oort.v1")), Flavour::V1);
        assert_eq!(Flavour::offered(Some("oort.v1")), Flavour::V1);
    }
}
