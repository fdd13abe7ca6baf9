//! Nothing secret is told to anybody: not in a body, a header, a log line or a `Debug`.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::support::{World, ask, plain};

/// Where this test's log lines go.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Has everything of this thread logged here, as long as the guard lives.
    pub(crate) fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
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
    let service = plain(layer);
    let altered = format!("{jwt}x");
    let basic = "Basic dXNlcjpodW50ZXIyLXBhc3N3b3Jk";
    let wrong = format!("Bearer {}:ts_a-wrong-secret-that-must-not-appear", token.key);
    let right = format!("Bearer {}", token.bearer);
    for credential in [jwt.as_str(), &altered, basic, &wrong, &right, "Bearer hunter2-password"] {
        let answer = ask(&service, &[("authorization", credential)]).await;
        told.extend([format!("{:?}", answer.headers), answer.body.to_string()]);
    }
    world.store.tell(&tenantry_core::change::Signal::LinkLost);
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
