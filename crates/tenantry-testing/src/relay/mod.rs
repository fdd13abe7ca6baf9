//! What stands between a store and its Redis: the network, which can stop, break, and lose exactly one message.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use tenantry_testing::{
//!     redis_server::RedisServer,
//!     relay::{Cut, Lost, Relay},
//! };
//!
//! let server = RedisServer::start(&[]);
//! let relay = Relay::to(server.port()).await?;
//! let url = server.store_url().replace(&server.port().to_string(), &relay.port().to_string());
//! // Connect a store to `url`, and use it once. Then:
//! relay.cut(Cut { at: 2, lost: Lost::Reply, lasts: false });
//! // Now the store's second request reaches the server, and nobody hears of it.
//! assert!(relay.heal());
//! # Ok(())
//! # }
//! ```

mod cut;
mod frame;

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch::{Receiver, Sender},
};

pub use self::cut::{Cut, Lost};
use self::cut::{Cuts, step_by_step};

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Open,
    /// Connections stay, and nothing passes.
    Still,
    /// There are no connections, and no new ones.
    Broken,
}

/// Passes on what comes to a port of its own, as long as the runtime lives that it was made on.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    network: Sender<Network>,
    cuts: Arc<Cuts>,
}

impl Relay {
    /// Leads to `port` of this machine.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn to(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let network = Sender::new(Network::Open);
        let relay = Self { port: own, cuts: Arc::new(Cuts::new(network.clone())), network };
        let (network, cuts) = (relay.network.subscribe(), relay.cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = SocketAddr::from(([127, 0, 0, 1], port));
                tokio::spawn(pass_on(client, server, network.clone(), cuts.clone()));
            }
        });
        Ok(relay)
    }

    /// The port on 127.0.0.1 to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on the network is so.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Counts requests from now on, and cuts the connection once at the one that `cut` names.
    ///
    /// What a connection says to introduce itself is not counted, nor are connections that listen for notices.
    pub fn cut(&self, cut: Cut) {
        self.cuts.begin(cut);
    }

    /// Ends the counting, and lets everything pass again. Whether there was a cut.
    #[must_use]
    pub fn heal(&self) -> bool {
        let happened = self.cuts.end();
        self.set(Network::Open);
        happened
    }
}

async fn pass_on(client: TcpStream, server: SocketAddr, mut network: Receiver<Network>, cuts: Arc<Cuts>) {
    if *network.borrow_and_update() == Network::Broken {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    // Each step waits for an answer: nothing may wait for more to be sent.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client, server) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass_on_whole(client, server, network.clone(), &cuts) => {}
        _ = network.wait_for(|network| *network == Network::Broken) => {}
    }
}

type Halves = (OwnedReadHalf, OwnedWriteHalf);

/// One request and its reply after the other, until the connection begins to listen; then whatever comes.
async fn pass_on_whole(mut client: Halves, mut server: Halves, network: Receiver<Network>, cuts: &Cuts) {
    if step_by_step(&mut client, &mut server, network.clone(), cuts).await.is_none() {
        return;
    }
    let ((client_in, client_out), (server_in, server_out)) = (client, server);
    tokio::select! {
        () = pump(client_in, server_out, network.clone()) => {}
        () = pump(server_in, client_out, network) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: Receiver<Network>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if network.wait_for(|network| *network == Network::Open).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
