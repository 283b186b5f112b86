//! The scenario of `role = "demo"`: a real server, real clients, and attackers at either end.
//!
//! Every refusal shown is made by sending real bytes through the transport. One attack succeeds,
//! because this dialect cannot prevent it, and the scenario says so.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::scene::{Scene, failed};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::system::{Event, Failure, Host, Report, RunError};
use pqfw_framework::transport::{BoxFuture, Connection, Listener, StreamService};

use crate::client;
use crate::config::Bounds;
use crate::console;
use crate::frame;
use crate::pickle;
use crate::server::Server;
use crate::trust::{ServerKeys, Trust};
use crate::wire::{Bundle, Greeting};

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(host: Host, bounds: Bounds) -> Result<(), RunError> {
    let mut cast = Cast {
        scene: Scene::new(host.world.clone(), host.report.clone()),
        host,
        bounds,
    };
    cast.plain().await?;
    cast.signed().await
}

/// A command that a Python peer would run on reading this, if it used `pickle.loads`.
const EVIL_PICKLE: &[u8] = b"cos\nsystem\n(S'id'\ntR.";
/// The same in protocol 4's clothes.
const EVIL_PICKLE_4: &[u8] = b"\x80\x04cos\nsystem\n\x8c\x02id\x85R.";

/// Who plays.
struct Cast {
    scene: Scene,
    host: Host,
    bounds: Bounds,
}

impl Cast {
    /// A server whose key nobody vouches for.
    async fn plain(&mut self) -> Result<(), RunError> {
        self.scene
            .step("the server makes its key, a client receives it");
        let keys = ServerKeys::generate(&self.host.suite, None, &mut *self.host.world.rng())?;
        let (listener, heard, at) = self.serve(keys).await?;
        self.scene.fact("server", listener.url());
        let (session, connection) = client::open(&at, Trust::default(), self.bounds).await?;
        let suite = self.host.suite.clone();
        let kem = &suite.kem;
        self.scene.fact(
            "KEM key",
            &format!(
                "{} bytes of {}",
                kem.sizes().encapsulation_key,
                kem.info().id
            ),
        );
        let warning = session.server().warning();
        self.scene
            .passed(&warning.ok_or_else(|| failed("an unsigned key was believed"))?);

        self.scene
            .step("three messages, each under an encapsulation of its own");
        let lines = ["hello", "aß😀", "exit"];
        let mut frames = Vec::new();
        for line in lines {
            frames.push(session.say(line, &mut *self.host.world.rng())?);
        }
        let first = frames.first().cloned().unwrap_or_default();
        self.scene.fact(
            "on the wire",
            &format!("{} bytes for the {} of `hello`", first.len(), "hello".len()),
        );
        let events = converse(connection, &frames, &heard).await?;
        let mut expected: Vec<_> = lines.map(console::decrypted).to_vec();
        expected.push(console::CLIENT_EXIT.into());
        let said = events.iter().filter_map(|event| match event {
            Event::Line(line) => Some(line.as_str()),
            _ => None,
        });
        let said: Vec<_> = said.skip(GREETING_LINES).collect();
        if said != expected {
            return Err(failed(format!("the server heard {said:?}")));
        }
        self.scene
            .passed("the server read all three, and `exit` ended the session");

        self.scene
            .step("attack: one byte of a message is changed on its way");
        let tampered = self.tampered(&first)?;
        self.refused(&at, &tampered, &heard, "does not decrypt")
            .await?;

        self.scene
            .step("attack: pickles that would run a command at a Python peer");
        let evil = frame::encode(EVIL_PICKLE, self.bounds.frame_bytes).map_err(failed)?;
        self.refused(&at, &evil, &heard, "the opcode GLOBAL at byte 0")
            .await?;
        let evil = frame::encode(EVIL_PICKLE_4, self.bounds.frame_bytes).map_err(failed)?;
        self.refused(&at, &evil, &heard, "the opcode GLOBAL at byte 2")
            .await?;

        self.scene
            .step("what this dialect cannot refuse: the first message, recorded, once more");
        let (_, connection) = client::open(&at, Trust::default(), self.bounds).await?;
        let events = converse(connection, &[first], &heard).await?;
        if !events.contains(&Event::Line(console::decrypted("hello"))) {
            return Err(failed("the recorded message was not read"));
        }
        self.scene
            .passed("read again, as MLT-4 says at every start; the server lives on");
        listener.shutdown().await;
        Ok(())
    }

    /// A server whose key is signed, and what an attacker makes of that.
    async fn signed(&mut self) -> Result<(), RunError> {
        self.scene
            .step("a server that signs its key, a client that pinned it");
        let suite = self.host.suite.clone();
        let signing = suite.signature.generate(&mut *self.host.world.rng());
        let signing = signing.map_err(failed)?;
        let keys = self.sign_with(&signing)?;
        let real = keys.greeting.clone();
        let fingerprint = keys.fingerprint.clone();
        let fingerprint =
            fingerprint.ok_or_else(|| failed("the signing key has no fingerprint"))?;
        let (listener, _, at) = self.serve(keys).await?;
        self.scene.fact("signed with", &suite.signature.info().id);
        self.scene.fact(
            "first frame",
            &format!("{} bytes", real.payload(&suite).len()),
        );
        let trust = Trust {
            signed: true,
            pins: vec![fingerprint.clone()],
        };
        let (session, connection) = client::open(&at, trust.clone(), self.bounds).await?;
        if session.server().warning().is_some() {
            return Err(failed("a pinned key was warned about"));
        }
        drop(connection);
        listener.shutdown().await;
        self.scene.passed(&format!("it is {fingerprint}"));

        let stranger = suite.signature.generate(&mut *self.host.world.rng());
        let stranger = self.sign_with(&stranger.map_err(failed)?)?.greeting;
        let (forged, unsigned) = forgeries(&real, &stranger)?;
        for (title, greeting, words) in [
            (
                "attack: another KEM key below the server's signature",
                forged,
                "does not verify",
            ),
            (
                "attack: another KEM key, the signature taken away",
                unsigned,
                "is not signed",
            ),
            (
                "attack: another server, with a good signature of its own",
                stranger,
                "none of `mlkem-tcp.pins`",
            ),
        ] {
            self.scene.step(title);
            self.disbelieved(&greeting, &trust, words).await?;
        }
        Ok(())
    }

    fn sign_with(&self, signing: &SigningKey) -> Result<ServerKeys, RunError> {
        let mut rng = self.host.world.rng();
        Ok(ServerKeys::generate(
            &self.host.suite,
            Some(signing),
            &mut *rng,
        )?)
    }

    /// A server of these keys, what it tells, and a host for its clients.
    async fn serve(
        &self,
        keys: ServerKeys,
    ) -> Result<(Box<dyn Listener>, Arc<Heard>, Host), RunError> {
        let heard = Arc::new(Heard::default());
        let (suite, world) = (self.host.suite.clone(), self.host.world.clone());
        let server = Server::new(suite, keys, self.bounds, world, heard.clone());
        let (listener, at) = self.listen(Arc::new(server)).await?;
        Ok((listener, heard, at))
    }

    async fn listen(
        &self,
        service: Arc<dyn StreamService>,
    ) -> Result<(Box<dyn Listener>, Host), RunError> {
        let mut at = self.host.clone();
        at.report = Arc::new(Heard::default());
        at.settings.listen = at.transport.loopback().into();
        let listener = at
            .transport
            .serve_stream(&at.settings, service, at.world.clone());
        let listener = listener.await?;
        at.settings.connect = listener.url().to_owned();
        Ok((listener, at))
    }

    /// The same message with one bit of its ciphertext turned.
    fn tampered(&self, frame: &[u8]) -> Result<Vec<u8>, RunError> {
        let payload = frame.get(4..).unwrap_or_default();
        let limits = pickle::Limits::default();
        let mut bundle = Bundle::read(&self.host.suite, payload, &limits).map_err(failed)?;
        if let Some(byte) = bundle.ciphertext.first_mut() {
            *byte ^= 1;
        }
        frame::encode(&bundle.payload(), self.bounds.frame_bytes).map_err(failed)
    }

    /// Sends a frame that the server must refuse with these words.
    async fn refused(
        &self,
        at: &Host,
        frame: &[u8],
        heard: &Heard,
        words: &str,
    ) -> Result<(), RunError> {
        let (_, connection) = client::open(at, Trust::default(), self.bounds).await?;
        let events = converse(connection, &[frame.to_vec()], heard).await?;
        let warning = events.into_iter().find_map(|event| match event {
            Event::Warning(text) => Some(text),
            _ => None,
        });
        match warning {
            Some(text) if text.contains(words) => {
                let reason = text
                    .split_once(" is over: ")
                    .map_or(&*text, |(_, reason)| reason);
                self.scene.passed(&format!("refused: {reason}"));
                Ok(())
            }
            other => Err(failed(format!(
                "expected `{words}`, the server said {other:?}"
            ))),
        }
    }

    /// Shows a client a greeting that it must refuse with these words.
    async fn disbelieved(
        &self,
        greeting: &Greeting,
        trust: &Trust,
        words: &str,
    ) -> Result<(), RunError> {
        let payload = greeting.payload(&self.host.suite);
        let frame = frame::encode(&payload, self.bounds.frame_bytes).map_err(failed)?;
        let (listener, at) = self.listen(Arc::new(Impostor(frame))).await?;
        let opened = client::open(&at, trust.clone(), self.bounds).await;
        listener.shutdown().await;
        match opened {
            Err(error) if error.failure == Failure::Authentication => {
                if !error.message.contains(words) {
                    return Err(failed(format!(
                        "expected `{words}`, the client said {error}"
                    )));
                }
                self.scene.passed(&format!("refused: {error}"));
                Ok(())
            }
            Err(error) => Err(failed(error)),
            Ok(_) => Err(failed("the attack succeeded")),
        }
    }
}

/// What a server tells before a client has said anything.
const GREETING_LINES: usize = 2;

/// Sends frames, waits until the server is done with them, and gives what it told.
async fn converse(
    mut connection: Connection,
    frames: &[Vec<u8>],
    heard: &Heard,
) -> Result<Vec<Event>, RunError> {
    for frame in frames {
        connection.writer.write_all(frame).await?;
    }
    // A server that refuses closes first: then there is nothing left to end.
    let _ = connection.writer.finish().await;
    let mut buffer = [0; 64];
    while let Ok(1..) = connection.reader.read(&mut buffer).await {}
    Ok(heard.take())
}

/// The real server's signature over a stranger's key, and the stranger's key alone.
fn forgeries(real: &Greeting, stranger: &Greeting) -> Result<(Greeting, Greeting), RunError> {
    match (real, stranger) {
        (
            Greeting::Signed {
                sign, signature, ..
            },
            Greeting::Signed { kem, .. },
        ) => {
            let forged = Greeting::Signed {
                kem: kem.clone(),
                sign: sign.clone(),
                signature: signature.clone(),
            };
            Ok((forged, Greeting::Plain { kem: kem.clone() }))
        }
        _ => Err(failed("a key is not signed")),
    }
}

/// A server in the attacker's hands: sends its frame, and waits.
struct Impostor(Vec<u8>);

impl StreamService for Impostor {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        let frame = self.0.clone();
        Box::pin(async move {
            // The client is expected to go.
            let _ = connection.writer.write_all(&frame).await;
            let _ = connection.reader.read(&mut [0]).await;
        })
    }
}

/// The demo's ends tell the scene, and the scene tells.
#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Heard {
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Report for Heard {
    fn event(&self, event: &Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
    }
}
