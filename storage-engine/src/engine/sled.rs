//! The sled engine (under construction).
