//! The scenario of `role = "demo"` in this dialect: a server, two clients, a stranger, and an
//! attacker who holds the wire.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::scene::{Scene, failed};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Host, RunError};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamService, StreamWriter, TransportError,
};
use pqfw_session::stream::Secure;
use pqfw_session::{Config as Channel, Identity, PeerCheck, PinnedPeers};

use super::PROTOCOL;
use super::client::Caller;
use super::error::ChatError;
use super::heard::Heard;
use super::purpose::Purpose;
use super::server::{Parts, Server, short};
use crate::config::Bounds;
use crate::console;
use pqfw_framework::waiting::within;

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(policy: &str, bounds: Bounds, mut host: Host) -> Result<(), RunError> {
    let suites: Vec<Suite> = std::iter::once(&host.suite)
        .chain(&host.alternatives)
        .cloned()
        .collect();
    let people = [(); 4].map(|()| identities(&suites, &host));
    let [server_is, alice_is, bob_is, stranger_is] = people;
    let (server_is, alice_is, bob_is) = (server_is?, alice_is?, bob_is?);
    let (known, server) = (
        [fingerprints(&alice_is), fingerprints(&bob_is)].concat(),
        fingerprints(&server_is),
    );
    let end = |identities, peers: &[Fingerprint]| {
        let peers: Arc<dyn PeerCheck> = Arc::new(PinnedPeers::new(peers.to_vec()));
        let suites = suites.clone();
        let channel = Channel::new(PROTOCOL.into(), policy.into(), suites, identities, peers);
        channel.map(Arc::new).map_err(failed)
    };
    host.settings.listen = host.transport.loopback().into();
    if !host.transport.needs_tls() {
        host.settings.tls = None;
    }
    let echo = host
        .transport
        .serve_stream(&host.settings, Arc::new(Echo), host.world.clone())
        .await?;
    let name = host.transport.info().name;
    let heard = Arc::new(Heard::default());
    let service = Arc::new(Server::new(Parts {
        channel: end(server_is, &known)?,
        bounds,
        world: host.world.clone(),
        report: heard.clone(),
        allow: vec![echo.url().to_owned()],
        transports: [(name, host.transport.clone())].into(),
        settings: host.settings.clone(),
        output: None,
    }));
    let listener = host
        .transport
        .serve_stream(&host.settings, service.clone(), host.world.clone())
        .await?;
    host.settings.connect = listener.url().to_owned();
    let caller = |channel| Caller {
        host: host.clone(),
        channel,
        bounds,
    };
    let mut cast = Cast {
        alice: caller(end(alice_is, &server)?),
        bob: caller(end(bob_is, &server)?),
        stranger: caller(end(stranger_is?, &server)?),
        target: echo.url().to_owned(),
        scene: Scene::new(host.world.clone(), host.report.clone()),
        service: service.clone(),
        heard,
        host: host.clone(),
        bounds,
    };
    let played = cast.play().await;
    service.close();
    listener.shutdown().await;
    echo.shutdown().await;
    played
}

/// Bytes of the forwarded conversation.
const FORWARDED: usize = 100_000;

struct Cast {
    alice: Caller,
    bob: Caller,
    stranger: Caller,
    target: String,
    scene: Scene,
    service: Arc<Server>,
    heard: Arc<Heard>,
    host: Host,
    bounds: Bounds,
}

impl Cast {
    async fn play(&mut self) -> Result<(), RunError> {
        let (mut alice, mut bob) = self.talk().await?;
        self.attacks(&mut alice).await?;
        self.forwarding().await?;

        self.scene
            .step("alice and bob say goodbye, and the end of each is proved");
        for client in [&mut alice, &mut bob] {
            let inside = &mut client.connection;
            inside.writer.finish().await?;
            let read = self.soon(inside.reader.read(&mut [0])).await??;
            if read != 0 {
                return Err(failed("the server said something after the end"));
            }
        }
        self.scene.passed("close_notify both ways");
        Ok(())
    }

    async fn talk(&mut self) -> Result<(Secure, Secure), RunError> {
        self.scene
            .step("alice and bob connect: both ends of each channel prove who they are");
        let url = self.host.settings.connect.clone();
        self.scene.fact("server", &url);
        let wire = Wire::default();
        let mut alice = self.open(&self.alice, &Purpose::Chat, &wire).await?;
        let mut bob = self
            .open(&self.bob, &Purpose::Chat, &Wire::default())
            .await?;
        self.scene.fact("suite", &alice.suite);
        self.scene.fact("peer", &alice.peer.to_string());
        let (sent, came) = wire.bytes();
        self.scene
            .fact("handshake", &format!("{sent} bytes sent, {came} received"));
        self.scene
            .passed("the server is the pinned one, and knows both of them");

        self.scene.step("messages both ways");
        for (caller, client, text) in [
            (&self.alice, &mut alice, "hello"),
            (&self.bob, &mut bob, "aß😀"),
        ] {
            self.say(caller, client, text).await?;
        }
        self.hears_all("welcome, both", &mut [&mut alice, &mut bob])
            .await?;
        self.scene
            .passed("the server read two lines, and both read the server's");

        self.scene.step("new keys, while the conversation goes on");
        alice.control.key_update(true).map_err(failed)?;
        self.say(&self.alice, &mut alice, "under a new key").await?;
        let fresh = alice.control.fresh_exchange().map_err(failed)?;
        self.say(&self.alice, &mut alice, "a fresh KEM exchange")
            .await?;
        self.hears_all("so do I", &mut [&mut alice, &mut bob])
            .await?;
        if !fresh {
            return Err(failed("no fresh exchange began"));
        }
        self.scene
            .passed("key_update both ways, and a fresh KEM exchange");
        Ok((alice, bob))
    }

    async fn attacks(&mut self, alice: &mut Secure) -> Result<(), RunError> {
        self.scene
            .step("attack: a stranger with a key of its own connects");
        match self
            .open(&self.stranger, &Purpose::Chat, &Wire::default())
            .await
        {
            Err(ChatError::Channel(error)) => self.scene.passed(&format!("refused: {error}")),
            Err(other) => return Err(failed(other)),
            Ok(_) => return Err(failed("the attack succeeded")),
        }
        self.warned("is not accepted").await?;

        self.scene
            .step("attack: one bit of a message is changed on the wire");
        let wire = Wire::default();
        let mut victim = self.open(&self.bob, &Purpose::Chat, &wire).await?;
        wire.flip_next();
        victim.connection.writer.write_all(b"pay 10\n").await?;
        let refused = self.warned("bad_record_mac").await?;
        self.scene.passed(&format!("refused: {refused}"));

        self.scene
            .step("attack: a conversation is cut off in the middle");
        let wire = Wire::default();
        let mut victim = self.open(&self.bob, &Purpose::Chat, &wire).await?;
        self.say(&self.bob, &mut victim, "pay 10, but not before")
            .await?;
        wire.cut_next();
        victim.connection.writer.write_all(b"Monday\n").await?;
        let noticed = self.warned("without close_notify").await?;
        self.scene.passed(&format!("noticed: {noticed}"));

        self.scene.step("a client goes away without a word");
        let mut victim = self
            .open(&self.bob, &Purpose::Chat, &Wire::default())
            .await?;
        self.say(&self.bob, &mut victim, "back in a minute").await?;
        drop(victim);
        let noticed = self.warned("without close_notify").await?;
        self.scene.passed(&format!("noticed: {noticed}"));

        self.scene.step("the other conversations were not touched");
        self.say(&self.alice, alice, "still here").await?;
        self.scene.passed("the server read alice's next line");
        Ok(())
    }

    async fn forwarding(&mut self) -> Result<(), RunError> {
        self.scene
            .step("a connection forwarded through the channel");
        let target = self.target.clone();
        self.scene.fact("target", &target);
        let purpose = Purpose::Forward(target);
        let (opened, rest) = self.soon(self.alice.ask(&purpose)).await??;
        let mut data = vec![0; FORWARDED];
        self.host.world.rng().fill_bytes(&mut data);
        let mut inside = opened.connection;
        let back = self.soon(echoed(&mut inside, &data, rest)).await??;
        if back != data {
            return Err(failed("what came back is not what was sent"));
        }
        self.scene.passed(&format!(
            "{FORWARDED} bytes there and back, each end by itself"
        ));

        self.scene
            .step("a target that the operator has not allowed");
        let other = Purpose::Forward("tcp://192.0.2.1:22".into());
        match self.soon(self.alice.ask(&other)).await? {
            Err(ChatError::Refused(reason)) => self.scene.passed(&format!("refused: {reason}")),
            Err(error) => return Err(failed(error)),
            Ok(_) => return Err(failed("the attack succeeded")),
        }
        Ok(())
    }

    /// Connects over the real transport, with an attacker's hands on the wire.
    async fn open(
        &self,
        caller: &Caller,
        purpose: &Purpose,
        wire: &Wire,
    ) -> Result<Secure, ChatError> {
        let outside = self.host.transport.connect_stream(&self.host.settings);
        let outside = wire.tap(outside.await?);
        caller.open_on(outside, purpose).await
    }

    /// Sends a line, and waits until the server has read it.
    async fn say(&self, caller: &Caller, client: &mut Secure, text: &str) -> Result<(), RunError> {
        let line = format!("{text}\n");
        client.connection.writer.write_all(line.as_bytes()).await?;
        let name = caller.channel.identity_in(&client.suite);
        let name = name.map(|identity| short(identity.fingerprint()));
        let expected = format!("{}: {}", name.unwrap_or_default(), console::escape(text));
        let found = self.heard.until(move |event| match event {
            Event::Line(line) if *line == expected => Some(()),
            _ => None,
        });
        self.soon(found).await
    }

    /// The server says a line; each client reads it.
    async fn hears_all(&self, text: &str, clients: &mut [&mut Secure]) -> Result<(), RunError> {
        self.service.say(text);
        let expected = format!("{text}\n");
        for client in clients {
            let mut buffer = vec![0; expected.len()];
            let mut came = Vec::new();
            while came.len() < expected.len() {
                let read = client.connection.reader.read(&mut buffer);
                let read = self.soon(read).await??;
                if read == 0 {
                    return Err(failed("the server ended the conversation"));
                }
                came.extend_from_slice(buffer.get(..read).unwrap_or_default());
            }
            if came != expected.as_bytes() {
                return Err(failed("a client read something else"));
            }
        }
        Ok(())
    }

    /// Waits until the server has warned in these words.
    async fn warned(&self, words: &'static str) -> Result<String, RunError> {
        let found = self.heard.until(move |event| match event {
            Event::Warning(text) if text.contains(words) => {
                let reason = text.split_once(" is over: ");
                Some(
                    reason
                        .map_or(text.as_str(), |(_, reason)| reason)
                        .to_owned(),
                )
            }
            _ => None,
        });
        self.soon(found).await
    }

    async fn soon<T>(&self, work: impl Future<Output = T>) -> Result<T, RunError> {
        let done = within(&*self.host.world, self.bounds.greeting, work).await;
        done.ok_or_else(|| failed("something did not happen in time"))
    }
}

/// Sends everything while reading what comes back, until both directions have ended.
async fn echoed(
    inside: &mut Connection,
    data: &[u8],
    mut back: Vec<u8>,
) -> Result<Vec<u8>, TransportError> {
    let there = async {
        inside.writer.write_all(data).await?;
        inside.writer.finish().await
    };
    let returning = async {
        let mut buffer = vec![0; 4096];
        loop {
            match inside.reader.read(&mut buffer).await? {
                0 => return Ok(()),
                read => back.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            }
        }
    };
    pqfw_framework::waiting::both(there, returning).await?;
    Ok(back)
}

fn identities(suites: &[Suite], host: &Host) -> Result<Vec<Identity>, RunError> {
    let mut identities: Vec<Identity> = Vec::new();
    for suite in suites {
        let algorithm = &suite.signature.info().id;
        if identities
            .iter()
            .all(|known| known.algorithm() != algorithm)
        {
            let key = suite.signature.generate(&mut *host.world.rng());
            let identity = Identity::new(key.map_err(failed)?, &suite.digest);
            identities.push(identity.map_err(failed)?);
        }
    }
    Ok(identities)
}

fn fingerprints(identities: &[Identity]) -> Vec<Fingerprint> {
    let fingerprints = identities.iter().map(Identity::fingerprint);
    fingerprints.cloned().collect()
}

/// A service behind the server, which says what it is told.
struct Echo;

impl StreamService for Echo {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(read @ 1..) = connection.reader.read(&mut buffer).await {
                let piece = buffer.get(..read).unwrap_or_default();
                if connection.writer.write_all(piece).await.is_err() {
                    return;
                }
            }
            // Whoever does not wait for the end is gone.
            let _ = connection.writer.finish().await;
        })
    }
}

/// An attacker's hands on a wire: counts, and changes one bit when it is told to.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Tap>>);

#[derive(Default)]
struct Tap {
    sent: usize,
    came: usize,
    flip: bool,
    cut: bool,
}

impl Wire {
    fn tap(&self, connection: Connection) -> Connection {
        Connection {
            reader: Box::new(TappedReader(self.clone(), connection.reader)),
            writer: Box::new(TappedWriter(self.clone(), connection.writer)),
            peer: connection.peer,
        }
    }

    fn flip_next(&self) {
        self.with(|tap| tap.flip = true);
    }

    fn cut_next(&self) {
        self.with(|tap| tap.cut = true);
    }

    fn bytes(&self) -> (usize, usize) {
        self.with(|tap| (tap.sent, tap.came))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Tap) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct TappedReader(Wire, Box<dyn StreamReader>);

impl StreamReader for TappedReader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = self.1.read(buffer).await?;
            self.0.with(|tap| tap.came += read);
            Ok(read)
        })
    }
}

struct TappedWriter(Wire, Box<dyn StreamWriter>);

impl StreamWriter for TappedWriter {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        let mut bytes = bytes.to_vec();
        Box::pin(async move {
            let flip = self.0.with(|tap| {
                tap.sent += bytes.len();
                std::mem::take(&mut tap.flip)
            });
            if self.0.with(|tap| tap.cut) {
                return self.1.finish().await;
            }
            if let (true, Some(last)) = (flip, bytes.last_mut()) {
                *last ^= 1;
            }
            self.1.write_all(&bytes).await
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.1.finish()
    }
}
