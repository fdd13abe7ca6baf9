//! Mails over SMTP, to a real server on this machine.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tenantry::{
    core::host::Host,
    smtp::{MailContent, Smtp},
};
use tenantry_testing::smtp_server::{CERTIFICATE, Security, SmtpServer};

use super::{A_WHILE, PAGE, invite, tried, until_sent};
use crate::{
    actors::Actor,
    world::{World, embedded},
};

const FROM: &str = "Acmé <invitations@acme.example>";

/// A service that mails like this, and an organization of Alice's.
async fn world(smtp: Smtp) -> (World, String) {
    let host = Host::default().mailer(smtp, &format!("{PAGE}{{token}}")).unwrap();
    let world = World::start_with(embedded(), host).await;
    let organization = world.organization(&Actor::user("alice")).await;
    (world, organization)
}

fn plain(server: &SmtpServer) -> Smtp {
    Smtp::new(&format!("smtp://127.0.0.1:{}?tls=none", server.port()), FROM).unwrap()
}

/// A mail as whoever gets it sees it: quoted-printable is undone, as far as it is needed here.
fn read(mail: &str) -> String {
    mail.replace("\r\n", "\n").replace("=\n", "").replace("=3D", "=")
}

/// The only mail that the server has taken.
fn only_mail(server: &SmtpServer) -> String {
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    read(&mails[0])
}

fn token(mail: &str) -> &str {
    let behind = &mail[mail.find(PAGE).unwrap() + PAGE.len()..];
    &behind[..behind.find('\n').unwrap()]
}

/// Invites Bob by `smtp`, which succeeds or fails.
async fn invite_bob(smtp: Smtp, succeeds: bool) {
    let (world, organization) = world(smtp).await;
    invite(&world, &organization, json!({ "email": "bob@example.com" })).await;
    if succeeds {
        until_sent(&world, &organization).await;
    } else {
        tried(&world, &organization, &json!("failed")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_brings_a_link_that_works() {
    let server = SmtpServer::start(Security::None);
    let (world, organization) = world(plain(&server)).await;
    let whom = json!({ "email": "Bob@Müller.example", "name": "Bob \"B\" Müller" });
    invite(&world, &organization, whom).await;
    until_sent(&world, &organization).await;
    let mail = only_mail(&server);
    for line in [
        "X-RcptTo: Bob@xn--mller-kva.example",
        "X-MailFrom: invitations@acme.example",
        "Auto-Submitted: auto-generated",
        "Subject: Invitation to Acme",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(mail.lines().any(|read| read == line), "{line} is missing: {mail}");
    }
    assert!(mail.lines().any(|line| line.starts_with("Message-ID: <") && line.ends_with("@acme.example>")), "{mail}");
    let bob = Actor::with_claims("bob", &json!({ "email": "bob@müller.example" }));
    world.call(&bob, "invitations/accept", json!({ "token": token(&mail) })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_is_encrypted_and_the_server_is_who_it_says() {
    for (security, scheme) in [(Security::StartTls, "smtp"), (Security::Tls, "smtps")] {
        let server = SmtpServer::start(security);
        let smtp = Smtp::new(&format!("{scheme}://localhost:{}", server.port()), FROM).unwrap();
        invite_bob(smtp.clone(), false).await;
        assert_eq!(server.mails(), [""; 0], "the certificate is nobody's whom we trust");
        invite_bob(smtp.trust(CERTIFICATE).unwrap(), true).await;
        assert_eq!(server.mails().len(), 1);
        // The same server by another name, which is not in its certificate.
        let other = Smtp::new(&format!("{scheme}://127.0.0.1:{}", server.port()), FROM).unwrap();
        invite_bob(other.trust(CERTIFICATE).unwrap(), false).await;
    }
    let server = SmtpServer::start(Security::None);
    let smtp = Smtp::new(&format!("smtp://localhost:{}", server.port()), FROM).unwrap();
    invite_bob(smtp.trust(CERTIFICATE).unwrap(), false).await;
    assert_eq!(server.mails(), [""; 0], "no mail goes where there is no TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_must_know_the_password() {
    let server = SmtpServer::start(Security::StartTls);
    for (password, succeeds) in [("s3cret%2F%40", true), ("wrong", false)] {
        let smtp = Smtp::new(&format!("smtp://acme:{password}@localhost:{}", server.port()), FROM).unwrap();
        let smtp = smtp.trust(CERTIFICATE).unwrap();
        assert!(!format!("{smtp:?}").contains(password));
        invite_bob(smtp, succeeds).await;
    }
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_has_failed() {
    let server = SmtpServer::start(Security::None);
    // No mailbox, and no room in it: the one is for good, the other for now.
    for (user, is_tried_again) in [("nobody", false), ("full", true)] {
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = tries.clone();
        let smtp = plain(&server).render(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            MailContent::new("Come", "It is nice here.")
        });
        let (world, organization) = world(smtp).await;
        invite(&world, &organization, json!({ "email": format!("{user}@example.com") })).await;
        tried(&world, &organization, &json!("failed")).await;
        for _ in 0..3 {
            world.clock.advance(A_WHILE);
            world.tenantry.engine().work_once().await.unwrap();
        }
        assert_eq!(tries.load(Ordering::SeqCst) > 1, is_tried_again);
    }
    assert_eq!(server.mails(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_gets_the_mail_when_it_is_back() {
    let port = SmtpServer::free_port();
    let smtp = Smtp::new(&format!("smtp://127.0.0.1:{port}?tls=none"), FROM).unwrap();
    let (world, organization) = world(smtp).await;
    let invited = invite(&world, &organization, json!({ "email": "bob@example.com" })).await;
    tried(&world, &organization, &json!("failed")).await;
    let server = SmtpServer::start_on(port, Security::None);
    until_sent(&world, &organization).await;
    // On a busy machine there may be two: both work.
    let mail = read(&server.mails()[0]);
    assert_ne!(invited["token"], json!(token(&mail)));
    world.call(&Actor::user("bob"), "invitations/accept", json!({ "token": token(&mail) })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_says_it_in_its_own_words_but_writes_no_headers() {
    let server = SmtpServer::start(Security::None);
    let smtp = plain(&server).render(|mail| {
        let subject = format!("{}\r\nBcc: eve@example.com\r\n\r\nEvil\u{85}", mail.organization_name);
        MailContent::new(subject, format!("Come: {}\n.\nQUIT\n", mail.link.expose())).html("<b>Come</b>")
    });
    invite_bob(smtp, true).await;
    let mail = only_mail(&server);
    assert!(mail.contains("\nX-RcptTo: bob@example.com\n"), "{mail}");
    assert!(!mail.contains("\nBcc:") && !mail.contains("\nEvil"), "{mail}");
    assert!(mail.contains("multipart/alternative") && mail.contains("<b>Come</b>"), "{mail}");
    // A dot on a line of its own ends no mail.
    assert!(mail.contains(PAGE) && mail.contains("\n.\nQUIT\n"), "{mail}");
    assert_eq!(format!("{:?}", MailContent::new("a", "b")), "MailContent(…)");
}

#[test]
fn a_misconfiguration_tells_the_mend_and_no_password() {
    for (address, mend) in [
        ("mail.example.com", "smtps://user:password@host"),
        ("https://mail.example.com", "begin with smtps://"),
        ("smtp://hunter2@mail.example.com", "both, user and password"),
        ("smtps://:hunter2@mail.example.com", "both, user and password"),
        ("smtp://acme:hunter2@mail.example.com?tls=none", "could read the password"),
        ("smtp://mail.example.com?tls=optional", "the only option"),
        ("smtps://mail.example.com?tls=none", "the only option"),
        ("smtps://acme:hunter2/x@mail.example.com", "%XX"),
        ("smtps://acme:hunter2#x@mail.example.com", "%XX"),
        ("smtps://acme:hunter2%ff@mail.example.com", "UTF-8"),
        ("smtps:///", "host"),
    ] {
        let error = Smtp::new(address, FROM).unwrap_err().to_string();
        assert!(error.contains(mend) && !error.contains("hunter2"), "{address}: {error}");
    }
    for from in ["", "Acme", "Acme <invitations>", "A\r\nBcc: eve@example.com <invitations@acme.example>"] {
        let error = Smtp::new("smtps://mail.example.com", from).unwrap_err().to_string();
        assert!(error.contains("Name <user@host>"), "{from}: {error}");
    }
    let smtp = Smtp::new("smtps://acme:hunter2@[::1]", "invitations@acme.example").unwrap();
    assert!(smtp.clone().trust("no certificate").is_err());
    let shown = format!("{smtp:?}");
    assert!(shown.contains("465") && shown.contains("\"::1\"") && !shown.contains("hunter2"), "{shown}");
}
