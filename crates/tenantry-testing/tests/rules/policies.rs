//! What a crash in the midst of a creation leaves behind does not count for ever.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use tenantry_core::{
    access::registry::Registry,
    engine::{Engine, operation::Request},
    host::Host,
    operations::organizations,
    values::{
        clock::{Clock as _, SystemClock},
        error::ErrorKind,
        limits,
    },
};
use tenantry_testing::{actors, model::ManualClock};

use crate::meddled::Severed;

#[tokio::test]
async fn what_a_crash_counted_among_the_owned_is_given_back() {
    let store = Severed::over(crate::in_memory().store().clone(), true);
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let engine = Engine::builder(store.clone(), Registry::builder().build().expect("what is built in fits together"))
        .clock(clock.clone())
        .host(Host::default().organizations_owned_max(1))
        .build();
    let create = async || {
        let operation: organizations::Create =
            serde_json::from_value(json!({ "name": "Acme" })).expect("the test gives a valid input");
        engine.run(&Request::new(actors::alice()), &operation).await.map_err(|error| error.kind())
    };
    // The commit may have happened: until that is known, nobody can say whether the limit is reached.
    assert_eq!(create().await.err(), Some(ErrorKind::Unavailable));
    store.cut.store(false, Ordering::SeqCst);
    assert_eq!(create().await.err(), Some(ErrorKind::Unavailable));
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    assert!(create().await.is_ok());
    assert_eq!(create().await.err(), Some(ErrorKind::OwnedLimit));
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    assert_eq!(create().await.err(), Some(ErrorKind::OwnedLimit), "what is owned stays counted");
}
