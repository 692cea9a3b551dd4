//! The directory inside one process.
