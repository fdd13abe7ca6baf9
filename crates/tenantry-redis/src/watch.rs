//! The subscription, and the proof that it works.
//!
//! One task for each store, and in it a [`Session`] for each primary: a connection that subscribes to the notices and
//! to a channel of its own, and publishes a beat to the latter again and again. Redis sends a connection everything in
//! order: a beat that comes back proves that all notices published there before it have come, too. An answered `PING`
//! would prove only that the server lives. With each beat the server is asked whether it still is a primary.
//!
//! # In a cluster
//! A notice is published by the primary that has the shard. The cluster would carry it to every other node, over its
//! bus, but nobody is told when that loses a message: its links break and are made anew unnoticed. So the bus is not
//! relied upon. There is a session at every primary, which hears what was published *there*: each primary publishes
//! on a channel that has the number of the node in its name, which the commit script asks of the node itself.
//!
//! The link counts as proven while every primary is that has slots in any proven primary's view (see [`Proof`]). That
//! no stale answer is believed for longer than a beat takes follows for each way in which a shard gets another primary:
//!
//! 1. *A replica takes over from a primary that died or froze*: the session there ends within 500 ms.
//! 2. *A replica takes over from a primary that is cut off from the cluster, but not from us*: a primary that sees only
//!    a minority says so (`cluster_state`) after the node timeout, and takes no commits any more. The majority waits
//!    as long before it votes, and longer. Its beats stop being proof, so the link is lost for as long as any view
//!    counts it among the primaries.
//! 3. *A slot moves to a primary without any slots before*: it serves the slot once it has told the others. Those that
//!    have heard name it in their view with the next beat, and it must be proven, too. If none of them had, it would be
//!    cut off from the majority, and would serve nothing.
//! 4. *A slot moves between primaries that had slots before*: both are proven all the time. The notices of two
//!    connections may change places; each says only that something is to be forgotten.
//! 5. *Slots go and come back between two beats*: the primary's epoch has grown, and its session begins anew.
//!
//! # With sentinels
//! With each beat, more than half of the sentinels must name the primary at which we listen and find it well, and none
//! may name another: a primary that is cut off together with us is not believed once another may have taken its
//! place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::{
    task::{AbortHandle, JoinSet},
    time::sleep,
};

use tenantry_core::store::hub::Hub;

use crate::{
    keys::Names,
    notice_proof::Proof,
    pause::Pauses,
    router::Router,
    session::{Ears, Session},
    slots::Primary,
};

/// The pauses between attempts to connect, and between looks for the primaries when none is known.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Begins to listen. The handle ends it.
pub(crate) fn start(router: &Arc<Router>, names: Names, hub: Arc<Hub>) -> AbortHandle {
    let proof = Proof::new(hub.clone());
    let ears = Ears { router: router.clone(), names, proof, hub, ages: Mutex::default() };
    tokio::spawn(run(Arc::new(ears))).abort_handle()
}

/// Works until it is aborted, and its sessions with it.
async fn run(ears: Arc<Ears>) {
    let (mut sessions, mut running) = (JoinSet::new(), HashMap::<Primary, AbortHandle>::new());
    let mut pauses = Pauses::new(PAUSE_MIN, PAUSE_MAX);
    ears.proof.expect(ears.router.primaries());
    loop {
        let required = ears.proof.required();
        running.retain(|primary, session| {
            let keep = required.contains(primary);
            if !keep {
                session.abort();
                ears.proof.lose(primary);
            }
            keep
        });
        // Those that were ended are forgotten.
        while sessions.try_join_next().is_some() {}
        for primary in required {
            let ears = ears.clone();
            running
                .entry(primary.clone())
                .or_insert_with(|| sessions.spawn(async move { listen(&ears, &primary).await }));
        }
        if ears.proof.is_blind() {
            tokio::select! {
                () = ears.proof.changed.notified() => {}
                () = sleep(pauses.next()) => {}
            }
        } else {
            pauses.reset();
            ears.proof.changed.notified().await;
        }
        // Whoever is required now has slots that the calls need to find, too.
        ears.router.refresh(ears.router.lookups()).await;
        if ears.proof.is_blind() {
            ears.proof.expect(ears.router.primaries());
        }
    }
}

/// One session at `primary` after the other.
async fn listen(ears: &Ears, primary: &Primary) {
    let mut pauses = Pauses::new(PAUSE_MIN, PAUSE_MAX);
    loop {
        let reason = match ears.router.node(&primary.address) {
            Ok(node) => {
                let server = node.server().clone();
                Session { ears, primary, server, epoch: OnceLock::new() }.run().await
            }
            Err(unavailable) => unavailable.to_string(),
        };
        if ears.proof.lose(primary) {
            pauses.reset();
            tracing::warn!(address = %primary.address, reason, "the link for change notices is lost");
        } else {
            tracing::debug!(address = %primary.address, reason, "the link for change notices is still lost");
        }
        sleep(pauses.next()).await;
    }
}
