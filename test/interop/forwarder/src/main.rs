//! rust-forwarder connect|listen SOCKET NAME COUNT: a node that forwards COUNT numbered trace objects with the crate
//! hermod-tracer, and stays until it is killed.
//!
//For connecting, the crate has a complete forwarder. Its code for listening (its re-forwarder) leaves data points and
//metrics without a reader and stops at the first request for them, so there only its codec, multiplexer, handshake
//! and client are used.

use hermod::forwarder::{ForwarderAddress, ForwarderConfig, TraceForwarder};
use hermod::mux::{
    version_table_v1, ForwardingVersionData, HandshakeMessage, TraceForwardClient,
    PROTOCOL_DATA_POINT, PROTOCOL_EKG, PROTOCOL_HANDSHAKE, PROTOCOL_TRACE_OBJECT,
};
use hermod::protocol::{DetailLevel, Severity, TraceObject};
use hermod::server::datapoint::DataPointMessage;
use pallas_network::multiplexer::{AgentChannel, Bearer, ChannelBuffer, Plexer};
use std::error::Error;
use std::future::pending;
use std::path::PathBuf;
use tokio::net::UnixListener;

const MAGIC: u64 = 764_824_073;
const OBJECTS_A_REPLY: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, socket, name, count] = arguments.as_slice() else {
        return Err("usage: rust-forwarder connect|listen SOCKET NAME COUNT".into());
    };
    let objects = (0..count.parse()?).map(|number| numbered(name, number));
    match mode.as_str() {
        "connect" => connect(socket.into(), name, objects).await,
        "listen" => listen(socket.into(), name, objects.collect()).await,
        _ => Err("the first argument is connect or listen".into()),
    }
}

fn numbered(host: &str, number: usize) -> TraceObject {
    TraceObject {
        to_human: (number % 2 == 0).then(|| format!("number {number}")),
        to_machine: format!(r#"{{"seq":"{number:012}","host":"{host}"}}"#),
        to_namespace: vec!["Rust".into(), "Numbered".into()],
        to_severity: Severity::Info,
        to_details: DetailLevel::DNormal,
        to_timestamp: chrono::Utc::now(),
        to_hostname: host.into(),
        to_thread_id: "1".into(),
    }
}

async fn connect(
    socket: PathBuf,
    name: &str,
    objects: impl Iterator<Item = TraceObject>,
) -> Result<(), Box<dyn Error>> {
    let forwarder = TraceForwarder::new(ForwarderConfig {
        address: ForwarderAddress::Unix(socket),
        network_magic: MAGIC,
        node_name: Some(name.into()),
        ..Default::default()
    });
    let queue = forwarder.handle();
    let running = tokio::spawn(forwarder.run());
    for object in objects {
        queue.send(object).await?;
    }
    Ok(running.await??)
}

async fn listen(
    socket: PathBuf,
    name: &str,
    objects: Vec<TraceObject>,
) -> Result<(), Box<dyn Error>> {
    let listener = UnixListener::bind(socket)?;
    let (bearer, _) = Bearer::accept_unix(&listener).await?;
    let mut plexer = Plexer::new(bearer);
    let handshake = plexer.subscribe_server(PROTOCOL_HANDSHAKE);
    let traces = plexer.subscribe_server(PROTOCOL_TRACE_OBJECT);
    let data_points = plexer.subscribe_server(PROTOCOL_DATA_POINT);
    let _metrics_unanswered = plexer.subscribe_server(PROTOCOL_EKG);
    let _running = plexer.spawn();

    shake_hands(handshake).await?;
    let node_info = format!(r#"{{"niName":"{name}"}}"#).into_bytes();
    tokio::spawn(answer_data_points(data_points, node_info));
    let mut client = TraceForwardClient::new(traces);
    for batch in objects.chunks(OBJECTS_A_REPLY) {
        client.handle_request(batch.to_vec()).await?;
    }
    pending().await
}

async fn shake_hands(channel: AgentChannel) -> Result<(), Box<dyn Error>> {
    let mut channel = ChannelBuffer::new(channel);
    let ours = version_table_v1(MAGIC);
    let HandshakeMessage::Propose(theirs) = channel.recv_full_msg().await? else {
        return Err("no proposal".into());
    };
    let version = theirs.keys().filter(|version| ours.contains_key(version)).max();
    let accept = HandshakeMessage::Accept(
        *version.ok_or("no version in common")?,
        ForwardingVersionData { network_magic: MAGIC },
    );
    Ok(channel.send_msg_chunks(&accept).await?)
}

async fn answer_data_points(channel: AgentChannel, node_info: Vec<u8>) {
    let mut channel = ChannelBuffer::new(channel);
    while let Ok(DataPointMessage::Request(names)) = channel.recv_full_msg().await {
        let values = names.into_iter().map(|name| {
            let value = (name == "NodeInfo").then(|| node_info.clone());
            (name, value)
        });
        let reply = DataPointMessage::Reply(values.collect());
        if channel.send_msg_chunks(&reply).await.is_err() {
            return;
        }
    }
}
