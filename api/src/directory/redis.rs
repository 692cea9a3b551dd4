//! The directory over Redis.
