//! Backups: what opens, what does not, and that every byte of one counts.

use pqfw_framework::aead::AdmittedAead;
use pqfw_framework::catalogue::{AlgorithmInfo, KdfSizes, Sizes};
use pqfw_framework::kdf::{Kdf, KdfError};
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, EncapsulationKey};
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::keys::backup::{
    Backup, BackupError, BackupFile, BackupSuite, LARGEST_FILE_BYTES, LARGEST_PAYLOAD_BYTES, MAGIC,
    MOST_FILES, MOST_RECIPIENTS, Need, seal,
};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::{Plugin, Registry};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::wire::{WireError, Writer};
use proptest::prelude::*;

use crate::broken::{Fault, plugin, resolve, rng, row as mirror};
use crate::key_support::registry;

fn suite(registry: &Registry) -> BackupSuite {
    BackupSuite {
        kdf: resolve(registry, |r| r.kdf("HKDF-SHA256")).unwrap(),
        aead: resolve(registry, |r| r.aead("AES-256-GCM")).unwrap(),
        sha256: resolve(registry, |r| r.hash("SHA-256")).unwrap(),
    }
}

fn kem(registry: &Registry, name: &str) -> AdmittedKem {
    resolve(registry, |r| r.kem(name)).unwrap()
}

/// A recovery key: the private half, and a way to make the public one as often as needed.
struct Keeper(AdmittedKem, DecapsulationKey);

impl Keeper {
    fn new(registry: &Registry, name: &str, number: u8) -> Self {
        let kem = kem(registry, name);
        let mut seeded = rng();
        for _ in 0..number {
            kem.generate(&mut seeded).unwrap();
        }
        let key = kem.generate(&mut seeded).unwrap();
        Self(kem, key)
    }

    fn public(&self) -> EncapsulationKey {
        let bytes = self.1.encapsulation_key();
        self.0.import_encapsulation_key(&bytes).unwrap()
    }

    fn private(&self) -> DecapsulationKey {
        let bytes = self.1.export(SecretKind::Expanded).unwrap();
        let form = SecretForm::Expanded(bytes.expose());
        self.0.import_decapsulation_key(form).unwrap()
    }

    fn fingerprint(&self, suite: &BackupSuite) -> String {
        let public = self.1.encapsulation_key();
        let fingerprint = Fingerprint::of(&suite.sha256, self.0.info(), &public);
        fingerprint.unwrap().to_string()
    }
}

fn file(name: &str, bytes: &[u8]) -> BackupFile {
    BackupFile {
        name: name.into(),
        bytes: SecretBytes::copy_of(bytes),
    }
}

fn files() -> Vec<BackupFile> {
    vec![file("server_kem.sec", b"a key"), file("empty.pem", b"")]
}

/// Names and contents, for comparison.
fn shown(files: Vec<BackupFile>) -> Vec<(String, Vec<u8>)> {
    let shown = files
        .into_iter()
        .map(|file| (file.name, file.bytes.expose().to_vec()));
    shown.collect()
}

fn open(
    suite: &BackupSuite,
    sealed: &[u8],
    keys: &[&Keeper],
) -> Result<Vec<BackupFile>, BackupError> {
    let keys: Vec<_> = keys.iter().map(|keeper| keeper.private()).collect();
    Backup::parse(sealed)?.open(suite, &keys)
}

fn refusal(suite: &BackupSuite, sealed: &[u8], keys: &[&Keeper]) -> BackupError {
    open(suite, sealed, keys).err().expect("it is refused")
}

fn sealed(suite: &BackupSuite, keepers: &[&Keeper], need: Need) -> Vec<u8> {
    let keys: Vec<_> = keepers.iter().map(|keeper| keeper.public()).collect();
    seal(suite, &files(), &keys, need, &mut rng()).unwrap()
}

#[test]
fn any_one_recipient_opens_what_needs_one() {
    let registry = registry();
    let suite = suite(&registry);
    for algorithms in [
        ["ML-KEM-768", "X25519"],
        ["ML-KEM-1024@rustcrypto", "Kyber-512"],
    ] {
        let [first, second] = algorithms.map(|name| Keeper::new(&registry, name, 0));
        let stranger = Keeper::new(&registry, algorithms[0], 1);
        let sealed = sealed(&suite, &[&first, &second], Need::Any);
        for keys in [
            &[&first][..],
            &[&second],
            &[&second, &first],
            &[&stranger, &second],
        ] {
            let opened = open(&suite, &sealed, keys).unwrap();
            assert_eq!(shown(opened), shown(files()));
        }
        let expected = BackupError::NotARecipient {
            recipients: [&first, &second]
                .map(|keeper| keeper.fingerprint(&suite))
                .join(", "),
        };
        assert_eq!(refusal(&suite, &sealed, &[&stranger]), expected);
        assert_eq!(refusal(&suite, &sealed, &[]), expected);
    }
}

#[test]
fn all_recipients_open_what_needs_all_and_fewer_do_not() {
    let registry = registry();
    let suite = suite(&registry);
    let [first, second, third] = [0, 1, 2].map(|number| Keeper::new(&registry, "X25519", number));
    let sealed = sealed(&suite, &[&first, &second, &third], Need::All);
    for keys in [[&first, &second, &third], [&third, &first, &second]] {
        let opened = open(&suite, &sealed, &keys).unwrap();
        assert_eq!(shown(opened), shown(files()));
    }
    let missing = second.fingerprint(&suite);
    assert_eq!(
        refusal(&suite, &sealed, &[&first, &third]),
        BackupError::MissingRecipients { missing }
    );
}

#[test]
fn the_head_says_how_and_to_whom() {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "ML-KEM-768", 0);
    let sealed = sealed(&suite, &[&keeper], Need::All);
    let backup = Backup::parse(&sealed).unwrap();
    assert_eq!(
        (backup.kdf(), backup.aead()),
        ("HKDF-SHA256", "AES-256-GCM")
    );
    assert_eq!(backup.need(), Need::All);
    let [recipient] = backup.recipients() else {
        panic!("one recipient");
    };
    assert_eq!(recipient.kem, "ML-KEM-768");
    assert_eq!(recipient.fingerprint.as_str(), keeper.fingerprint(&suite));
}

#[test]
fn every_algorithm_of_the_registry_seals_and_opens() {
    let registry = registry();
    let sha256 = || resolve(&registry, |r| r.hash("SHA-256")).unwrap();
    let keeper = Keeper::new(&registry, "X25519", 0);
    let of_kind = |kind| {
        let rows = registry.rows().filter(move |row| row.kind() == kind);
        rows.filter(|row| !registry.entries_of(&row.id).is_empty())
    };
    use pqfw_framework::catalogue::Kind;
    for kdf in of_kind(Kind::Kdf) {
        for aead in of_kind(Kind::Aead) {
            let suite = BackupSuite {
                kdf: resolve(&registry, |r| r.kdf(&kdf.id)).unwrap(),
                aead: resolve(&registry, |r| r.aead(&aead.id)).unwrap(),
                sha256: sha256(),
            };
            let sealed = sealed(&suite, &[&keeper], Need::Any);
            let opened = open(&suite, &sealed, &[&keeper]).unwrap();
            assert_eq!(shown(opened), shown(files()), "{} {}", kdf.id, aead.id);
        }
    }
}

/// Every change of every byte is refused, whatever the recipient and however many it needs.
#[test]
fn every_byte_is_authenticated() {
    let registry = registry();
    let suite = suite(&registry);
    let [first, second] = [0, 1].map(|number| Keeper::new(&registry, "X25519", number));
    for need in [Need::Any, Need::All] {
        let sealed = sealed(&suite, &[&first, &second], need);
        let keys: &[&[&Keeper]] = match need {
            Need::Any => &[&[&first], &[&second]],
            Need::All => &[&[&first, &second]],
        };
        for at in 0..sealed.len() {
            for bit in [0x01, 0x80] {
                let mut damaged = sealed.clone();
                damaged[at] ^= bit;
                for keys in keys {
                    refusal(&suite, &damaged, keys);
                }
            }
        }
        for length in 0..sealed.len() {
            for keys in keys {
                refusal(&suite, &sealed[..length], keys);
            }
        }
        let error = refusal(&suite, &[&sealed[..], &[0]].concat(), keys[0]);
        assert_eq!(error, BackupError::Damaged(WireError::Trailing(1)));
    }
}

/// The parts of a backup, to be put together in another way.
struct Taken<'a> {
    front: &'a [u8],
    recipients: Vec<&'a [u8]>,
    shares: Vec<&'a [u8]>,
    rest: &'a [u8],
}

impl<'a> Taken<'a> {
    /// Of a backup to X25519 keys, whose entries have one length.
    fn apart(sealed: &'a [u8], count: usize) -> Self {
        let front = MAGIC.len() + 1 + (2 + "HKDF-SHA256".len()) + (2 + "AES-256-GCM".len());
        let entry = (2 + "X25519".len()) + (2 + Fingerprint::LENGTH) + (4 + 32);
        let share = 2 + 32 + 16;
        let (front, rest) = sealed.split_at(front);
        let (recipients, rest) = rest[2..].split_at(count * entry);
        let (shares, rest) = rest.split_at(count * share);
        Self {
            front,
            recipients: recipients.chunks(entry).collect(),
            shares: shares.chunks(share).collect(),
            rest,
        }
    }

    fn together(&self) -> Vec<u8> {
        let count = (self.recipients.len() as u16).to_be_bytes();
        let (recipients, shares) = (self.recipients.concat(), self.shares.concat());
        [self.front, &count, &recipients, &shares, self.rest].concat()
    }
}

#[test]
fn recipients_cannot_be_stripped_added_or_exchanged() {
    let registry = registry();
    let suite = suite(&registry);
    let [first, second, third] = [0, 1, 2].map(|number| Keeper::new(&registry, "X25519", number));
    for need in [Need::Any, Need::All] {
        let whole = sealed(&suite, &[&first, &second], need);
        let other = sealed(&suite, &[&first, &third], need);
        assert_eq!(Taken::apart(&whole, 2).together(), whole);

        let mut stripped = Taken::apart(&whole, 2);
        stripped.recipients.pop();
        stripped.shares.pop();
        let error = refusal(&suite, &stripped.together(), &[&first]);
        assert_eq!(error, BackupError::Rejected, "stripped");

        let mut added = Taken::apart(&whole, 2);
        added.recipients.push(Taken::apart(&other, 2).recipients[1]);
        added.shares.push(Taken::apart(&other, 2).shares[1]);
        let error = refusal(&suite, &added.together(), &[&first, &second, &third]);
        assert_eq!(error, BackupError::Rejected, "added");

        let mut exchanged = Taken::apart(&whole, 2);
        exchanged.recipients.swap(0, 1);
        exchanged.shares.swap(0, 1);
        let error = refusal(&suite, &exchanged.together(), &[&first, &second]);
        assert_eq!(error, BackupError::Rejected, "exchanged");

        let mut foreign_payload = Taken::apart(&whole, 2);
        foreign_payload.rest = Taken::apart(&other, 2).rest;
        let error = refusal(&suite, &foreign_payload.together(), &[&first, &second]);
        assert_eq!(error, BackupError::Rejected, "another's payload");
    }
}

/// What needs all cannot be turned into what needs one, nor the algorithms into others.
#[test]
fn the_head_cannot_be_downgraded() {
    let registry = registry();
    let [first, second] = [0, 1].map(|number| Keeper::new(&registry, "X25519", number));
    let strong = suite(&registry);
    let mut sealed = sealed(&strong, &[&first, &second], Need::All);
    sealed[MAGIC.len()] = 1;
    assert_eq!(Backup::parse(&sealed).unwrap().need(), Need::Any);
    assert_eq!(refusal(&strong, &sealed, &[&first]), BackupError::Rejected);

    let sealed = self::sealed(&strong, &[&first], Need::Any);
    let text = String::from_utf8_lossy(&sealed)
        .find("AES-256-GCM")
        .unwrap();
    let mut weaker = sealed.clone();
    weaker[text..text + 11].copy_from_slice(b"AES-128-GCM");
    let aead: AdmittedAead = resolve(&registry, |r| r.aead("AES-128-GCM")).unwrap();
    let weak = BackupSuite {
        aead,
        ..suite(&registry)
    };
    assert_eq!(refusal(&weak, &weaker, &[&first]), BackupError::Rejected);
    let expected = BackupError::WrongAlgorithm {
        expected: "AES-256-GCM".into(),
        got: "AES-128-GCM".into(),
    };
    assert_eq!(refusal(&weak, &sealed, &[&first]), expected);
    let text = String::from_utf8_lossy(&sealed).find("X25519").unwrap();
    let mut renamed = sealed.clone();
    renamed[text..text + 6].copy_from_slice(b"X25520");
    let expected = BackupError::WrongAlgorithm {
        expected: "X25520".into(),
        got: "X25519".into(),
    };
    assert_eq!(refusal(&strong, &renamed, &[&first]), expected);
}

#[test]
fn two_backups_of_the_same_files_share_nothing() {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "ML-KEM-512@rustcrypto", 0);
    let mut rng = rng();
    let mut once = || {
        let keys = [keeper.public()];
        seal(&suite, &files(), &keys, Need::Any, &mut rng).unwrap()
    };
    let (first, second) = (once(), once());
    let tail = |sealed: &[u8]| sealed[sealed.len() - 32..].to_vec();
    assert_ne!(tail(&first), tail(&second));
}

#[test]
fn names_cannot_leave_a_directory() {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "X25519", 0);
    let seal =
        |files: &[BackupFile]| seal(&suite, files, &[keeper.public()], Need::Any, &mut rng());
    let long = "n".repeat(129);
    for name in [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "c:a",
        ".hidden",
        "a..b",
        "a.",
        "a b",
        "a\nb",
        "a\0b",
        "a\u{1b}[2Jb",
        "ключ",
        "a\u{202e}b",
        &long,
    ] {
        let error = seal(&[file(name, b"")]).unwrap_err();
        assert_eq!(error, BackupError::FileName(name.into()));
    }
    for name in ["a", "X25519+ML-KEM-768.pub", "a_b@c.pem", &long[..128]] {
        assert!(seal(&[file(name, b"")]).is_ok(), "{name}");
    }
    let error = seal(&[file("a.pem", b"1"), file("A.PEM", b"2")]).unwrap_err();
    assert_eq!(error, BackupError::DuplicateName("A.PEM".into()));
}

/// Names are checked at opening as well: whoever sealed may not have used this code. The payload is
/// made by hand and sealed as the format says.
#[test]
fn names_are_checked_again_when_a_stranger_sealed() {
    let payload = |name: &[u8]| {
        let mut payload = Writer::new();
        payload.u16(1);
        payload.vector16("name", name).unwrap();
        payload.vector32("bytes", b"key").unwrap();
        payload.finish()
    };
    let good = opened_by_hand(&payload(b"a.pem")).unwrap();
    assert_eq!(shown(good), [("a.pem".to_owned(), b"key".to_vec())]);
    for name in [&b"../a"[..], b"/a", b"a\xff", b"", b".ssh"] {
        let error = opened_by_hand(&payload(name)).err().unwrap();
        assert!(matches!(error, BackupError::FileName(_)), "{error}");
    }
    let trailing = [&payload(b"a")[..], &[0]].concat();
    let error = opened_by_hand(&trailing).err().unwrap();
    assert_eq!(error, BackupError::Damaged(WireError::Trailing(1)));
    for count in [0_u16, MOST_FILES as u16 + 1] {
        let error = opened_by_hand(&count.to_be_bytes()).err().unwrap();
        assert!(
            matches!(error, BackupError::Count { what: "files", .. }),
            "{error}"
        );
    }
    let short = payload(b"a");
    let error = opened_by_hand(&short[..short.len() - 1]).err().unwrap();
    assert!(matches!(error, BackupError::Damaged(_)), "{error}");
}

/// Seals a payload by following `docs/protocols/backup.md` and nothing else, and opens it.
fn opened_by_hand(payload: &[u8]) -> Result<Vec<BackupFile>, BackupError> {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "X25519", 0);
    let (ciphertext, shared_secret) = keeper.public().encapsulate(&mut rng()).unwrap();
    let mut file = Writer::new();
    file.bytes(b"pqfw-backup-1\n").u8(1);
    file.vector16("kdf", b"HKDF-SHA256").unwrap();
    file.vector16("aead", b"AES-256-GCM").unwrap();
    file.u16(1);
    file.vector16("kem", b"X25519").unwrap();
    let fingerprint = keeper.fingerprint(&suite);
    file.vector16("fingerprint", fingerprint.as_bytes())
        .unwrap();
    file.vector32("ciphertext", &ciphertext).unwrap();
    let head = file.clone().finish();
    let derive = |secret: &[u8], info: &[&[u8]], length| {
        suite
            .kdf
            .derive(&[], secret, info, length)
            .unwrap()
            .expose()
            .to_vec()
    };
    let info: &[&[u8]] = &[b"pqfw-backup-1 wrap\0", &[0; 4], &head];
    let okm = derive(shared_secret.expose(), info, 44);
    let wrapped = suite.aead.key(&okm[..32]).unwrap();
    let wrapped = wrapped.seal(&okm[32..], &head, &[5; 32]).unwrap();
    file.vector16("share", &wrapped).unwrap();
    let okm = derive(&[5; 32], &[b"pqfw-backup-1 payload\0", &head], 76);
    file.bytes(&okm[44..]);
    let before = file.clone().finish();
    let sealed = suite.aead.key(&okm[..32]).unwrap();
    let sealed = sealed.seal(&okm[32..44], &before, payload).unwrap();
    file.vector32("payload", &sealed).unwrap();
    open(&suite, &file.finish(), &[&keeper])
}

#[test]
fn there_is_at_least_one_recipient_and_each_once() {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "X25519", 0);
    let seal = |keys: &[EncapsulationKey]| seal(&suite, &files(), keys, Need::Any, &mut rng());
    let count = |got| BackupError::Count {
        what: "recipients",
        got,
        limit: MOST_RECIPIENTS,
    };
    assert_eq!(seal(&[]).unwrap_err(), count(0));
    let error = seal(&[keeper.public(), keeper.public()]).unwrap_err();
    assert_eq!(
        error,
        BackupError::DuplicateRecipient(keeper.fingerprint(&suite))
    );
    let mut rng = rng();
    let mut key = || {
        let key = keeper.0.generate(&mut rng).unwrap().encapsulation_key();
        keeper.0.import_encapsulation_key(&key).unwrap()
    };
    let mut keys: Vec<_> = (0..MOST_RECIPIENTS).map(|_| key()).collect();
    assert!(seal(&keys).is_ok());
    keys.push(key());
    assert_eq!(seal(&keys).unwrap_err(), count(MOST_RECIPIENTS + 1));
}

#[test]
fn sizes_have_limits() {
    let registry = registry();
    let suite = suite(&registry);
    let keeper = Keeper::new(&registry, "X25519", 0);
    let seal = |files: &[BackupFile]| {
        let sealed = seal(&suite, files, &[keeper.public()], Need::Any, &mut rng())?;
        open(&suite, &sealed, &[&keeper]).map(drop)
    };
    let numbered = |count: usize, bytes: &[u8]| {
        let files = (0..count).map(|number| file(&number.to_string(), bytes));
        files.collect::<Vec<_>>()
    };
    for length in [LARGEST_FILE_BYTES - 1, LARGEST_FILE_BYTES] {
        assert_eq!(seal(&[file("a", &vec![7; length])]), Ok(()));
    }
    let error = seal(&[file("a", &vec![7; LARGEST_FILE_BYTES + 1])]).unwrap_err();
    assert!(matches!(error, BackupError::TooLarge { .. }), "{error}");
    assert_eq!(seal(&numbered(MOST_FILES, b"")), Ok(()));
    for count in [0, MOST_FILES + 1] {
        let error = seal(&numbered(count, b"")).unwrap_err();
        assert!(
            matches!(error, BackupError::Count { what: "files", .. }),
            "{error}"
        );
    }
    let largest = LARGEST_PAYLOAD_BYTES / LARGEST_FILE_BYTES;
    let error = seal(&numbered(largest, &vec![7; LARGEST_FILE_BYTES])).unwrap_err();
    assert!(matches!(error, BackupError::TooLarge { .. }), "{error}");
}

/// A head with one field that no head has.
#[test]
fn a_head_that_cannot_be_is_refused_before_any_work() {
    let fields = |need: u8, kdf: &[u8], count: u16, kem: &[u8], fingerprint: &[u8]| {
        let mut head = Writer::new();
        head.bytes(MAGIC).u8(need);
        head.vector16("kdf", kdf).unwrap();
        head.vector16("aead", b"AES-256-GCM").unwrap();
        head.u16(count);
        head.vector16("kem", kem).unwrap();
        head.vector16("fingerprint", fingerprint).unwrap();
        head.finish()
    };
    let error = |head: Vec<u8>| Backup::parse(&head).err().unwrap();
    let print = format!("sha256:{}", "0".repeat(64));
    let print = print.as_bytes();
    assert_eq!(error(b"pqfw-backup-2\n".to_vec()), BackupError::NotABackup);
    assert_eq!(error(b"pqfw-back".to_vec()), BackupError::NotABackup);
    assert_eq!(error(fields(0, b"K", 1, b"X", print)), BackupError::Need(0));
    assert_eq!(error(fields(3, b"K", 1, b"X", print)), BackupError::Need(3));
    // A provider may not be chosen by whoever wrote the file.
    for name in [&b"K@aws-lc"[..], b"", b"K K", b"K\x1b", b"\xff"] {
        for head in [
            fields(1, name, 1, b"X", print),
            fields(1, b"K", 1, name, print),
        ] {
            let error = error(head);
            assert!(matches!(error, BackupError::AlgorithmName(_)), "{error}");
        }
    }
    for count in [0, MOST_RECIPIENTS as u16 + 1, u16::MAX] {
        let error = error(fields(1, b"K", count, b"X", print));
        assert!(matches!(error, BackupError::Count { .. }), "{error}");
    }
    for bad in [&b"sha256:"[..], b"", &print[..70]] {
        let error = error(fields(1, b"K", 1, b"X", bad));
        assert!(matches!(error, BackupError::Fingerprint(_)), "{error}");
    }
    let long = [b'K'; 129];
    let error = error(fields(1, &long, 1, b"X", print));
    assert!(
        matches!(error, BackupError::Damaged(WireError::TooLong { .. })),
        "{error}"
    );
}

#[test]
fn a_recovery_key_that_cannot_be_used_is_named() {
    let suite = suite(&registry());
    let nameless = plugin("test", mirror("Mirror"), Fault::None);
    let registry = Registry::builder().with(nameless).build().unwrap();
    let key = kem(&registry, "Mirror")
        .import_encapsulation_key(&[1, 2])
        .unwrap();
    let error = seal(&suite, &files(), &[key], Need::Any, &mut rng()).unwrap_err();
    assert!(matches!(error, BackupError::RecoveryKey(_)), "{error}");
    // RFC 7748 section 6.1: this point gives everybody the same secret.
    let kem = kem(&self::registry(), "X25519");
    let Ok(key) = kem.import_encapsulation_key(&[0; 32]) else {
        return;
    };
    let error = seal(&suite, &files(), &[key], Need::Any, &mut rng()).unwrap_err();
    assert!(matches!(error, BackupError::RecoveryKey(_)), "{error}");
}

/// A KDF that can give two bytes and no more.
struct Short;

impl Kdf for Short {
    fn extract(&self, _: &[u8], _: &[u8], prk: &mut [u8]) -> Result<(), KdfError> {
        prk.fill(0);
        Ok(())
    }

    fn expand(&self, _: &[u8], _: &[&[u8]], okm: &mut [u8]) -> Result<(), KdfError> {
        okm.fill(7);
        Ok(())
    }
}

#[test]
fn a_primitive_that_cannot_do_the_work_ends_it() {
    let sizes = KdfSizes {
        prk: 1,
        max_output: 2,
        hash: "SHA-256",
    };
    let row = AlgorithmInfo::new("Short", Sizes::Kdf(sizes), "a test")
        .known_answers("salt = 00\nikm = 00\ninfo = 00\nokm = 0707\n");
    let provider = ProviderInfo::new("short", "short 1");
    let plugin = Plugin::new("short").row(row).kdf("Short", provider, Short);
    let short = Registry::builder().with(plugin).build().unwrap();
    let registry = registry();
    let suite = BackupSuite {
        kdf: resolve(&short, |r| r.kdf("Short")).unwrap(),
        ..suite(&registry)
    };
    let keys = [Keeper::new(&registry, "X25519", 0).public()];
    let error = seal(&suite, &files(), &keys, Need::Any, &mut rng()).unwrap_err();
    assert!(matches!(error, BackupError::Primitive(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_sealed_is_what_opens(
        contents in proptest::collection::btree_map("[a-z][a-z0-9_-]{0,9}", any::<Vec<u8>>(), 1..6),
        recipients in 1_u8..4,
        all: bool,
    ) {
        let registry = registry();
        let suite = suite(&registry);
        let keepers: Vec<_> = (0..recipients)
            .map(|number| Keeper::new(&registry, "X25519", number))
            .collect();
        let keepers: Vec<_> = keepers.iter().collect();
        let public: Vec<_> = keepers.iter().map(|keeper| keeper.public()).collect();
        let before: Vec<_> = contents.iter().map(|(name, bytes)| file(name, bytes)).collect();
        let need = if all { Need::All } else { Need::Any };
        let sealed = seal(&suite, &before, &public, need, &mut rng()).unwrap();
        let after = open(&suite, &sealed, &keepers).unwrap();
        prop_assert_eq!(shown(after), shown(before));
    }
}
