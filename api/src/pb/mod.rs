//! Generated from `api/proto` and checked in; the test `generated` writes it
//! anew and fails when it differs. Field docs are in the `.proto` files.
#![allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    rustdoc::all,
    reason = "generated code"
)]

/// goim's packages: names and field numbers as goim fixed them.
pub mod goim {
    pub mod protocol {
        include!("gen/goim.protocol.rs");
    }
    pub mod comet {
        include!("gen/goim.comet.rs");
    }
    pub mod logic {
        include!("gen/goim.logic.rs");
    }
}

/// goim's comet service under another package name.
pub mod chat_room {
    pub mod comet {
        include!("gen/chat_room.comet.rs");
    }
}

/// Oort's own.
pub mod oort {
    pub mod v1 {
        include!("gen/oort.v1.rs");
    }
}
