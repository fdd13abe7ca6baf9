//! Rights that are taken away while they are being used.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::{invitations, members, tokens},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        principal::Principal,
    },
};

use super::arena::{Arena, attempt};
use crate::actors;

const ACTORS: usize = 4;
/// How often each actor acts before the right is taken away, and how often it tries afterwards.
const BEFORE: usize = 3;
const AFTER: usize = 2;

/// What the actors and the one who takes their right away know of each other.
#[derive(Default)]
struct Progress {
    acted: AtomicUsize,
    taken: AtomicBool,
    succeeded: AtomicUsize,
}

/// Acts until it has been refused, and then a little longer; nothing that begins after `taken` may succeed.
async fn act<F: Future<Output = Result<(), Error>>>(
    progress: &Progress,
    promise: &str,
    refusals: &[ErrorKind],
    action: impl Fn(usize) -> F,
) {
    let mut after = 0;
    let mut turn = 0;
    while after < AFTER {
        let taken = progress.taken.load(Ordering::SeqCst);
        let answer = action(turn).await;
        turn += 1;
        progress.acted.fetch_add(1, Ordering::SeqCst);
        match &answer {
            Ok(()) => {
                assert!(!taken, "{promise}: an operation that began later succeeded");
                progress.succeeded.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => assert!(refusals.contains(&error.kind()), "{promise}: refused with {error:?}"),
        }
        after += usize::from(taken);
        tokio::task::yield_now().await;
    }
}

impl Progress {
    /// Waits until the actors are at work.
    async fn under_way(&self) {
        while self.acted.load(Ordering::SeqCst) < ACTORS * BEFORE {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) async fn end_with_the_role(arena: &Arena) {
    const PROMISE: &str = "nobody acts on a role that was taken away";
    let (owner, admin) = (arena.person("owner"), arena.person("admin"));
    let organization = arena.organization(&owner).await;
    arena.enroll(organization, &owner, &admin, "admin").await;
    let progress = Arc::new(Progress::default());
    let removes = arena.round().is_multiple_of(2);
    arena
        .at_once(ACTORS + 1, |arena, number| {
            let (owner, admin, progress) = (owner.clone(), admin.clone(), progress.clone());
            async move {
                if number == ACTORS {
                    progress.under_way().await;
                    take_role(&arena, organization, &owner, &admin, removes).await;
                    progress.taken.store(true, Ordering::SeqCst);
                    return;
                }
                let refusals = [ErrorKind::Forbidden, ErrorKind::NotFound];
                act(&progress, PROMISE, &refusals, async |turn| {
                    use_role(&arena, organization, &admin, number, turn).await
                })
                .await;
            }
        })
        .await;
    let by_admin = Principal::User(actors::id(&admin));
    let action = if removes { "members.remove" } else { "members.set-role" };
    let succeeded = progress.succeeded.load(Ordering::SeqCst);
    audit_agrees(arena, organization, &by_admin, action, succeeded, PROMISE).await;
}

async fn take_role(arena: &Arena, organization: OrganizationId, owner: &Caller, admin: &Caller, removes: bool) {
    let user = actors::id(admin);
    if removes {
        arena.must::<members::Remove>(owner, json!({ "organizationId": organization, "userId": user })).await;
    } else {
        let input = json!({ "organizationId": organization, "userId": user, "role": "member" });
        arena.must::<members::SetRole>(owner, input).await;
    }
}

/// Invites, or makes a token.
async fn use_role(
    arena: &Arena,
    organization: OrganizationId,
    admin: &Caller,
    number: usize,
    turn: usize,
) -> Result<(), Error> {
    let node = arena.node(number);
    if number.is_multiple_of(2) {
        let username = arena.unique(&format!("invitee-{number}-{turn}"));
        let input = json!({ "organizationId": organization, "username": username });
        attempt::<invitations::Create>(node, admin, input).await.map(|_| ())
    } else {
        attempt::<tokens::Create>(node, admin, json!({ "organizationId": organization })).await.map(|_| ())
    }
}

/// In the audit log, every act of `actor` comes before the event that took their right away.
async fn audit_agrees(
    arena: &Arena,
    organization: OrganizationId,
    actor: &Principal,
    taken_by: &str,
    succeeded: usize,
    promise: &str,
) {
    let events = arena.node(0).audit_events(organization, None, 100_000).await;
    let events = events.expect("the audit log must be readable");
    let taken = events.iter().find(|event| event.action == taken_by).expect("taking a right away leaves a trace");
    let acts = events
        .iter()
        .filter(|event| event.actor == *actor && ["invitations.create", "tokens.create"].contains(&&*event.action));
    let numbers: Vec<_> = acts.map(|event| event.number).collect();
    assert!(numbers.iter().all(|number| *number < taken.number), "{promise}, by the audit log");
    assert_eq!(numbers.len(), succeeded, "every success left its trace, and nothing else did");
}

pub(super) async fn end_with_the_token(arena: &Arena) {
    const PROMISE: &str = "a revoked token is of no use";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let permissions = ["members:view", "members:manage", "org:view"];
    let input = json!({ "organizationId": organization, "permissions": permissions });
    let created = arena.must::<tokens::Create>(&owner, input).await.api_token;
    let token = actors::token(&created.bearer);
    let progress = Arc::new(Progress::default());
    arena
        .at_once(ACTORS + 1, |arena, number| {
            let (owner, token, progress) = (owner.clone(), token.clone(), progress.clone());
            async move {
                if number == ACTORS {
                    progress.under_way().await;
                    let input = json!({ "organizationId": organization, "key": created.key });
                    arena.must::<tokens::Revoke>(&owner, input).await;
                    progress.taken.store(true, Ordering::SeqCst);
                    return;
                }
                act(&progress, PROMISE, &[ErrorKind::InvalidToken], async |turn| {
                    use_token(&arena, organization, &token, number, turn).await
                })
                .await;
            }
        })
        .await;
    let acts = arena.events(organization, &["invitations.create"]).await;
    assert!(acts <= progress.succeeded.load(Ordering::SeqCst), "{PROMISE}, by the audit log");
}

/// Invites, or lets itself be resolved.
async fn use_token(
    arena: &Arena,
    organization: OrganizationId,
    token: &Caller,
    number: usize,
    turn: usize,
) -> Result<(), Error> {
    let node = arena.node(number);
    match token {
        Caller::Token(presented) if number.is_multiple_of(2) => node.resolve_token(presented).await.map(|_| ()),
        _ => {
            let username = arena.unique(&format!("invitee-{number}-{turn}"));
            let input = json!({ "organizationId": organization, "username": username });
            attempt::<invitations::Create>(node, token, input).await.map(|_| ())
        }
    }
}
