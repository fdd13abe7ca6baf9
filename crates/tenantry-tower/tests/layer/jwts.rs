//! Which JWTs are believed.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tenantry_core::{
    access::caller::{Caller, Identity},
    values::{clock::Clock, error::Error},
};
use tenantry_tower::{
    Authenticator, ClaimNames, Head, JwtVerifier, JwtVerifierBuilder,
    jwt::{self, Issuer, Key},
};

use crate::support::{
    AUDIENCE, HS_SECRET, ISSUER, Signing, TestClock, claims, hs256_key, key_file, sign, sign_with_header,
    with_authorization,
};

/// The user, or the refusal.
pub(crate) fn identified(builder: JwtVerifierBuilder, jwt: &str) -> Result<Identity, Error> {
    let request = with_authorization(&format!("Bearer {jwt}"));
    let authenticator = Authenticator::new().jwt(builder.build().unwrap());
    // Keys that are given are never waited for.
    match authenticator.authenticate(Head::of(&request)).now_or_never().unwrap()? {
        Some(Caller::User(identity)) => Ok(*identity),
        other => panic!("{other:?}"),
    }
}

/// The code of the refusal, or the user.
fn told(builder: JwtVerifierBuilder, jwt: &str) -> String {
    identified(builder, jwt).map_or_else(|error| error.code().to_owned(), |identity| identity.id.to_string())
}

pub(crate) fn believing(keys: impl IntoIterator<Item = Key>, clock: &Arc<TestClock>) -> JwtVerifierBuilder {
    let keys: Vec<_> = keys.into_iter().collect();
    JwtVerifier::builder().issuer(Issuer::new(ISSUER, keys).audience(AUDIENCE)).clock(clock.clone())
}

fn public(algorithm: jwt::Algorithm, file: &str) -> Key {
    Key::new(algorithm, key_file(file))
}

#[test]
fn each_algorithm_verifies_its_own_and_no_other() {
    use jwt::Algorithm as Ours;
    let clock = Arc::new(TestClock::default());
    let rsa = ("test-rsa-2048-private.pem", "test-rsa-2048-public.pem");
    let asymmetric = [
        (Algorithm::RS256, Ours::Rs256, rsa),
        (Algorithm::RS384, Ours::Rs384, rsa),
        (Algorithm::RS512, Ours::Rs512, rsa),
        (Algorithm::PS256, Ours::Ps256, rsa),
        (Algorithm::PS384, Ours::Ps384, rsa),
        (Algorithm::PS512, Ours::Ps512, rsa),
        (Algorithm::ES256, Ours::Es256, ("test-p256-private.pem", "test-p256-public.pem")),
        (Algorithm::ES384, Ours::Es384, ("test-p384-private.pem", "test-p384-public.pem")),
        (Algorithm::EdDSA, Ours::EdDsa, ("test-ed25519-private.pem", "test-ed25519-public.pem")),
    ];
    let mut pairs: Vec<(Signing, Key)> = asymmetric
        .into_iter()
        .map(|(theirs, ours, (private, file))| (Signing::pem(theirs, private), public(ours, file)))
        .collect();
    for (theirs, ours) in
        [(Algorithm::HS256, Ours::Hs256), (Algorithm::HS384, Ours::Hs384), (Algorithm::HS512, Ours::Hs512)]
    {
        pairs.push((Signing::secret(theirs, HS_SECRET), Key::new(ours, HS_SECRET)));
    }
    for (signer, (signing, _)) in pairs.iter().enumerate() {
        let jwt = sign(&claims("ann", &clock), signing);
        for (verifier, (_, key)) in pairs.iter().enumerate() {
            let expected = if signer == verifier { "ann" } else { "invalid_token" };
            assert_eq!(told(believing([key.clone()], &clock), &jwt), expected, "{:?} by {key:?}", signing.algorithm);
        }
        let all = pairs.iter().map(|(_, key)| key.clone());
        assert_eq!(told(believing(all, &clock), &jwt), "ann");
        let altered = jwt.replacen('.', ".e30", 1);
        assert_eq!(told(believing(pairs.iter().map(|(_, key)| key.clone()), &clock), &altered), "invalid_token");
    }
}

#[test]
fn a_public_key_is_no_secret_and_none_is_no_algorithm() {
    let clock = Arc::new(TestClock::default());
    let pem = key_file("test-rsa-2048-public.pem");
    let rs256 = || believing([public(jwt::Algorithm::Rs256, "test-rsa-2048-public.pem")], &clock);
    let confused = sign(&claims("ann", &clock), &Signing::secret(Algorithm::HS256, &pem));
    assert_eq!(told(rs256(), &confused), "invalid_token");
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let jwt = sign_with_header(&json!({ "alg": name }), &claims("ann", &clock), &Signing::hs256());
        let unsigned = format!("{}.", jwt.rsplit_once('.').unwrap().0);
        for jwt in [jwt, unsigned] {
            assert_eq!(told(rs256(), &jwt), "invalid_token");
            assert_eq!(told(believing([hs256_key()], &clock), &jwt), "invalid_token");
        }
    }
    let unsigned = sign(&claims("ann", &clock), &Signing::hs256()).rsplit_once('.').unwrap().0.to_owned();
    for jwt in [format!("{unsigned}."), unsigned, "..".to_owned(), "a.b.c.d".to_owned(), "é".to_owned()] {
        assert_eq!(told(believing([hs256_key()], &clock), &jwt), "invalid_token", "{jwt}");
    }
}

/// What becomes of right claims with one of them changed; `None` takes it away.
fn with(claim: &str, value: Option<Value>) -> String {
    let clock = Arc::new(TestClock::default());
    let mut claims = claims("ann", &clock);
    match value {
        Some(value) => claims[claim] = value,
        None => drop(claims.as_object_mut().unwrap().remove(claim)),
    }
    told(believing([hs256_key()], &clock), &sign(&claims, &Signing::hs256()))
}

#[test]
fn the_four_claims_must_be_there_and_right() {
    for claim in ["iss", "aud", "exp", "sub"] {
        for wrong in [None, Some(Value::Null), Some(json!("other")), Some(json!({})), Some(json!([])), Some(json!(-1))]
        {
            if claim == "sub" && wrong == Some(json!("other")) {
                continue;
            }
            assert_eq!(with(claim, wrong.clone()), "invalid_token", "{claim}: {wrong:?}");
        }
    }
    assert_eq!(with("aud", Some(json!(["x", AUDIENCE]))), "ann");
    assert_eq!(with("aud", Some(json!(["x", "y"]))), "invalid_token");
    assert_eq!(with("iss", Some(json!([ISSUER]))), "invalid_token");
    assert_eq!(with("sub", Some(json!(""))), "invalid_token");
    assert_eq!(with("sub", Some(json!("a\u{0}b"))), "invalid_token");
    assert_eq!(with("sub", Some(json!("x".repeat(300)))), "invalid_token");
}

#[test]
fn time_is_the_clocks_and_leeway_is_what_the_host_says() {
    let clock = Arc::new(TestClock::default());
    let now = clock.now().as_seconds();
    assert_eq!(with("exp", Some(json!(now))), "expired_token");
    assert_eq!(with("exp", Some(json!(now + 1))), "ann");
    assert_eq!(with("exp", Some(json!(f64::from(u32::MAX) + 0.5))), "ann");
    assert_eq!(with("nbf", Some(json!(now))), "ann");
    assert_eq!(with("nbf", Some(json!(now + 1))), "invalid_token");
    assert_eq!(with("nbf", Some(json!("soon"))), "invalid_token");

    let jwt = |exp: i64, nbf: i64| {
        let mut claims = claims("ann", &clock);
        (claims["exp"], claims["nbf"]) = (exp.into(), nbf.into());
        sign(&claims, &Signing::hs256())
    };
    let lenient = || believing([hs256_key()], &clock).leeway(Duration::from_secs(30));
    assert_eq!(told(lenient(), &jwt(now - 29, now + 30)), "ann");
    assert_eq!(told(lenient(), &jwt(now - 30, now)), "expired_token");
    assert_eq!(told(lenient(), &jwt(now + 60, now + 31)), "invalid_token");
    // Expired is said only of a token that is right in everything else.
    let mut expired = claims("ann", &clock);
    (expired["exp"], expired["aud"]) = (0.into(), "other".into());
    assert_eq!(told(believing([hs256_key()], &clock), &sign(&expired, &Signing::hs256())), "invalid_token");
}

#[test]
fn a_kid_means_its_own_key_and_crit_is_refused() {
    let clock = Arc::new(TestClock::default());
    let old = b"another test secret of sixty-four bytes, which is enough for it!";
    let keys = || [hs256_key().kid("new"), Key::new(jwt::Algorithm::Hs256, old).kid("old")];
    let jwt = |kid: Option<&str>, secret: &[u8]| {
        let header = json!({ "alg": "HS256", "kid": kid });
        sign_with_header(&header, &claims("ann", &clock), &Signing::secret(Algorithm::HS256, secret))
    };
    assert_eq!(told(believing(keys(), &clock), &jwt(Some("new"), HS_SECRET)), "ann");
    assert_eq!(told(believing(keys(), &clock), &jwt(Some("old"), old)), "ann");
    assert_eq!(told(believing(keys(), &clock), &jwt(None, old)), "ann");
    assert_eq!(told(believing(keys(), &clock), &jwt(Some("old"), HS_SECRET)), "invalid_token");
    assert_eq!(told(believing(keys(), &clock), &jwt(Some("unknown"), HS_SECRET)), "invalid_token");
    assert_eq!(told(believing([hs256_key()], &clock), &jwt(Some("unknown"), HS_SECRET)), "ann");
    assert_eq!(told(believing([hs256_key()], &clock), &jwt(Some("unknown"), old)), "invalid_token");
    for crit in [json!([]), json!(["exp"]), json!("exp")] {
        let header = json!({ "alg": "HS256", "crit": crit });
        let jwt = sign_with_header(&header, &claims("ann", &clock), &Signing::hs256());
        assert_eq!(told(believing([hs256_key()], &clock), &jwt), "invalid_token", "{crit}");
    }
}

#[test]
fn a_platform_admin_is_who_the_hosts_claim_says() {
    let clock = Arc::new(TestClock::default());
    let mut claims = claims("root", &clock);
    claims["is_admin"] = true.into();
    let jwt = sign(&claims, &Signing::hs256());
    let request = with_authorization(&format!("Bearer {jwt}"));
    let kind = |names: ClaimNames| {
        let issuer = Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE).claims(names);
        let verifier = JwtVerifier::builder().issuer(issuer).clock(clock.clone()).build().unwrap();
        Authenticator::new()
            .jwt(verifier)
            .authenticate(Head::of(&request))
            .now_or_never()
            .unwrap()
            .unwrap()
            .unwrap()
            .principal()
            .kind()
    };
    assert_eq!(kind(ClaimNames::default()), "user");
    assert_eq!(kind(ClaimNames::new().platform_admin("is_admin")), "platformAdmin");
}

#[test]
fn a_mistake_in_the_setting_up_names_its_mend() {
    use jwt::Algorithm as Ours;
    let clock = Arc::new(TestClock::default());
    let mend = |keys: Vec<Key>| believing(keys, &clock).build().unwrap_err().to_string();
    let keyless = mend(vec![]);
    assert!(keyless.contains("needs a key") && keyless.contains(ISSUER), "{keyless}");
    for (algorithm, bytes) in [(Ours::Hs256, 31), (Ours::Hs384, 47), (Ours::Hs512, 63)] {
        let message = mend(vec![Key::new(algorithm, &HS_SECRET[..bytes])]);
        assert!(message.contains(&format!("at least {}", bytes + 1)), "{message}");
        assert!(believing([Key::new(algorithm, &HS_SECRET[..=bytes])], &clock).build().is_ok());
    }
    assert!(mend(vec![public(Ours::Hs256, "test-rsa-2048-public.pem")]).contains("no secret"));
    assert!(mend(vec![public(Ours::Rs256, "test-rsa-2048-private.pem")]).contains("give the public one"));
    assert!(mend(vec![public(Ours::Rs256, "test-rsa-1024-public.pem")]).contains("at least 2048 bits"));
    assert!(mend(vec![public(Ours::Rs256, "test-p256-public.pem")]).contains("not an RSA key"));
    assert!(mend(vec![public(Ours::Es256, "test-p384-public.pem")]).contains("not a P-256 key"));
    assert!(mend(vec![public(Ours::Es384, "test-ed25519-public.pem")]).contains("not a P-384 key"));
    assert!(mend(vec![public(Ours::EdDsa, "test-rsa-2048-public.pem")]).contains("not an Ed25519 key"));
    assert!(mend(vec![Key::new(Ours::Rs256, "junk")]).contains("PUBLIC KEY"));

    assert!(JwtVerifier::builder().build().unwrap_err().to_string().contains("add issuer("));
    let mend = |issuer: Issuer| JwtVerifier::builder().issuer(issuer).build().unwrap_err().to_string();
    let of = |iss: &str| Issuer::new(iss, hs256_key());
    assert!(mend(of(ISSUER)).contains("add audience("));
    assert!(mend(of(ISSUER).audience("")).contains("add audience("));
    for nameless in ["", "a\nb", &"x".repeat(201)] {
        let message = mend(of(nameless).audience(AUDIENCE));
        assert!(message.contains("a name of 1 to 200 bytes"), "{message}");
    }
    assert!(mend(of(ISSUER).audience(AUDIENCE).token_type("application/")).contains("token_type("));
    let lenient = believing([hs256_key()], &clock).leeway(Duration::from_secs(301)).build().unwrap_err();
    assert!(lenient.to_string().contains("at most 300 s"));
}
