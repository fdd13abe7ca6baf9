//! A proxy in front that says who is calling.

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use tenantry_core::{
    access::caller::Identity,
    secret::Hashed,
    values::{address::Address, error::Error, ids::UserId},
};

use super::{Identified, IdentitySource, verified_user::display_name};
use crate::{BuildError, Head, limits, request::credential::invalid};

/// Believes a proxy (oauth2-proxy, Pomerium, an API gateway) that has signed the user in and names them in a header.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
///
/// use http::HeaderName;
/// use tenantry_tower::{Authenticator, Head, identity::TrustedProxy};
///
/// /// Of whom the connection is, as the host's server has put it into the request.
/// #[derive(Clone)]
/// struct Peer(IpAddr);
///
/// let peer = |head: Head<'_>| head.extensions().get::<Peer>().map(|peer| peer.0);
/// let proxy = TrustedProxy::at([IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7))], peer)
///     .user_header(HeaderName::from_static("x-auth-request-user"))
///     .email_header(HeaderName::from_static("x-auth-request-email"));
/// let authenticator = Authenticator::new().identity_source(proxy);
/// # let _ = authenticator;
/// ```
///
/// A request that names a user and does not come from the proxy is refused.
///
/// # Danger
/// Whoever can reach this service past the proxy, from its address or with its secret, can be any user. And the proxy must
/// remove the headers that a client sends itself, also under other spellings (`X_User_Id`), or its clients can be any
/// user.
pub struct TrustedProxy {
    trust: Trust,
    user: HeaderName,
    email: Option<HeaderName>,
    vouches_for_email: bool,
    name: Option<HeaderName>,
}

/// Why a request is believed to come from the proxy.
enum Trust {
    /// Its connection comes from one of these addresses.
    Addresses(Vec<IpAddr>, Arc<dyn Fn(Head<'_>) -> Option<IpAddr> + Send + Sync>),
    /// It has a secret in this header.
    Secret(HeaderName, Hashed),
}

impl TrustedProxy {
    /// A proxy at one of these addresses. `peer` tells from which address a request's connection comes: with axum, it reads
    /// `ConnectInfo<SocketAddr>` from the extensions.
    ///
    /// # Danger
    /// `peer` must not read a header such as `X-Forwarded-For`: anybody can write one.
    #[must_use]
    pub fn at<F>(addresses: impl IntoIterator<Item = IpAddr>, peer: F) -> Self
    where
        F: Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    {
        let addresses = addresses.into_iter().map(|address| address.to_canonical()).collect();
        Self::trusting(Trust::Addresses(addresses, Arc::new(peer)))
    }

    /// A proxy that sends `secret` in the header `header` with every request: for one whose address is not known.
    ///
    /// # Errors
    /// If the secret is shorter than 32 bytes.
    pub fn with_secret(header: HeaderName, secret: &str) -> Result<Self, BuildError> {
        let min = limits::PROXY_SECRET_BYTES_MIN;
        if secret.len() < min {
            let mend = format!("the proxy's secret has {} bytes: give at least {min} random ones", secret.len());
            return Err(BuildError::new(mend));
        }
        Ok(Self::trusting(Trust::Secret(header, Hashed::of(secret))))
    }

    fn trusting(trust: Trust) -> Self {
        let user = HeaderName::from_static("x-user-id");
        Self { trust, user, email: None, vouches_for_email: false, name: None }
    }

    /// The header that holds the user's id: `X-User-Id` unless set.
    #[must_use]
    pub fn user_header(mut self, header: HeaderName) -> Self {
        self.user = header;
        self
    }

    /// The header that holds the user's e-mail address; none unless set.
    #[must_use]
    pub fn email_header(mut self, header: HeaderName) -> Self {
        self.email = Some(header);
        self
    }

    /// The proxy makes sure that an e-mail address is its user's: they may accept what is sent to it.
    ///
    /// # Danger
    /// If users can write any address into their profile, they can accept the invitations of others.
    #[must_use]
    pub fn vouches_for_email(mut self) -> Self {
        self.vouches_for_email = true;
        self
    }

    /// The header that holds the user's name, for people to read, in UTF-8; none unless set.
    #[must_use]
    pub fn name_header(mut self, header: HeaderName) -> Self {
        self.name = Some(header);
        self
    }

    fn is_from_the_proxy(&self, head: Head<'_>) -> bool {
        match &self.trust {
            Trust::Addresses(addresses, peer) => {
                peer(head).is_some_and(|peer| addresses.contains(&peer.to_canonical()))
            }
            Trust::Secret(header, hash) => head.header(header).is_some_and(|secret| Hashed::of(secret) == *hash),
        }
    }
}

impl IdentitySource for TrustedProxy {
    fn identify(&self, head: Head<'_>) -> Result<Identified, Error> {
        let Some(user) = one(head.headers(), &self.user)? else { return Ok(Identified::nobody()) };
        if !self.is_from_the_proxy(head) {
            return Err(invalid(format!("{} counts only from the proxy that this service trusts", self.user)));
        }
        let id = text(user).and_then(|id| UserId::new(id).ok()).filter(|id| !id.is_qualified());
        let id = id.ok_or_else(|| invalid(format!("{} does not name a user", self.user)))?;
        let told = |header: &Option<HeaderName>| match header {
            Some(header) => Ok::<_, Error>(one(head.headers(), header)?.and_then(text)),
            None => Ok(None),
        };
        let mut identity = Identity::new(id);
        identity.email = told(&self.email)?.and_then(|email| Address::email(email).ok());
        identity.email_verified = self.vouches_for_email;
        identity.name = told(&self.name)?.and_then(display_name).map(str::to_owned);
        Ok(Identified::user(identity))
    }

    fn headers(&self) -> Vec<HeaderName> {
        [&self.user].into_iter().chain(&self.email).chain(&self.name).cloned().collect()
    }
}

/// The header's one value: of two, one may be the client's own.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Error> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(invalid(format!("there are several headers {name}: the proxy must remove what its client sends")));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

impl fmt::Debug for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TrustedProxy");
        match &self.trust {
            Trust::Addresses(addresses, _) => shown.field("addresses", addresses),
            Trust::Secret(header, _) => shown.field("secret_header", header),
        };
        shown.field("user_header", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tenantry_core::values::error::ErrorKind;

    use super::*;
    use crate::identity::source::Answer;

    const SECRET: &str = "a secret of at least thirty-two bytes";
    const SECRET_HEADER: HeaderName = HeaderName::from_static("x-proxy-secret");

    fn told(proxy: &TrustedProxy, headers: &[(&str, &str)], peer: Option<IpAddr>) -> Result<Option<Identity>, Error> {
        let mut request = Request::new(());
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        match proxy.identify(Head::of(&request))?.0 {
            Answer::Nobody => Ok(None),
            Answer::User(user) => Ok(Some((*user.identity).clone())),
            Answer::Lookup(_) => panic!("a proxy says at once who it is"),
        }
    }

    #[test]
    fn only_the_proxy_s_address_is_believed() {
        let ours: IpAddr = "10.0.0.7".parse().unwrap();
        let proxy = TrustedProxy::at([ours], |head: Head<'_>| head.extensions().get::<IpAddr>().copied());
        let named = [("x-user-id", "ann")];
        assert_eq!(told(&proxy, &named, Some(ours)).unwrap().unwrap().id.as_str(), "ann");
        assert!(told(&proxy, &named, "::ffff:10.0.0.7".parse().ok()).unwrap().is_some());
        for stranger in [None, "10.0.0.8".parse().ok(), "::1".parse().ok()] {
            assert_eq!(told(&proxy, &named, stranger).unwrap_err().kind(), ErrorKind::InvalidToken, "{stranger:?}");
            assert_eq!(told(&proxy, &[("x-forwarded-for", "10.0.0.7")], stranger).unwrap(), None);
        }
    }

    #[test]
    fn only_the_proxy_s_secret_is_believed() {
        let proxy = TrustedProxy::with_secret(SECRET_HEADER, SECRET).unwrap();
        let named = ("x-user-id", "ann");
        assert!(told(&proxy, &[named, ("x-proxy-secret", SECRET)], None).unwrap().is_some());
        for wrong in [&[named][..], &[named, ("x-proxy-secret", "")], &[named, ("x-proxy-secret", "guess")]] {
            assert_eq!(told(&proxy, wrong, None).unwrap_err().kind(), ErrorKind::InvalidToken, "{wrong:?}");
        }
        let twice = [named, ("x-proxy-secret", SECRET), ("x-proxy-secret", "guess")];
        assert!(told(&proxy, &twice, None).is_err());
        assert!(TrustedProxy::with_secret(SECRET_HEADER, "short").is_err());
        assert!(!format!("{proxy:?}").contains(SECRET));
    }

    #[test]
    fn a_user_is_named_once_and_what_is_malformed_names_nobody() {
        let proxy = TrustedProxy::with_secret(SECRET_HEADER, SECRET)
            .unwrap()
            .email_header(HeaderName::from_static("x-email"))
            .name_header(HeaderName::from_static("x-name"));
        let secret = ("x-proxy-secret", SECRET);
        let all = [secret, ("x-user-id", "ann"), ("x-email", "ann@example.com"), ("x-name", "Änn")];
        let ann = told(&proxy, &all, None).unwrap().unwrap();
        assert_eq!((ann.name.as_deref(), ann.email.is_some(), ann.verified_email()), (Some("Änn"), true, None));
        assert!(told(&proxy, &[secret], None).unwrap().is_none());
        assert!(told(&proxy, &[secret, ("x-user-id", "")], None).unwrap().is_none());
        for headers in [
            &[secret, ("x-user-id", "ann"), ("x-user-id", "bob")][..],
            &[secret, ("x-user-id", "iss:https://partner.example#ann")],
            &[secret, ("x-user-id", "ann"), ("x-email", "a@example.com"), ("x-email", "b@example.com")],
        ] {
            assert!(told(&proxy, headers, None).is_err(), "{headers:?}");
        }
    }
}
