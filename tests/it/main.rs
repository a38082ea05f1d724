//! All integration tests, one binary: the embedded server starts once for all of them.

mod support;

mod chaos;
mod docs_page;
mod embedded;
mod server;
