//! Which servers there are to connect to.

use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError};

use crate::{
    address::{Address, Kind, Place},
    options::{ConnectError, Options},
    server::{Role, Server},
    shared::Shared,
};

/// Makes servers of one kind from their addresses.
#[derive(Clone)]
pub(crate) struct Servers {
    info: ConnectionInfo,
    role: Role,
}

impl Servers {
    /// The servers that keep the data.
    pub(crate) fn of_data(place: &Place, options: &Options) -> Self {
        let role = if place.kind == Kind::Cluster { Role::ClusterNode } else { Role::Primary };
        let info = options.user.as_ref().map_or_else(|| place.info.clone(), |user| user.apply(&place.info));
        Self { info, role }
    }

    /// The sentinels, if there are any.
    pub(crate) fn sentinels(place: &Place, options: &Options) -> Result<Vec<Shared>, ConnectError> {
        let Kind::Sentinel(_) = place.kind else {
            return Ok(Vec::new());
        };
        // They have users of their own, and no databases.
        let nobody = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        let info = place.info.clone().set_redis_settings(nobody);
        let info = options.sentinel_user.as_ref().map_or_else(|| info.clone(), |user| user.apply(&info));
        let servers = Self { info, role: Role::Sentinel };
        let shared = |address: &Address| {
            let server = servers.at(address).map_err(|error| ConnectError::unreachable(&address.to_string(), error))?;
            Ok(Shared::new(server, options.clone()))
        };
        place.listed.iter().map(shared).collect()
    }

    /// The server at `address`.
    pub(crate) fn at(&self, address: &Address) -> Result<Server, RedisError> {
        let host = address.host.to_string();
        let there = match self.info.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                let (insecure, tls_params) = (*insecure, tls_params.clone());
                ConnectionAddr::TcpTls { host, port: address.port, insecure, tls_params }
            }
            ConnectionAddr::Tcp(..) => ConnectionAddr::Tcp(host, address.port),
            // A socket in the file system is the only server there is.
            socket => socket.clone(),
        };
        Server::new(self.info.clone().set_addr(there), address.clone(), self.role)
    }
}
