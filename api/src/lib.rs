//! What two tiers of Oort must agree on, and nothing else: wire formats,
//! codecs, ids, error codes, the bus and the directory.
//!
//! * [`pb`]: generated protobuf and gRPC code (`api/proto`).
//! * [`codec`]: sans-I/O codecs of what clients speak.
//! * [`bus`]: ordered, partitioned, at-least-once transport between logic and
//!   job (Kafka, or in-process).
//! * [`directory`]: soft state that says which comet holds a user or room
//!   (Redis, or in-process).
//! * [`ids`], [`op`], [`error`]: the vocabulary.
//! * [`seq_window`]: order and duplicate detection by dense seqs.
//! * [`client_address`]: who a client is behind proxies; [`rate`]: how often somebody may do something;
//!   [`generations`]: the bounded map that remembers them.
//! * [`expiry`]: what is left of messages whose time is over.
//! * [`trail`]: where a message has been, for operators who ask.
//! * [`metrics`]: how each crate registers what it counts.

pub mod bus;
pub mod client_address;
pub mod clock;
pub mod codec;
pub mod directory;
pub mod error;
pub mod expiry;
pub mod generations;
pub mod ids;
pub mod metrics;
pub mod op;
pub mod pb;
#[cfg(feature = "simulation")]
pub mod planted;
pub mod rate;
pub mod seq_window;
pub mod trail;

pub use error::Code;
pub use ids::{ConversationId, RoomKey, Seq, SessionKey, UserId};
