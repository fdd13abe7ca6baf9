//! `/v1/…`

mod organizations;
