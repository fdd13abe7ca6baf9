//! Keys that are fetched over HTTPS, from an issuer whose certificate a company's own authority has made.

use std::sync::Arc;

use tenantry_tower::jwt::{Issuer, Jwks};

use super::{
    issuer::TestIssuer,
    keys::IssuerKey,
    stage::{HandClock, Stage, authenticator, builder, told},
};
use crate::{
    secrecy::Lines,
    support::{AUDIENCE, eventually, key_file},
};

/// A file of `tests/keys`: the authority of `localhost`, for one, or another of the same name.
pub(super) fn pem(file: &str) -> String {
    String::from_utf8(key_file(file)).unwrap()
}

#[tokio::test]
async fn keys_come_over_https_from_an_issuer_whose_authority_is_trusted() {
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let trusted = pem("test-authority.pem");
    // One authority, and one among several.
    let several = format!("{}{trusted}", pem("test-other-authority.pem"));
    for (is_discovered, trusted) in [(true, &trusted), (false, &trusted), (true, &several)] {
        let issuer = TestIssuer::start_encrypted(&old);
        let keys = if is_discovered { Jwks::discover() } else { issuer.jwks() };
        let set = issuer.with(keys.trust(trusted));
        assert!(format!("{set:?}").contains("https://localhost:"));
        let stage = Stage::with(issuer, set).await;
        assert_eq!(stage.ask_fresh().await, "ann");
        // And again, over a new connection.
        stage.issuer.publish([&new]);
        stage.issuer.sign_by(&new);
        assert_eq!(stage.ask_fresh().await, "ann");
        stage.next_fetch().await;
        assert_eq!(stage.issuer.fetches(), 3);
        let withdrawn = old.sign(&stage.issuer.name(), "ann", stage.clock.time());
        assert_eq!(stage.ask(&withdrawn).await, "invalid_token");
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_prove_who_it_is_is_not_asked() {
    let key = IssuerKey::new("key");
    let issuer = TestIssuer::start_encrypted(&key);
    let (trusted, other) = (pem("test-authority.pem"), pem("test-other-authority.pem"));
    // Where the issuer is as well, though its certificate says no such name.
    let by_address = format!("https://{}", issuer.address());
    let cases = [
        (Jwks::discover(), issuer.name(), "UnknownIssuer"),
        (issuer.jwks(), issuer.name(), "UnknownIssuer"),
        (issuer.jwks().trust(&other), issuer.name(), "invalid peer certificate"),
        (Jwks::discover().trust(&trusted), by_address.clone(), "not valid for name"),
        (Jwks::at(&format!("{by_address}/keys")).trust(&trusted), by_address, "not valid for name"),
    ];
    for (keys, name, why) in cases {
        let (lines, _guard) = Lines::listen();
        let clock = HandClock::new(Arc::default());
        let set = Issuer::new(&name, keys).audience(AUDIENCE);
        let shown = format!("{set:?}");
        let authenticator = authenticator(builder(&clock).issuer(set));
        let jwt = key.sign(&name, "ann", clock.time());
        assert_eq!(told(&authenticator, &jwt).await, "unavailable", "{shown}");
        eventually("it is told why", async || lines.text().contains(why)).await;
    }
    assert_eq!(issuer.fetches(), 0);
}

#[tokio::test]
async fn what_comes_over_https_leads_to_nothing_less() {
    let key = IssuerKey::new("key");
    let issuer = TestIssuer::start_encrypted(&key);
    let plain = TestIssuer::start(&key);
    // Over HTTP; and to the same keys, by a name that is not in the certificate.
    for elsewhere in [format!("{}/keys", plain.name()), format!("https://{}/keys", issuer.address())] {
        issuer.configure("jwks_uri", elsewhere.as_str());
        let set = issuer.with(Jwks::discover().trust(&pem("test-authority.pem")).dangerously_accept_http());
        let clock = HandClock::new(Arc::default());
        let authenticator = authenticator(builder(&clock).issuer(set));
        let jwt = issuer.token("ann", clock.time());
        assert_eq!(told(&authenticator, &jwt).await, "unavailable", "{elsewhere}");
    }
    assert_eq!((issuer.fetches(), plain.fetches()), (0, 0));
}
