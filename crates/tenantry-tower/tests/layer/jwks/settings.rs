//! What can be set, and what of it is shown.

use std::{sync::Arc, time::Duration};

use tenantry_tower::{
    Authenticator, JwtVerifierBuilder,
    jwt::{Algorithm, Issuer},
};

use super::{
    https::pem,
    issuer::TestIssuer,
    keys::IssuerKey,
    stage::{HandClock, builder, identified},
};
use crate::{
    secrecy::Lines,
    support::{ISSUER, hs256_key},
};

fn empty() -> JwtVerifierBuilder {
    builder(&HandClock::new(Arc::default()))
}

#[tokio::test]
async fn a_mistake_names_its_mend() {
    let mend = |issuer: Issuer| empty().issuer_keys(issuer).build().unwrap_err().to_string();
    let https = || Issuer::discover("https://id.example.com/");
    for unsafe_url in
        ["http://id.example.com", "ftp://localhost/keys", "http://10.0.0.1/", "http://localhost.example.com"]
    {
        assert!(mend(Issuer::jwks("id", unsafe_url)).contains("give an https:// URL"), "{unsafe_url}");
    }
    assert!(mend(Issuer::discover("http://id.example.com")).contains("give an https:// URL"));
    for secret in ["https://ann:hunter2@id.example.com/", "https://hunter2@id.example.com/"] {
        for issuer in [Issuer::jwks("id", secret), Issuer::discover(secret)] {
            assert!(!format!("{issuer:?}").contains("hunter2"));
            let message = mend(issuer);
            assert!(message.contains("leave them out") && !message.contains("hunter2"));
        }
    }
    assert!(mend(Issuer::jwks("id", "id.example.com")).contains("URL"));
    assert!(mend(Issuer::jwks("", "https://id.example.com")).contains("what the iss of its tokens is"));
    assert!(mend(Issuer::discover("https://id.example.com/?a=b")).contains("neither ? nor #"));
    assert!(mend(https().rsa_algorithms([])).contains("at least one"));
    assert!(mend(https().rsa_algorithms([Algorithm::Hs256])).contains("RS256 to RS512"));
    assert!(mend(https().min_refresh(Duration::from_millis(999))).contains("give 1s to 3600s"));
    assert!(mend(https().keep_through_outage(Duration::from_secs(59))).contains("give 60s to 604800s"));
    assert!(mend(https().keep_through_outage(Duration::from_secs(604_801))).contains("give 60s to"));

    let certificate = |inner: &str| format!("-----BEGIN CERTIFICATE-----\n{inner}\n-----END CERTIFICATE-----\n");
    let private_key = pem("test-localhost-private.pem");
    for bad in ["", "hunter2", &private_key, &certificate("AQAB"), &certificate("hunter-2")] {
        let message = mend(https().trust(bad));
        assert!(message.contains("trust(…) takes the certificate"), "{message}");
        assert!(!message.contains("hunter") && !message.contains("AQAB"), "{message}");
        // Nor is it forgiven when another is right.
        assert_eq!(mend(https().trust(bad).trust(&pem("test-authority.pem"))), message);
    }

    let twice = empty().issuer_keys(https()).issuer_keys(https()).build().unwrap_err();
    assert!(twice.to_string().contains("named twice"));
    let given = empty().issuer(ISSUER).key(hs256_key()).issuer_keys(Issuer::discover(ISSUER)).build().unwrap_err();
    assert!(given.to_string().contains("named twice"));
    let keyless = empty().issuer(ISSUER).issuer_keys(https()).build();
    assert!(keyless.unwrap_err().to_string().contains("add key("));
    let homeless = empty().key(hs256_key()).issuer_keys(https()).build();
    assert!(homeless.unwrap_err().to_string().contains("add issuer("));
}

#[test]
fn keys_are_fetched_within_a_runtime() {
    let verifier = empty().issuer_keys(Issuer::discover("https://id.example.com/"));
    assert!(verifier.build().unwrap_err().to_string().contains("within a tokio runtime"));
}

#[tokio::test]
async fn plain_http_is_for_this_machine_or_for_those_who_say_so() {
    for url in ["http://localhost:1/", "http://127.8.8.8:1/", "http://[::1]:1/", "https://id.example.com/"] {
        assert!(empty().issuer_keys(Issuer::jwks("id", url)).build().is_ok(), "{url}");
    }
    let issuer = Issuer::jwks("id", "http://id.example.com:1/keys").dangerously_accept_http();
    assert!(empty().issuer_keys(issuer).build().is_ok());
}

#[tokio::test]
async fn what_follows_the_question_mark_is_not_shown_nor_is_a_token() {
    let (lines, _guard) = Lines::listen();
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    let clock = HandClock::new(Arc::default());
    let set = Issuer::jwks(issuer.name(), &format!("{}/keys?app=hunter2", issuer.name()));
    let mut told = format!("{set:?}");
    let verifier = builder(&clock).issuer_keys(set).build().unwrap();
    told.extend([format!("{verifier:?}")]);
    assert!(told.contains("/keys"), "{told}");
    let authenticator = Authenticator::new(verifier);
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
