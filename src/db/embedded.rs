//! A private PostgreSQL for `chartroom serve` without configuration, and for the tests.
