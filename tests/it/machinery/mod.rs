//! What the features build on, shown on a list that only these tests have: pages, conditions, merge
//! patches, idempotency.

mod conditions;
mod crashes;
mod handlers;
mod idempotency;
mod kinds;
mod pages;
mod plans;
mod things;
mod walks;
