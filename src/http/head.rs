//! What a request head must satisfy before anything else looks at it.
