//! The model test of `tenantry-testing` leaves out no operation.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use tenantry::EmbeddedStore;
use tenantry_testing::model;

#[test]
fn the_model_carries_out_every_operation() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let carried_out =
        model::agrees(runtime.handle(), 512, |clock| Arc::new(EmbeddedStore::in_memory_with_clock(clock).unwrap()));
    let document: Value = serde_json::from_str(&tenantry_admin::openapi()).unwrap();
    let described = document["paths"].as_object().unwrap().keys();
    let described: BTreeSet<_> = described.map(|path| path.trim_start_matches("/v1/organizations/")).collect();
    let missing: Vec<_> = described.difference(&carried_out).collect();
    assert!(missing.is_empty(), "crates/tenantry-testing/src/model leaves out {missing:?}");
}
