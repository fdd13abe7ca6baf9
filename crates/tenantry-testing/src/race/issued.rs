//! Members who issue things while they are removed with all that they issued.

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::{invitations, join_codes, members, tokens},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        principal::Principal,
    },
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const ISSUERS: usize = 6;
const TURNS: usize = 3;

/// Some issue in the member's name, one thing after the other, and one removes the member.
pub(super) async fn is_revoked_with_its_maker(arena: &Arena) {
    const PROMISE: &str = "whoever is removed with all that they issued leaves nothing behind";
    let (owner, admin) = (arena.person("owner"), arena.person("admin"));
    let organization = arena.organization(&owner).await;
    arena.enroll(organization, &owner, &admin, "admin").await;
    let remove = json!({ "organizationId": organization, "userId": actors::id(&admin), "revokeIssued": true });
    let answers = arena
        .at_once(ISSUERS + 1, |arena, number| {
            let (owner, admin, remove) = (owner.clone(), admin.clone(), remove.clone());
            async move {
                let node = arena.node(number);
                if number == ISSUERS {
                    // At a moment that differs from round to round.
                    for _ in 0..arena.round() % 8 {
                        tokio::task::yield_now().await;
                    }
                    return attempt::<members::Remove>(node, &owner, remove).await.map(|_| ());
                }
                for turn in 0..TURNS {
                    issue(&arena, organization, &admin, (number, turn)).await?;
                }
                Ok(())
            }
        })
        .await;
    refusals(PROMISE, &answers[..ISSUERS], &[ErrorKind::NotFound]);
    assert!(answers[ISSUERS].is_ok(), "{PROMISE}: {:?}", answers[ISSUERS]);
    let here = json!({ "organizationId": organization, "limit": 200 });
    let by_admin = Principal::User(actors::id(&admin));
    let open = arena.must::<invitations::List>(&owner, here.clone()).await.invitations;
    assert!(open.iter().all(|invitation| invitation.invited_by != by_admin), "{PROMISE}: {open:?}");
    let codes = arena.must::<join_codes::List>(&owner, here.clone()).await.join_codes;
    let left = codes.iter().filter(|code| code.created_by == by_admin && code.revoked_at.is_none());
    assert_eq!(left.count(), 0, "{PROMISE}: {codes:?}");
    let made = arena.must::<tokens::List>(&owner, here).await.api_tokens;
    let left = made.iter().filter(|token| token.created_by == by_admin && token.revoked_at.is_none());
    assert_eq!(left.count(), 0, "{PROMISE}: {made:?}");
    let again = arena.must::<members::Remove>(&owner, remove).await;
    assert_eq!((again.left, again.revoked), Default::default(), "{PROMISE}, by what is told of it");
}

/// Invites, makes a code or makes a token.
async fn issue(
    arena: &Arena,
    organization: OrganizationId,
    admin: &Caller,
    (number, turn): (usize, usize),
) -> Result<(), Error> {
    let (node, here) = (arena.node(number), json!({ "organizationId": organization }));
    match number % 3 {
        0 => {
            let username = arena.unique(&format!("invitee-{number}-{turn}"));
            let invite = json!({ "organizationId": organization, "username": username });
            attempt::<invitations::Create>(node, admin, invite).await.map(|_| ())
        }
        1 => attempt::<join_codes::Create>(node, admin, here).await.map(|_| ()),
        _ => attempt::<tokens::Create>(node, admin, here).await.map(|_| ()),
    }
}
