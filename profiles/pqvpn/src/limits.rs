//! Every bound of the protocol, in one place: the numbers of `docs/protocols/pqvpn.md`.

use std::time::Duration;

/// The largest UDP payload of a control frame: 1280 of IPv6 (RFC 8200 section 5) without the heads
/// of IPv6 and UDP.
pub const MOST_DATAGRAM: usize = 1232;
/// The least that a request without state behind it weighs, so that its answer is no amplification
/// (RFC 9000 section 8.1).
pub const LEAST_REQUEST: usize = 1200;
/// The longest handshake message. An S1 with a rotation statement is 19.8 kB with the suite that is
/// shipped, 84.3 kB with FrodoKEM-1344 and 114 kB with SLH-DSA-256f in it; with both it does not fit.
pub const MOST_MESSAGE: usize = 131_072;
/// What a message holds at most beside keys, ciphertexts, signatures and a rotation statement.
pub const MOST_MESSAGE_REST: usize = 1024;
/// What a rotation statement holds at most beside a key and a signature.
pub const MOST_ROTATION_REST: usize = 128;
/// The most suites in an offer.
pub const MOST_SUITES: usize = 16;
/// The most sender shards of one direction: the low bits of an index.
pub const MOST_SHARDS: u8 = 16;

/// How long the token of a RETRY or of an S2 is good.
pub const TOKEN_SECS: u32 = 30;
/// How long one secret makes tokens; it is kept for as long again.
pub const SECRET_LIFETIME: Duration = Duration::from_secs(60);
/// The most tokens that are remembered as spent. More are refused: forgetting one would let its S1
/// be replayed.
pub const MOST_SPENT: usize = 65_536;

/// The most messages that are being put together, in all: the oldest makes room.
pub const MOST_SLOTS: usize = 4096;
/// The most bytes that these may come to, in all: the oldest make room.
pub const MOST_SLOT_BYTES: usize = 96 << 20;
/// The most of one address.
pub const MOST_SLOTS_OF_ADDRESS: usize = 8;
/// The most of one site, an IPv6 /48.
pub const MOST_SLOTS_OF_SITE: usize = 64;
/// How long a message may take to arrive.
pub const SLOT_LIFETIME: Duration = Duration::from_secs(2);
/// The most addresses, and the most sites, whose rate is watched: the oldest makes room.
pub const MOST_RATED: usize = 16_384;
/// How many times an address's rate a site has, an IPv6 /48.
pub const SITE_FACTOR: u32 = 16;

/// How long an S2 is kept for those that ask again, and how many are.
pub const ANSWER_LIFETIME: Duration = Duration::from_secs(5);
/// See [`ANSWER_LIFETIME`].
pub const MOST_ANSWERED: usize = 1024;
/// How often an S2 is sent again at most.
pub const ANSWER_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// The most answers that are being computed, and how many are where nobody says otherwise.
pub const MOST_ANSWERING: usize = 32;

/// How long a job may take; after that it counts as lost.
pub const JOB_LIFETIME: Duration = Duration::from_secs(10);

/// The wait before the first repetition; it doubles each time.
pub const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The most repetitions of one message.
pub const MOST_RETRIES: u32 = 5;
/// The wait before calling again a peer that did not answer; it doubles up to [`CALL_AGAIN_MOST`].
pub const CALL_AGAIN_FIRST: Duration = Duration::from_secs(5);
/// See [`CALL_AGAIN_FIRST`].
pub const CALL_AGAIN_MOST: Duration = Duration::from_secs(60);
/// The most calls under way.
pub const MOST_CALLS: usize = 256;
/// The most peers of one node.
pub const MOST_PEERS: usize = 4096;
/// The most packets that wait for a session.
pub const MOST_QUEUED: usize = 64;

/// Counters of one epoch: 2^20.
pub const EPOCH_BITS: u32 = 20;
/// How many epochs ahead of the newest a receiver derives: 16 minutes of silence, longer than a
/// session is meant to live.
pub const EPOCHS_AHEAD: u64 = 8;
/// So many frames in a row beyond the reach of one shard ask for a new session.
pub const MOST_OUT_OF_REACH: u64 = 1 << 16;
/// After how long a sender goes on with the next epoch.
pub const EPOCH_LIFETIME: Duration = Duration::from_secs(120);
/// How long the key of the epoch before, and former sessions, are kept for what is on its way.
pub const PREVIOUS_LIFETIME: Duration = Duration::from_secs(30);
/// The most former sessions of a peer: the oldest goes.
pub const MOST_FORMER: usize = 3;
/// How long a responder waits for the first frame of a session.
pub const HALF_OPEN_LIFETIME: Duration = Duration::from_secs(20);
/// Counters from here on are never sealed.
pub const LAST_COUNTER: u64 = u64::MAX - (1 << 21);

/// The largest inner packet: the most that UDP over IPv4 carries, without the frame.
pub const MOST_PACKET: usize = 65_507 - 32;
/// The least that an interface carries: what IPv6 asks of every link (RFC 8200 section 5).
pub const LEAST_MTU: usize = 1280;
/// The longest control text.
pub const MOST_CONTROL: usize = 1024;
/// Keepalives without an answer after which a peer is dead.
pub const MOST_MISSES: u32 = 3;
/// What may go to an address that is not validated, as a multiple of what came from it
/// (RFC 9000 section 8).
pub const AMPLIFICATION: usize = 3;
/// How long a new path has to answer.
pub const PATH_LIFETIME: Duration = Duration::from_secs(3);
/// How long the known path has to show that the peer is still there, before the peer is followed.
pub const PATH_PATIENCE: Duration = Duration::from_millis(500);
/// How long a probe of the way may take to be answered (RFC 8899 section 5.1.1).
pub const PROBE_AFTER: Duration = Duration::from_secs(1);
/// So many probes of a size without an answer: the way does not carry it.
pub const MOST_PROBES: u32 = 3;
/// The search for what the way carries ends when it is known to so many bytes.
pub const MTU_STEP: usize = 16;
/// After how long what was found is tried again, and is searched for again.
pub const PROBE_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// See [`PROBE_AGAIN_AFTER`] (RFC 8899 section 5.1.1).
pub const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// The most peers that trust on first use remembers.
pub const MOST_REMEMBERED: usize = 10_000;
/// So many of them may have come by themselves: the rest of the room is for those whom we call.
pub const MOST_REMEMBERED_UNCALLED: usize = MOST_REMEMBERED / 2;
/// The most identities given up that are remembered, of the pinned and of strangers.
pub const MOST_RETIRED: usize = 10_000;
/// The most events that wait for whoever asks; packets have half of the room.
pub const MOST_INBOX: usize = 4096;
/// The most datagrams of wishes that wait to be sent.
pub const MOST_WISHED_PACKETS: usize = 1024;
