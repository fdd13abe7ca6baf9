//! What the host limits.

use serde_json::json;
use tenantry_core::{
    engine::Engine,
    host::{
        Host,
        mailer::{InvitationMail, Mailed, NotMailed},
    },
    operations::{invitations, join_codes, members, organizations},
    values::error::ErrorKind,
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const SEATS: &str = "an organization has as many members as it has seats, whoever joins at once by whatever way";
const OWNED: &str = "a user owns as many organizations as the host allows, however many they create at once";
const OPEN: &str = "as many invitations are open as the host allows, however many are made at once";
const MAILS: &str = "as many mails are sent within an hour as the host allows, however many are wanted at once";
/// How many try for the seats.
const JOINERS: usize = 20;
/// How many of them there is room for.
const FREE: usize = 5;
/// How many organizations a user may own.
const OWNED_MAX: u32 = 3;

/// The engine that task number `task` uses, with the host's policies.
pub(super) fn node(arena: &Arena, task: usize, host: Host) -> Engine {
    let plain = arena.node(task);
    Engine::builder(plain.store().clone(), plain.registry().clone()).clock(plain.clock().clone()).host(host).build()
}

fn with_seats() -> Host {
    Host::default().seats_max(|_| u32::try_from(FREE + 1).ok())
}

pub(super) async fn seats_are_not_exceeded(arena: &Arena) {
    let owner = arena.person("owner");
    let people = arena.people("joiner", JOINERS);
    let organization = arena.organization(&owner).await;
    let here = json!({ "organizationId": organization });
    let code = arena.must::<join_codes::Create>(&owner, here).await.code;
    let mut tokens = Vec::new();
    for person in &people {
        let invite = json!({ "organizationId": organization, "username": actors::id(person), "role": "admin" });
        tokens.push(arena.must::<invitations::Create>(&owner, invite).await.token);
    }
    let answers = arena
        .at_once(JOINERS, |arena, number| {
            let (person, code, token) = (people[number].clone(), code.clone(), tokens[number].clone());
            async move {
                let node = node(&arena, number / 2, with_seats());
                if number.is_multiple_of(2) {
                    attempt::<join_codes::Join>(&node, &person, json!({ "code": code })).await
                } else {
                    attempt::<invitations::Accept>(&node, &person, json!({ "token": token })).await
                }
            }
        })
        .await;
    let refused = refusals(SEATS, &answers, &[ErrorKind::SeatsExhausted]);
    assert_eq!(refused, JOINERS - FREE, "{SEATS}");
    let count = |found: &[tenantry_core::wire::OrgMember]| found.iter().filter(|m| m.joined_at.is_some()).count();
    assert_eq!(count(&arena.members(organization, &owner).await), FREE + 1, "{SEATS}");

    // A seat that is given up is free for one other.
    let place = answers.iter().position(Result::is_ok).expect("somebody got a seat");
    let leaver = json!({ "organizationId": organization, "userId": actors::id(&people[place]) });
    arena.must::<members::Remove>(&owner, leaver).await;
    let late: Vec<_> =
        answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(place, _)| place).collect();
    let answers = arena
        .at_once(late.len(), |arena, number| {
            let (person, code) = (people[late[number]].clone(), code.clone());
            async move {
                let node = node(&arena, number, with_seats());
                attempt::<join_codes::Join>(&node, &person, json!({ "code": code })).await
            }
        })
        .await;
    assert_eq!(refusals(SEATS, &answers, &[ErrorKind::SeatsExhausted]), late.len() - 1, "{SEATS}, again and again");
}

pub(super) async fn owned_organizations_are_not_exceeded(arena: &Arena) {
    let user = arena.person("user");
    let answers = arena
        .at_once(8, |arena, number| {
            let user = user.clone();
            async move {
                let node = node(&arena, number, Host::default().organizations_owned_max(OWNED_MAX));
                attempt::<organizations::Create>(&node, &user, json!({ "name": format!("Acme {number}") })).await
            }
        })
        .await;
    let created = answers.len() - refusals(OWNED, &answers, &[ErrorKind::OwnedLimit]);
    assert_eq!(created, OWNED_MAX as usize, "{OWNED}");
    let listed = arena.must::<organizations::List>(&user, json!({})).await.organizations;
    assert_eq!(listed.len(), created, "{OWNED}, and those that are refused leave nothing");
}

/// Admins invite somebody each, at once, under these policies: how many were invited.
async fn invite_at_once(arena: &Arena, promise: &str, host: impl Fn() -> Host, refused_as: ErrorKind) -> usize {
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let admins = arena.people("admin", 8);
    for admin in &admins {
        arena.enroll(organization, &owner, admin, "admin").await;
    }
    let answers = arena
        .at_once(admins.len(), |arena, number| {
            let (admin, host) = (admins[number].clone(), host());
            async move {
                let invite = json!({ "organizationId": organization, "username": arena.unique(&format!("i{number}")) });
                attempt::<invitations::Create>(&node(&arena, number, host), &admin, invite).await
            }
        })
        .await;
    let invited = answers.len() - refusals(promise, &answers, &[refused_as]);
    let listed = arena.must::<invitations::List>(&owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.invitations.len(), invited, "{promise}, and those that are refused leave nothing");
    invited
}

pub(super) async fn open_invitations_are_not_exceeded(arena: &Arena) {
    let host = || Host::default().open_invitations_max(3);
    let invited = invite_at_once(arena, OPEN, host, ErrorKind::InvitationsExhausted).await;
    assert_eq!(invited, 3, "{OPEN}");
}

pub(super) async fn mails_are_not_exceeded(arena: &Arena) {
    let host = || {
        let mailer = async |_: InvitationMail| Ok::<_, NotMailed>(Mailed::Sent);
        let host = Host::default().mailer(mailer, "https://app.example.com/#{token}").expect("it is a template");
        host.mails_per_hour_max(3, 10)
    };
    let invited = invite_at_once(arena, MAILS, host, ErrorKind::RateLimited).await;
    assert_eq!(invited, 3, "{MAILS}");
}
