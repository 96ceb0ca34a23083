//! Runs that were frozen.
