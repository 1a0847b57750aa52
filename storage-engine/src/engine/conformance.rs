//! The conformance suite (under construction).
