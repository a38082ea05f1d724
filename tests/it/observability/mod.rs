//! What operators see: metrics, probes, traces, and that no caller can swell them.

pub(crate) mod apart;
mod collector;
mod exposition;
mod flood;
mod metrics;
mod ops;
mod traces;
