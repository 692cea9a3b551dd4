//! Versioned migrations.
