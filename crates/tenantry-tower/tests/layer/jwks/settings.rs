//! What can be set, and what of it is shown.

use std::{sync::Arc, time::Duration};

use tenantry_tower::{
    Authenticator, JwtVerifierBuilder,
    jwt::{Algorithm, Issuer, Jwks, Keys},
};

use super::{
    https::pem,
    issuer::TestIssuer,
    keys::IssuerKey,
    stage::{HandClock, builder, identified},
};
use crate::{
    secrecy::Lines,
    support::{AUDIENCE, ISSUER, hs256_key},
};

fn empty() -> JwtVerifierBuilder {
    builder(&HandClock::new(Arc::default()))
}

fn named(iss: &str, keys: impl Into<Keys>) -> Issuer {
    Issuer::new(iss, keys).audience(AUDIENCE)
}

#[tokio::test]
async fn a_mistake_names_its_mend() {
    let mend = |iss: &str, jwks: Jwks| empty().issuer(named(iss, jwks)).build().unwrap_err().to_string();
    let at = |url: &str| mend("id", Jwks::at(url));
    let discovered = |jwks: Jwks| mend("https://id.example.com/", jwks);
    let https = Jwks::discover;
    for unsafe_url in
        ["http://id.example.com", "ftp://localhost/keys", "http://10.0.0.1/", "http://localhost.example.com"]
    {
        assert!(at(unsafe_url).contains("give an https:// URL"), "{unsafe_url}");
    }
    assert!(mend("http://id.example.com", https()).contains("give an https:// URL"));
    for secret in ["https://ann:hunter2@id.example.com/", "https://hunter2@id.example.com/"] {
        for issuer in [named("id", Jwks::at(secret)), named(secret, https())] {
            let builder = empty().issuer(issuer.clone());
            assert!(!format!("{issuer:?} {builder:?}").contains("hunter2"));
            let message = builder.build().unwrap_err().to_string();
            assert!(message.contains("leave them out") && !message.contains("hunter2"), "{message}");
        }
    }
    assert!(at("id.example.com").contains("URL"));
    assert!(mend("", Jwks::at("https://id.example.com")).contains("what the iss of its tokens is"));
    assert!(mend("https://id.example.com/?a=b", https()).contains("neither ? nor #"));
    assert!(discovered(https().rsa_algorithms([])).contains("at least one"));
    assert!(discovered(https().rsa_algorithms([Algorithm::Hs256])).contains("RS256 to RS512"));
    assert!(discovered(https().min_refresh(Duration::from_millis(999))).contains("give 1s to 3600s"));
    assert!(discovered(https().keep_through_outage(Duration::from_secs(59))).contains("give 60s to 604800s"));
    assert!(discovered(https().keep_through_outage(Duration::from_secs(604_801))).contains("give 60s to"));

    let certificate = |inner: &str| format!("-----BEGIN CERTIFICATE-----\n{inner}\n-----END CERTIFICATE-----\n");
    let private_key = pem("test-localhost-private.pem");
    for bad in ["", "hunter2", &private_key, &certificate("AQAB"), &certificate("hunter-2")] {
        let message = discovered(https().trust(bad));
        assert!(message.contains("trust(…) takes the certificate"), "{message}");
        assert!(!message.contains("hunter") && !message.contains("AQAB"), "{message}");
        // Nor is it forgiven when another is right.
        assert_eq!(discovered(https().trust(bad).trust(&pem("test-authority.pem"))), message);
    }

    let given = || named(ISSUER, hs256_key());
    let fetched = || named(ISSUER, https());
    for (first, second) in [(fetched(), fetched()), (given(), fetched()), (fetched(), given().qualified_ids())] {
        let twice = empty().issuer(first).issuer(second).build().unwrap_err();
        assert!(twice.to_string().contains("named twice"), "{twice}");
    }
    let unheard = empty().issuer(Issuer::new(ISSUER, https())).build().unwrap_err();
    assert!(unheard.to_string().contains("add audience("), "{unheard}");
}

#[test]
fn keys_are_fetched_within_a_runtime() {
    let verifier = empty().issuer(named("https://id.example.com/", Jwks::discover()));
    assert!(verifier.build().unwrap_err().to_string().contains("within a tokio runtime"));
}

#[tokio::test]
async fn plain_http_is_for_this_machine_or_for_those_who_say_so() {
    for url in ["http://localhost:1/", "http://127.8.8.8:1/", "http://[::1]:1/", "https://id.example.com/"] {
        assert!(empty().issuer(named("id", Jwks::at(url))).build().is_ok(), "{url}");
    }
    let jwks = Jwks::at("http://id.example.com:1/keys").dangerously_accept_http();
    assert!(empty().issuer(named("id", jwks)).build().is_ok());
}

#[tokio::test]
async fn what_follows_the_question_mark_is_not_shown_nor_is_a_token() {
    let (lines, _guard) = Lines::listen();
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    let clock = HandClock::new(Arc::default());
    let set = issuer.with(Jwks::at(&format!("{}/keys?app=hunter2", issuer.name())));
    let mut told = format!("{set:?}");
    let verifier = builder(&clock).issuer(set).build().unwrap();
    told.extend([format!("{verifier:?}")]);
    assert!(told.contains("/keys"), "{told}");
    let authenticator = Authenticator::new().jwt(verifier);
    let jwt = issuer.token("ann", clock.time());
    assert_eq!(identified(&authenticator, &jwt).await.unwrap(), "ann");
    issuer.stop();
    let unknown = IssuerKey::new("unknown").sign(&issuer.name(), "ann", clock.time());
    let error = identified(&authenticator, &unknown).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    told.extend([format!("{error:?}")]);

    let log = lines.text();
    assert!(log.contains("the keys of an issuer could not be fetched"), "{log}");
    for secret in ["hunter2", jwt.rsplit('.').next().unwrap(), unknown.rsplit('.').next().unwrap()] {
        assert!(!told.contains(secret), "{told}");
        assert!(!log.contains(secret), "{log}");
    }
}
