//! What stands between a node and its Redis: the network, which can stop, and break.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch::{Receiver, Sender},
};

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Everything passes.
    Open,
    /// Connections stay, and nothing passes.
    Still,
    /// There are no connections, and no new ones.
    Broken,
}

/// Passes on what comes to a port of its own.
pub(crate) struct Relay {
    pub(crate) port: u16,
    network: Sender<Network>,
}

impl Relay {
    /// Leads to `port` of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), network: Sender::new(Network::Open) };
        let network = relay.network.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, SocketAddr::from(([127, 0, 0, 1], port)), network.clone()));
            }
        });
        relay
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn pass_on(client: TcpStream, server: SocketAddr, mut network: Receiver<Network>) {
    if *network.borrow_and_update() == Network::Broken {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(client_in, server_out, network.clone()) => {}
        () = pump(server_in, client_out, network.clone()) => {}
        _ = network.wait_for(|network| *network == Network::Broken) => {}
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
