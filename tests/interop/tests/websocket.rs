//! async-tungstenite on the loop, server and client, over real sockets. It is written
//! for the `futures-io` traits, so a `TcpStream` is all that it needs.

#[path = "../../support/mod.rs"]
mod support;

use std::net::SocketAddr;

use async_tungstenite::tungstenite::error::{Error, ProtocolError};
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::{Bytes, Message};
use async_tungstenite::{WebSocketStream, accept_async, client_async};
use futures_lite::StreamExt;
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{JoinHandle, join_all, spawn};
use support::on_loop;

type Socket = WebSocketStream<TcpStream>;

/// Around the three encodings of a frame's length, and up to 1 MB.
const SIZES: [usize; 8] = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1_000_000];

/// Sends back each text and each binary message, until the client closes. Returns
/// how many there were.
async fn echo(stream: TcpStream) -> Result<usize, Error> {
    let (mut socket, mut count) = (accept_async(stream).await?, 0);
    while let Some(message) = socket.try_next().await? {
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
            count += 1;
        }
    }
    Ok(count)
}

async fn connect(address: SocketAddr) -> Socket {
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(format!("ws://{address}/echo"), stream).await.unwrap().0
}

/// Both ends of one connection: the server's is a task.
async fn served_by<F>(server: impl FnOnce(TcpStream) -> F) -> (Socket, JoinHandle<F::Output>)
where
    F: Future + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = spawn(connect(listener.local_addr().unwrap()));
    let (stream, _peer) = listener.accept().await.unwrap();
    let server = spawn(server(stream));
    (client.await.unwrap(), server)
}

/// A text and bytes of this size, another one for each client.
fn messages(client: usize, size: usize) -> [Message; 2] {
    let bytes: Vec<u8> = (0..size).map(|i| (i * 31 + i / 251 + client) as u8).collect();
    let text: String = bytes.iter().map(|byte| char::from(b' ' + byte % 95)).collect();
    [Message::text(text), Message::binary(bytes)]
}

#[test]
fn texts_and_bytes_of_all_sizes_come_back_unchanged_on_ten_connections() {
    on_loop(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients = (0..10).map(|number| async move {
            let mut socket = connect(address).await;
            for message in SIZES.into_iter().flat_map(|size| messages(number, size)) {
                let size = message.len();
                socket.send(message.clone()).await.unwrap();
                let answer = socket.next().await.unwrap().unwrap();
                assert!(answer == message, "client {number}: other {size} bytes came back");
            }
            socket.close(None).await.unwrap();
            while socket.try_next().await.unwrap().is_some() {}
        });
        let servers = (0..10).map(|_| async {
            let (stream, _peer) = listener.accept().await.unwrap();
            spawn(echo(stream)).await.unwrap().unwrap()
        });
        let (counts, _) = futures_lite::future::zip(join_all(servers), join_all(clients)).await;
        assert_eq!(counts, [2 * SIZES.len(); 10]);
    });
}

#[test]
fn a_ping_is_answered_by_a_pong_with_the_same_bytes() {
    on_loop(|| async {
        let (mut client, _server) = served_by(echo).await;
        for size in [0, 1, 125] {
            let payload = Bytes::from(vec![b'p'; size]);
            client.send(Message::Ping(payload.clone())).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(payload));
        }
    });
}

/// More than the system's buffers hold: so the sender must wait to write while the
/// receiver waits to read, at the same socket, with wakers of async-tungstenite's
/// own. If one wait pushed the other aside, both ends would wait for each other.
#[test]
fn the_halves_of_a_connection_work_in_two_tasks() {
    const COUNT: u8 = 4;
    const SIZE: usize = 12_000_000;
    on_loop(|| async {
        let (client, server) = served_by(echo).await;
        let (mut sender, mut receiver) = client.split();
        let sending = spawn(async move {
            for number in 0..COUNT {
                sender.send(Message::binary(vec![number; SIZE])).await.unwrap();
            }
            sender.close(None).await.unwrap();
        });
        for number in 0..COUNT {
            let message = receiver.next().await.unwrap().unwrap();
            let same = message == Message::binary(vec![number; SIZE]);
            assert!(same, "message {number} came back changed, or in another order");
        }
        assert!(receiver.next().await.unwrap().unwrap().is_close());
        sending.await.unwrap();
        assert_eq!(server.await.unwrap().unwrap(), usize::from(COUNT));
    });
}

#[test]
fn a_close_reaches_the_other_end_with_its_reason_and_comes_back() {
    on_loop(|| async {
        let (mut client, server) = served_by(async |stream| {
            let mut socket = accept_async(stream).await.unwrap();
            let close = socket.next().await.unwrap().unwrap();
            (close, socket.next().await.is_none())
        })
        .await;
        let why = CloseFrame { code: CloseCode::Away, reason: "good night".into() };
        client.close(Some(why.clone())).await.unwrap();
        assert_eq!(server.await.unwrap(), (Message::Close(Some(why.clone())), true));
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Close(Some(why)));
        assert!(client.next().await.is_none(), "nothing comes after the close");
    });
}

#[test]
fn a_server_that_is_aborted_is_noticed_by_its_client() {
    on_loop(|| async {
        let (mut client, server) = served_by(echo).await;
        client.send(Message::text("are you there?")).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("are you there?"));
        server.abort();
        let error = client.next().await.unwrap().unwrap_err();
        let gone = matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
        assert!(gone, "the socket is closed by its drop, without a farewell: {error}");
    });
}
