//! The scenario of `role = "demo"`: two nodes over a real transport, somebody that one of them
//! knows, a stranger, and an attacker who holds the wires.
//!
//! Every refusal shown is made by changing real bytes, or by a real node that is not wanted.

mod party;
mod wire;

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::scene::{Scene, failed};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Failure, Host, RunError};
use pqfw_framework::transport::BoxFuture;

use crate::config::Settings;
use crate::driver::{Driver, First, race};
use crate::node::CallError;
use crate::peer_id::PeerId;
use crate::service::keys::of_somebody_new;
use crate::suites::Suites;
use crate::trust::{TrustMode, Verdict};
use party::Party;
use wire::Attack;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Packets of the transfer, of one batch, and the bytes of each.
const PACKETS: usize = 8192;
const BATCH: usize = 32;
const PACKET_BYTES: usize = 1360;
/// Handshakes and records that one address asks for in the scenario, with some to spare.
const HANDSHAKES: u32 = 10;

/// Plays the scenario, or ends when the operator wants it.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(
    settings: &Settings,
    mut host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    if settings.handshakes_per_minute < HANDSHAKES {
        let text = format!(
            "the demo makes {HANDSHAKES} handshakes a minute from one address: set \
             security.handshake_per_minute_per_ip to that or more"
        );
        return Err(RunError::new(Failure::Usage, text));
    }
    host.settings.listen = host.transport.loopback().into();
    let all = std::iter::once(&host.suite).chain(&host.alternatives);
    let suites = Suites::new(all.cloned().collect::<Vec<Suite>>());
    let suites = suites.map_err(|error| RunError::new(Failure::Usage, error))?;
    let [node, peer, friend, stranger] = [(); 4].map(|()| of_somebody_new(&suites, &host));
    let (node, peer, friend, stranger) = (node?, peer?, friend?, stranger?);
    let knows_all = [node.id(), peer.id(), friend.id()];
    let known = (settings.trust, &knows_all[..]);
    let (node, node_works) = Party::start((&suites, node), known, settings, &host).await?;
    let (peer, peer_works) = Party::start((&suites, peer), known, settings, &host).await?;
    let (friend, friend_works) = Party::start((&suites, friend), known, settings, &host).await?;
    let anybody = (TrustMode::Tofu, &[][..]);
    let (stranger, stranger_works) =
        Party::start((&suites, stranger), anybody, settings, &host).await?;
    let mut cast = Cast {
        node,
        peer,
        friend,
        stranger,
        scene: Scene::new(host.world.clone(), host.report.clone()),
        host,
    };
    let works = race(
        race(fault(node_works), fault(peer_works)),
        race(fault(friend_works), fault(stranger_works)),
    );
    let played = cast.play(settings);
    match race(race(played, stop), works).await {
        First::Left(First::Left(played)) => played,
        First::Left(First::Right(())) => Ok(()),
        First::Right(
            First::Left(First::Left(fault) | First::Right(fault))
            | First::Right(First::Left(fault) | First::Right(fault)),
        ) => Err(fault),
    }
}

/// Has a node work, and gives the fault that ends it.
async fn fault(works: Driver) -> RunError {
    match works.await {
        Ok(()) => pending().await,
        Err(error) => failed(error),
    }
}

struct Cast {
    node: Party,
    peer: Party,
    friend: Party,
    stranger: Party,
    scene: Scene,
    host: Host,
}

impl Cast {
    async fn play(&mut self, settings: &Settings) -> Result<(), RunError> {
        let to = self.handshake(settings).await?;
        self.step("packets both ways");
        let digest = self.transfer(PACKETS, false).await?;
        self.scene.fact(
            "packets",
            &format!("{PACKETS} of {PACKET_BYTES} bytes each way"),
        );
        self.scene.fact("digest", &digest);
        self.rate(2 * PACKETS * PACKET_BYTES);
        self.scene.passed("everything came as it was sent");

        self.step("new keys, while packets go on");
        self.node.node.rekey(self.peer.node.id()).map_err(failed)?;
        let digest = self.transfer(PACKETS, true).await?;
        self.scene.fact("digest", &digest);
        self.frames();
        self.scene
            .passed("a new session at both ends, and not one packet lost");

        self.attacks(settings, to).await?;

        self.step("the sessions that there were did not notice");
        self.transfer(BATCH, false).await?;
        self.scene.passed("everything came as it was sent");

        self.step("the first node says goodbye");
        self.node.node.stop();
        self.peer
            .until("the end of the session", |peer| peer.closed)
            .await?;
        self.scene.passed("the second has heard it");
        Ok(())
    }

    async fn handshake(&mut self, settings: &Settings) -> Result<SocketAddr, RunError> {
        let title = format!(
            "{} calls its peer: both prove who they are",
            settings.nickname
        );
        self.step(&title);
        let suite = &self.host.suite;
        self.scene.fact("suite", &suite.channel_name());
        let (caller, called) = (self.node.node.id(), self.peer.node.id());
        self.scene.fact("node", &caller.to_string());
        self.scene.fact("peer", &called.to_string());
        let (kem, signature) = (suite.kem.sizes(), suite.signature.sizes());
        let keys = format!(
            "{} bytes of KEM, {} of signature",
            kem.encapsulation_key, signature.verifying_key
        );
        self.scene.fact("public keys", &keys);
        let to = address(self.peer.node.url())?;
        let connected = self.node.node.connect("peer", to, Some(called));
        connected.map_err(failed)?;
        let is_up = |id: PeerId| move |party: &Party| party.ups.iter().any(|(up, _)| *up == id);
        self.node.until("a session", is_up(called)).await?;
        self.peer.until("a session", is_up(caller)).await?;
        self.frames();
        self.scene
            .passed("a session, whose keys only these two have");
        Ok(to)
    }

    async fn attacks(&mut self, settings: &Settings, to: SocketAddr) -> Result<(), RunError> {
        let called = self.peer.node.id();
        self.step("attack: one bit of a packet is changed on the wire");
        let before = self.peer.node.counts().refused("data");
        self.node.wire.attack(Attack::Data);
        self.node
            .node
            .send(called, 0, vec![packet(0, &[])])
            .await
            .map_err(failed)?;
        self.refused("data", before).await?;

        self.step("attack: S1 is changed by somebody on the path, who makes its MAC right again");
        let before = self.peer.node.counts().refused("handshake");
        self.friend.wire.attack(Attack::Opening);
        let connected = self.friend.node.connect("peer", to, Some(called));
        connected.map_err(failed)?;
        self.refused("handshake", before).await?;
        if !self.friend.wire.has_attacked() || self.friend.node.is_up(called) {
            return Err(failed("the attack succeeded"));
        }

        self.step("attack: another node answers than the one that is pinned");
        let pinned = self.node.node.id();
        let connected = self.stranger.node.connect("pinned", to, Some(pinned));
        connected.map_err(failed)?;
        let failures = |party: &Party| !party.failures.is_empty();
        self.stranger.until("a refusal", failures).await?;
        match self.stranger.failures.first() {
            Some(why @ CallError::OtherPeer(other)) if *other == called => {
                self.scene.passed(&format!("refused: {why}"));
            }
            other => return Err(failed(format!("another failure: {other:?}"))),
        }

        self.step("a stranger calls, with keys of its own");
        let before = self.peer.node.counts().refused("untrusted");
        let connected = self.stranger.node.connect("peer", to, Some(called));
        connected.map_err(failed)?;
        if settings.trust == TrustMode::Tofu {
            let who = self.stranger.node.id();
            let met = move |party: &Party| party.ups.contains(&(who, Verdict::FirstUse));
            self.peer.until("a session on first use", met).await?;
            self.scene
                .passed("accepted on first use, as peers.mode says: it gets no addresses");
            return Ok(());
        }
        self.refused("untrusted", before).await
    }

    /// Waits until the second node has refused.
    async fn refused(&self, kind: &str, before: u64) -> Result<(), RunError> {
        let why = self.peer.refuses(kind, before).await?;
        self.scene.passed(&format!("refused: {why}"));
        Ok(())
    }

    /// Sends packets both ways in batches, until there were so many and, where that is wanted, both
    /// ends have new keys; gives the digest of what was received, when it is that of what was sent.
    async fn transfer(&mut self, count: usize, rekeys: bool) -> Result<String, RunError> {
        let digest = self.host.suite.digest.clone();
        let (mut sent, mut received) = (digest.start(), digest.start());
        let before = [self.node.rekeyed, self.peer.rekeyed];
        let mut number = 0;
        while number < count || (rekeys && !self.has_rekeyed(before)) {
            let mut content = vec![0; PACKET_BYTES];
            self.host.world.rng().fill_bytes(&mut content);
            let batch = (number..number + BATCH).map(|number| packet(number, &content));
            let batch: Vec<_> = batch.collect();
            number += BATCH;
            carry(&self.node, &mut self.peer, &batch).await?;
            batch.iter().for_each(|packet| sent.update(packet));
            let came = &self.peer.packets;
            came.iter().for_each(|packet| received.update(packet));
            carry(&self.peer, &mut self.node, &batch).await?;
            batch.iter().for_each(|packet| sent.update(packet));
            let came = &self.node.packets;
            came.iter().for_each(|packet| received.update(packet));
        }
        let mut digests = [
            vec![0; digest.sizes().digest],
            vec![0; digest.sizes().digest],
        ];
        let [of_sent, of_received] = &mut digests;
        sent.finish(of_sent);
        received.finish(of_received);
        match of_sent == of_received {
            true => Ok(of_received
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()),
            false => Err(failed("what came is not what was sent")),
        }
    }

    fn has_rekeyed(&self, [node, peer]: [usize; 2]) -> bool {
        self.node.rekeyed > node && self.peer.rekeyed > peer
    }

    fn step(&mut self, title: &str) {
        for party in [&self.node, &self.peer, &self.friend, &self.stranger] {
            party.wire.seen();
        }
        self.scene.step(title);
    }

    /// What the first node has sent and received, by kind.
    fn frames(&self) {
        for (kind, frames, bytes) in self.node.wire.seen() {
            self.scene
                .fact(kind, &format!("{frames} frames, {bytes} bytes"));
        }
    }

    fn rate(&self, bytes: usize) {
        let micros = self.scene.elapsed().as_micros().max(1);
        let bits = u128::try_from(bytes).unwrap_or(u128::MAX).saturating_mul(8);
        self.scene
            .fact("rate", &format!("{} Mbit/s", bits / micros));
    }
}

/// Sends packets, and waits until as many have come.
async fn carry(from: &Party, to: &mut Party, batch: &[Vec<u8>]) -> Result<(), RunError> {
    to.packets.clear();
    let sent = from.node.send(to.node.id(), 0, batch.to_vec());
    sent.await.map_err(failed)?;
    let all = |party: &Party| party.packets.len() >= batch.len();
    let what = "every packet; some are lost (is network.udp_recv_buffer_size too small?)";
    to.until(what, all).await
}

/// An IPv4 packet with a number in it.
fn packet(number: usize, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; PACKET_BYTES];
    for (to, from) in packet.iter_mut().zip(content) {
        *to = *from;
    }
    let [.., high, low] = PACKET_BYTES.to_be_bytes();
    let head = [0x45, 0, high, low];
    let number = number.to_be_bytes();
    for (to, from) in packet.iter_mut().zip(head.iter().chain(&number)) {
        *to = *from;
    }
    packet
}

/// The address in a socket's URL.
fn address(url: &str) -> Result<SocketAddr, RunError> {
    let after = url.split_once(':').map_or(url, |(_, after)| after);
    let parsed = after.trim_start_matches('/').parse();
    parsed.map_err(|_| failed(format!("{url} is not reached by an IP address and a port")))
}
