//! What stands in for AWS and Google on one machine.

pub mod google;
