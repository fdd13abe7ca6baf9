//! Where the servers are: what the URL says.

use std::{fmt, sync::Arc};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, io::tcp::TcpSettings};

use crate::options::ConnectError;

/// How the URLs of [`RedisStore::connect`](crate::RedisStore::connect) begin, without `://`.
pub const SCHEMES: [&str; 6] =
    ["redis", "redis+sentinel", "redis+cluster", "rediss", "rediss+sentinel", "rediss+cluster"];

/// How many servers a URL may list.
const SERVERS_MAX: usize = 64;
const SENTINEL_PORT: u16 = 26379;
const MEND: &str = "the redis url cannot be used: write redis://user:password@host:port/database, \
                    redis+sentinel://host:port,host:port/service-name or redis+cluster://host:port,host:port \
                    (rediss… for TLS)";

/// Where one server is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Reads `host:port`, as `MOVED` has it. Without a host, it is the one that was asked.
    pub(crate) fn parse(text: &str, asked: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self::new(if host.is_empty() { &asked.host } else { host }, port.parse().ok()?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            // A socket in the file system has no port.
            (0, _) => f.write_str(&self.host),
            (port, false) => write!(f, "{}:{port}", self.host),
            (port, true) => write!(f, "[{}]:{port}", self.host),
        }
    }
}

/// What kind of servers there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One server.
    Node,
    /// One primary, whose address sentinels know by this name.
    Sentinel(String),
    /// Several primaries, each with a part of the slots.
    Cluster,
}

/// What a URL says.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// The servers of the URL: the node, the sentinels, or some nodes of the cluster.
    pub(crate) listed: Vec<Address>,
    /// How to connect to a server that keeps data; with the first of the listed addresses.
    pub(crate) info: ConnectionInfo,
}

/// Reads the URL. The error says nothing of what is in it.
pub(crate) fn parse(url: &str) -> Result<Place, ConnectError> {
    if url.starts_with("rediss") && !cfg!(feature = "tls") {
        let mend = "TLS is not compiled in: enable the feature tls of tenantry-redis, or redis-tls of tenantry";
        return Err(ConnectError::options(mend));
    }
    read(url).ok_or_else(|| ConnectError::options(MEND))
}

fn read(url: &str) -> Option<Place> {
    let (scheme, rest) = url.split_once("://")?;
    let transport = if scheme.starts_with("rediss") { "rediss" } else { "redis" };
    let clustered = match scheme.strip_prefix(transport) {
        Some("+cluster") => true,
        Some("+sentinel") => false,
        _ => return read_node(url),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let at = if user.is_empty() { "" } else { "@" };
    let (kind, database) = if clustered {
        (Kind::Cluster, path)
    } else {
        let (service, database) = path.split_once('/').unwrap_or((path, ""));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if service.is_empty() || !service.bytes().all(allowed) {
            return None;
        }
        (Kind::Sentinel(service.to_owned()), database)
    };
    let connections = hosts.split(',').map(|host| {
        let info = format!("{transport}://{user}{at}{host}/{database}").into_connection_info().ok()?;
        let mut address = address(info.addr());
        if !clustered && !has_port(host) {
            address.port = SENTINEL_PORT;
        }
        Some((address, info))
    });
    let connections: Vec<_> = connections.collect::<Option<_>>()?;
    let info = with_settings(connections.first()?.1.clone());
    // A cluster has but one database.
    let usable = connections.len() <= SERVERS_MAX && !(clustered && info.redis_settings().db() != 0);
    let listed = connections.into_iter().map(|(address, _)| address).collect();
    usable.then_some(Place { kind, listed, info })
}

fn read_node(url: &str) -> Option<Place> {
    let info = with_settings(url.into_connection_info().ok()?);
    Some(Place { kind: Kind::Node, listed: vec![address(info.addr())], info })
}

fn with_settings(info: ConnectionInfo) -> ConnectionInfo {
    // RESP3 tells at once when a connection is lost, and lets one connection subscribe and publish.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    info.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true))
}

fn address(address: &ConnectionAddr) -> Address {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => Address::new(host, *port),
        other => Address::new(&other.to_string(), 0),
    }
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(url: &str) -> Vec<String> {
        parse(url).unwrap().listed.iter().map(Address::to_string).collect()
    }

    #[test]
    fn urls_say_where_the_servers_are() {
        let cluster = parse("redis+cluster://ann:p%40ss@a:7000,b,[::1]:7002").unwrap();
        assert_eq!(cluster.kind, Kind::Cluster);
        assert_eq!(cluster.info.redis_settings().username(), Some("ann"));
        assert_eq!(cluster.info.redis_settings().password(), Some("p@ss"));
        assert_eq!(listed("redis+cluster://a:7000,b,[::1]:7002/"), ["a:7000", "b:6379", "[::1]:7002"]);

        let sentinel = parse("redis+sentinel://:secret@a,b:7000/main/3").unwrap();
        assert_eq!(sentinel.kind, Kind::Sentinel("main".to_owned()));
        assert_eq!((sentinel.info.redis_settings().username(), sentinel.info.redis_settings().db()), (None, 3));
        assert_eq!(listed("redis+sentinel://a,b:7000/main"), ["a:26379", "b:7000"]);

        let node = parse("redis://host/2").unwrap();
        assert_eq!((node.kind, node.info.redis_settings().db()), (Kind::Node, 2));
        assert_eq!(listed("redis://host"), ["host:6379"]);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn two_letters_more_mean_tls() {
        for (scheme, rest) in SCHEMES.iter().zip(["", "/main", ""].iter().cycle()) {
            let place = parse(&format!("{scheme}://host{rest}")).unwrap();
            let encrypted = matches!(place.info.addr(), ConnectionAddr::TcpTls { insecure: false, .. });
            assert_eq!(encrypted, scheme.starts_with("rediss"), "{scheme}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn what_is_not_compiled_in_is_not_left_out_silently() {
        for scheme in &SCHEMES[3..] {
            let error = parse(&format!("{scheme}://host/main")).unwrap_err();
            assert!(error.to_string().contains("enable the feature tls"), "{error}");
        }
    }

    #[test]
    fn what_says_nothing_is_refused_without_telling_what_it_was() {
        let many = format!("redis+cluster://{}", vec!["a"; SERVERS_MAX + 1].join(","));
        for url in [
            "http://user:hunter2@host",
            "redis+cluster://user:hunter2@",
            "redis+cluster://user:hunter2@a,,b",
            "redis+cluster://user:hunter2@a/1",
            "redis+sentinel://user:hunter2@a",
            "redis+sentinel://user:hunter2@a/",
            "redis+sentinel://user:hunter2@a/na me",
            "redis+other://user:hunter2@a",
            "hunter2",
            &many,
        ] {
            let error = parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_redirection_may_leave_out_the_host() {
        let asked = Address::new("here", 1);
        let parsed = |text: &str| Address::parse(text, &asked).map(|address| address.to_string());
        assert_eq!(parsed("127.0.0.1:7001").as_deref(), Some("127.0.0.1:7001"));
        assert_eq!(parsed(":7001").as_deref(), Some("here:7001"));
        assert_eq!(parsed("::1:7001").as_deref(), Some("[::1]:7001"));
        assert_eq!(parsed("7001"), None);
    }
}
