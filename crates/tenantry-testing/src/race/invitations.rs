//! Invitations.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tenantry_core::{
    host::{
        Host,
        registrar::{NotRegistered, Registration},
    },
    operations::{invitations, join_codes, members},
    values::{error::ErrorKind, ids::UserId},
};

use super::{
    arena::{Arena, attempt, refusals},
    policies::node,
};
use crate::actors;

const ONCE: &str = "an invitation lets in one user, once";

pub(super) async fn are_accepted_once_by_one_user(arena: &Arena) {
    let owner = arena.person("owner");
    let invitee = arena.person("invitee");
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "username": actors::id(&invitee) });
    let created = arena.must::<invitations::Create>(&owner, input).await;
    let by_id = !arena.round().is_multiple_of(2);
    let answers = arena
        .at_once(8, |arena, number| {
            let invitee = invitee.clone();
            let input = if by_id { json!({ "id": created.invitation.id }) } else { json!({ "token": created.token }) };
            async move { attempt::<invitations::Accept>(arena.node(number), &invitee, input).await }
        })
        .await;
    refusals(ONCE, &answers, &[ErrorKind::Used]);
    let joined = answers.iter().flatten().filter(|joined| !joined.already_member).count();
    assert_eq!(joined, 1, "{ONCE}: {joined} tries succeeded");
    assert_eq!(arena.members(organization, &owner).await.len(), 2, "{ONCE}");
    let events = arena.events(organization, &["invitations.accept"]).await;
    assert_eq!(events, 1, "nothing is changed without a trace, and nothing is traced that was not changed");
}

pub(super) async fn are_accepted_once_by_one_of_two_users(arena: &Arena) {
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let email = format!("{}@example.com", arena.unique("shared"));
    let invitees = ["one", "two"].map(|name| actors::user_at(&arena.unique(name), &email, true));
    let input = json!({ "organizationId": organization, "email": email });
    let created = arena.must::<invitations::Create>(&owner, input).await;
    let answers =
        arena
            .at_once(6, |arena, number| {
                let (invitee, token) = (invitees[number % 2].clone(), created.token.clone());
                async move {
                    attempt::<invitations::Accept>(arena.node(number / 2), &invitee, json!({ "token": token })).await
                }
            })
            .await;
    refusals(ONCE, &answers, &[ErrorKind::Used]);
    let joined = answers.iter().flatten().filter(|joined| !joined.already_member).count();
    assert_eq!(joined, 1, "{ONCE}: {joined} tries succeeded");
    assert_eq!(arena.members(organization, &owner).await.len(), 2, "{ONCE}, whoever has the address");
}

pub(super) async fn are_made_once_for_an_address(arena: &Arena) {
    const PROMISE: &str = "an address has one open invitation, however it is spelled";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let admins = arena.people("admin", 8);
    for admin in &admins {
        arena.enroll(organization, &owner, admin, "admin").await;
    }
    let tag = arena.unique("ren");
    // NFC and NFD, in both cases: four spellings of one address.
    let spellings = ["\u{e9}", "e\u{301}", "\u{c9}", "E\u{301}"].map(|letter| format!("{tag}{letter}@Example.COM"));
    let answers = arena
        .at_once(admins.len(), |arena, number| {
            let (admin, email) = (admins[number].clone(), spellings[number % spellings.len()].clone());
            async move {
                let input = json!({ "organizationId": organization, "email": email });
                attempt::<invitations::Create>(arena.node(number), &admin, input).await
            }
        })
        .await;
    let refused = refusals(PROMISE, &answers, &[ErrorKind::AlreadyInvited]);
    assert_eq!(answers.len() - refused, 1, "{PROMISE}, by the answers");
    let listed = arena.must::<invitations::List>(&owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.invitations.len(), 1, "{PROMISE}, by the list");
}

/// Some accept, some decline: one answer stands, and everything agrees with it.
pub(super) async fn are_answered_once(arena: &Arena) {
    const PROMISE: &str = "an invitation is accepted or declined, not both";
    let (owner, invitee) = (arena.person("owner"), arena.person("invitee"));
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "username": actors::id(&invitee) });
    let created = arena.must::<invitations::Create>(&owner, input.clone()).await;
    let answers = arena
        .at_once(8, |arena, number| {
            let (invitee, answer) = (invitee.clone(), json!({ "token": created.token }));
            async move {
                let node = arena.node(number / 2);
                if number % 2 == 0 {
                    let joined = attempt::<invitations::Accept>(node, &invitee, answer).await;
                    joined.map(|joined| (true, !joined.already_member))
                } else {
                    attempt::<invitations::Decline>(node, &invitee, answer).await.map(|_| (false, true))
                }
            }
        })
        .await;
    refusals(PROMISE, &answers, &[ErrorKind::Used, ErrorKind::Revoked]);
    let accepted = answers.iter().flatten().filter(|(accepted, first)| *accepted && *first).count();
    let declined = answers.iter().flatten().any(|(accepted, _)| !accepted);
    assert_eq!(accepted, usize::from(!declined), "{PROMISE}: accepted {accepted} times, declined: {declined}");
    assert_eq!(arena.members(organization, &owner).await.len(), 1 + accepted, "{PROMISE}");
    let events = arena.events(organization, &["invitations.accept", "invitations.decline"]).await;
    assert_eq!(events, 1, "{PROMISE}, by the audit log");
    let waiting = arena.must::<invitations::Mine>(&invitee, json!({})).await;
    assert_eq!(waiting.invitations, [], "{PROMISE}: it waits for no answer any more");
    let again = attempt::<invitations::Create>(arena.node(0), &owner, input).await;
    assert_eq!(again.is_ok(), declined, "whoever declined can be invited again, and no one else: {again:?}");
}

/// The invitation is resent while the old token and the new ones are tried: a token that was answered after it was
/// replaced never works.
pub(super) async fn are_accepted_by_the_token_that_holds(arena: &Arena) {
    const PROMISE: &str = "of all tokens of an invitation only the last one works";
    let (owner, invitee) = (arena.person("owner"), arena.person("invitee"));
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "username": actors::id(&invitee) });
    let created = arena.must::<invitations::Create>(&owner, input).await;
    let answers = arena
        .at_once(8, |arena, number| {
            let (owner, invitee, token) = (owner.clone(), invitee.clone(), created.token.clone());
            let resend = json!({ "organizationId": organization, "id": created.invitation.id });
            async move {
                let node = arena.node(number / 2);
                if number % 2 == 0 {
                    attempt::<invitations::Resend>(node, &owner, resend).await.map(|resent| Some(resent.token))
                } else {
                    attempt::<invitations::Accept>(node, &invitee, json!({ "token": token })).await.map(|_| None)
                }
            }
        })
        .await;
    // Replaced: not found. Accepted before it could be resent: used.
    refusals(PROMISE, &answers, &[ErrorKind::NotFound, ErrorKind::Used]);
    let tokens: Vec<_> = answers.iter().flatten().flatten().collect();
    let accepted = answers.iter().flatten().any(Option::is_none);
    let resent = arena.events(organization, &["invitations.resend"]).await;
    assert_eq!(resent, tokens.len(), "{PROMISE}: each resending that was answered is on record");
    assert!(
        !accepted || tokens.is_empty(),
        "{PROMISE}: the old one was accepted, and then there was nothing to resend"
    );
    let mut worked = 0;
    for token in tokens {
        let joined = attempt::<invitations::Accept>(arena.node(worked), &invitee, json!({ "token": token })).await;
        worked += usize::from(joined.is_ok_and(|joined| !joined.already_member));
    }
    assert_eq!(worked, usize::from(!accepted), "{PROMISE}");
    assert_eq!(arena.members(organization, &owner).await.len(), 2, "{PROMISE}");
}

/// Two with the same link register at once, each with a password of their own, several times each.
pub(super) async fn register_once(arena: &Arena) {
    const PROMISE: &str = "an invitation lets in one new user, with the password of the account";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "email": format!("{}@example.com", arena.unique("new")) });
    let token = arena.must::<invitations::Create>(&owner, input).await.token;
    let account: Arc<Mutex<Option<String>>> = Arc::default();
    let kept = account.clone();
    // As a registrar has to be: idempotent for the same address and password.
    let host = Host::default().registrar(move |registration: Registration| {
        let kept = kept.clone();
        async move {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let password = kept.get_or_insert_with(|| registration.password.expose().to_owned());
            if password != registration.password.expose() {
                return Err(NotRegistered::Taken);
            }
            UserId::new(registration.email).map_err(|error| NotRegistered::Failed(error.into()))
        }
    });
    let answers = arena
        .at_once(8, |arena, number| {
            let password = ["correct horse", "battery staple"][number % 2];
            let (owner, input) = (owner.clone(), json!({ "token": token, "password": password }));
            let node = node(&arena, number / 2, host.clone());
            async move { attempt::<invitations::Register>(&node, &owner, input).await.map(|_| password) }
        })
        .await;
    refusals(PROMISE, &answers, &[ErrorKind::Used, ErrorKind::AlreadyRegistered]);
    let let_in: Vec<_> = answers.iter().flatten().copied().collect();
    let kept = account.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(let_in.len(), 1, "{PROMISE}: {} were let in", let_in.len());
    assert_eq!(let_in.first().copied(), kept.as_deref(), "{PROMISE}");
    assert_eq!(arena.members(organization, &owner).await.len(), 2, "{PROMISE}");
    assert_eq!(arena.events(organization, &["invitations.register"]).await, 1, "{PROMISE}, by the audit log");
}

/// Somebody is invited while they join by a code, and is removed then: nothing that was open for them is.
pub(super) async fn let_nobody_back_in(arena: &Arena) {
    const PROMISE: &str = "nobody is a member and invited, and whoever was removed comes back by a new invitation only";
    let (owner, joiner) = (arena.person("owner"), arena.person("joiner"));
    let organization = arena.organization(&owner).await;
    let here = json!({ "organizationId": organization });
    let code = arena.must::<join_codes::Create>(&owner, here.clone()).await.code;
    let invite = json!({ "organizationId": organization, "username": actors::id(&joiner), "role": "admin" });
    let answers = arena
        .at_once(4, |arena, number| {
            let (owner, joiner, invite, code) = (owner.clone(), joiner.clone(), invite.clone(), code.clone());
            async move {
                let node = arena.node(number);
                if number % 2 == 0 {
                    let invited = attempt::<invitations::Create>(node, &owner, invite).await;
                    invited.map(|invited| Some(invited.token))
                } else {
                    attempt::<join_codes::Join>(node, &joiner, json!({ "code": code })).await.map(|_| None)
                }
            }
        })
        .await;
    refusals(PROMISE, &answers, &[ErrorKind::AlreadyInvited, ErrorKind::AlreadyMember]);
    let listed = json!({ "organizationId": organization, "withInvitations": true });
    let listed = arena.must::<members::List>(&owner, listed).await;
    assert_eq!(listed.members.len(), 2, "{PROMISE}, by the list: {:?}", listed.members);
    let remove = json!({ "organizationId": organization, "userId": actors::id(&joiner) });
    arena.must::<members::Remove>(&owner, remove).await;
    for token in answers.into_iter().flatten().flatten() {
        let answer = attempt::<invitations::Accept>(arena.node(0), &joiner, json!({ "token": token })).await;
        assert_eq!(answer.map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::Used), "{PROMISE}");
    }
}
