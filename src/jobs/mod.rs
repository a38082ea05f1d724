//! Jobs: what is done outside of requests, once, whichever replica does it.
//!
//! A job is a row of `jobs`, made by [`enqueue`](enqueue::enqueue) in the transaction of what it
//! follows from. A [`Runner`](runner::Runner) in each process claims rows under a lease, and what
//! it says of them afterwards counts only while nobody has claimed them since. The kinds of jobs
//! are the features'; `app` hands their table in.

pub mod claim;
pub mod context;
pub mod enqueue;
pub mod hold;
pub mod kind;
pub mod periods;
pub mod report;
mod run;
pub mod runner;
mod slots;
