//! Nothing secret is told to anybody: not in a body, a header, a log line or a `Debug`.

use std::{
    cell::RefCell,
    io::Write,
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::{filter::dynamic_filter_fn, layer::SubscriberExt};

use crate::support::{World, ask, plain};

thread_local! {
    static LISTENER: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Where this test's log lines go.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

/// As long as this lives, the lines of its thread are kept.
pub(crate) struct Listening;

impl Lines {
    /// Has everything of this thread logged here, as long as the guard lives.
    pub(crate) fn listen() -> (Self, Listening) {
        static SUBSCRIBE: Once = Once::new();
        // One subscriber for all threads. If each had its own, tracing would remember of a line that nobody wants it
        // when a thread without one came by first.
        SUBSCRIBE.call_once(|| {
            let kept = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| ThisThread);
            let is_heard = dynamic_filter_fn(|_, _| LISTENER.with_borrow(Option::is_some));
            let subscriber = tracing_subscriber::registry().with(kept).with(is_heard);
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        let lines = Self::default();
        LISTENER.set(Some(lines.clone()));
        (lines, Listening)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

/// Writes to whoever listens on this thread.
struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LISTENER.with_borrow(|listener| {
            if let Some(Lines(lines)) = listener {
                lines.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_leaves() {
    let (lines, _guard) = Lines::listen();
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let token = world.token(&[], None).await;
    let jwt = world.bearer("ann");
    let mut told = format!("{layer:?} {:?} {:?}", world.layer(), world.authenticator());
    let service = plain(&layer);
    let altered = format!("{jwt}x");
    let basic = "Basic dXNlcjpodW50ZXIyLXBhc3N3b3Jk";
    let wrong = format!("Bearer {}:ts_a-wrong-secret-that-must-not-appear", token.key);
    let right = format!("Bearer {}", token.bearer);
    for credential in [jwt.as_str(), &altered, basic, &wrong, &right, "Bearer hunter2-password"] {
        let answer = ask(&service, &[("authorization", credential)]).await;
        told.extend([format!("{:?}", answer.headers), answer.body.to_string()]);
    }
    world.store.tell(&tenantry_core::store::change::Signal::LinkLost);
    world.store.go_away();
    let answer = ask(&service, &[("authorization", &world.bearer("bob"))]).await;
    assert_eq!(answer.status, 503);
    told.push_str(&answer.body.to_string());

    let log = lines.text();
    assert!(log.contains("the store is unavailable"), "{log}");
    assert!(log.contains("cut by the test"), "{log}");
    let signature = jwt.rsplit('.').next().unwrap();
    for secret in [signature, &token.secret, "a-wrong-secret-that-must-not-appear", "hunter2-password", "dXNlcjpo"] {
        assert!(!told.contains(secret), "{told}");
        assert!(!log.contains(secret), "{log}");
    }
    assert!(!told.contains("cut by the test"), "{told}");
}
