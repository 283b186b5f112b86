//! `transport.tls` and `pqfw probe`: what a profile says is what goes over the wire.

use std::path::Path;

use crate::support::pqfw;

const DEMO: [&str; 4] = [
    "run",
    "--profile",
    "qu3",
    "--set=transport.listen=127.0.0.1:0",
];

fn carried(kind: &str, more: &[&str]) -> Vec<String> {
    let set = [
        format!("--set=transport.kind={kind}"),
        "--set=transport.tls.raw_public_keys=true".into(),
        "--set=transport.tls.carrier=true".into(),
    ];
    let demo = DEMO.iter().chain(more).map(|arg| (*arg).to_owned());
    demo.chain(set).collect()
}

#[test]
fn the_scenario_plays_over_quic_which_calls_itself_a_carrier() {
    let directory = tempfile::tempdir().unwrap();
    let args = [&DEMO[..], &["--set=transport.kind=quic"]].concat();
    let ran = pqfw(directory.path(), &args).run().ok();
    for part in [
        "X25519MLKEM768",
        "ML-DSA-65; a carrier only",
        "CHANGE ONE LINE",
    ] {
        assert!(ran.stdout.contains(part), "`{part}`: {}", ran.stdout);
    }
}

#[test]
fn the_scenario_plays_under_tls_with_the_groups_of_the_profile() {
    let directory = tempfile::tempdir().unwrap();
    for (kind, group) in [("http", "SecP384r1MLKEM1024"), ("tcp", "SecP256r1MLKEM768")] {
        let group_set = format!("--set=transport.tls.groups={group}");
        let args = carried(kind, &[&group_set]);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let ran = pqfw(directory.path(), &args).run().ok();
        for part in [group, "a carrier only", "CHANGE ONE LINE"] {
            assert!(ran.stdout.contains(part), "`{part}`: {}", ran.stdout);
        }
    }
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    for (set, with) in [
        (&["tls=true"][..], "write a table"),
        (&["kind=quic", "tls=false"], "speaks nothing else"),
        (&["kind=memory", "tls.carrier=true"], "does not speak it"),
        (&["tls.groups=X25519MLKEM769"], "no algorithm"),
        (&["tls.group=X25519"], "groups"),
        (&["tls.carrier=true"], "must show who it is"),
        (&["tls.key=nowhere.pem"], "name its certificate"),
        (&["tls.certificate=nowhere.pem"], "name the key"),
        (
            &["tls.key=nowhere.pem", "tls.raw_public_keys=true"],
            "no such file",
        ),
        (&["tls.ca=nowhere.pem"], "nowhere.pem"),
        (&["tls.ca=nowhere.pem", "tls.carrier=true"], "name one"),
        (&["tls.pins=[\"sha256:12\"]"], "is no fingerprint"),
    ] {
        let set = set.iter().map(|one| format!("--set=transport.{one}"));
        let args: Vec<_> = DEMO
            .iter()
            .map(|arg| (*arg).to_owned())
            .chain(set)
            .collect();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let ran = pqfw(directory.path(), &args).run();
        assert!([1, 2].contains(&ran.code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(with), "`{with}`: {}", ran.stderr);
    }
}

/// A certificate for localhost that vouches for itself, and its key.
fn certificate(directory: &Path) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ML_DSA_65).unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(directory.join("server.pem"), certificate.pem()).unwrap();
    let file = directory.join("server.key");
    std::fs::write(&file, key.serialize_pem()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, owner).unwrap();
    }
}

#[test]
fn a_probe_over_quic_finds_what_a_server_takes_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    certificate(directory.path());
    let file = |key: &str, name: &str| {
        let path = directory.path().join(name);
        format!("--set=transport.tls.{key}={}", path.display())
    };
    let settings = [
        "--role=server",
        "--set=transport.kind=quic",
        "--set=transport.tls.groups=[\"MLKEM1024\", \"X25519MLKEM768\"]",
        &file("certificate", "server.pem"),
        &file("key", "server.key"),
        "--set=transport.tls.carrier=true",
    ];
    let server = pqfw(directory.path(), &[&DEMO[..], &settings].concat()).serve();
    let address = server.url.strip_prefix("quic://").unwrap();
    let probe = |more: &[&str]| {
        let args = [&["probe", address, "--quic", "--json"], more].concat();
        let json = pqfw(directory.path(), &args).run().ok().json();
        assert_eq!(json["transport"], "quic");
        let asked = json["asked"].as_array().unwrap().clone();
        let taken = asked.iter().filter(|one| one["taken"] == true);
        let names = taken.map(|one| one["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let spoken = probe(&["--alpn=pqfw-exchange/1"]);
    assert_eq!(spoken, ["X25519MLKEM768", "ML-KEM-1024", "ML-DSA-65"]);
    // QUIC has no handshake without a protocol that both ends speak (RFC 9001 section 8.1).
    assert!(probe(&["--alpn=h3"]).is_empty());
}

#[test]
fn a_probe_finds_what_a_server_takes_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let args = carried(
        "http",
        &["--role=server", "--set=transport.tls.groups=MLKEM1024"],
    );
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let server = pqfw(directory.path(), &args).serve();
    let address = server.url.strip_prefix("https://").unwrap();
    let ran = pqfw(directory.path(), &["probe", address, "--json"])
        .run()
        .ok();
    let json = ran.json();
    assert_eq!(json["verified"], false);
    let asked = json["asked"].as_array().unwrap().clone();
    let taken = asked.iter().filter(|one| one["taken"] == true);
    let taken: Vec<_> = taken.map(|one| one["name"].as_str().unwrap()).collect();
    // A server of bare keys parts from who cannot take them, after it has agreed to a group.
    assert_eq!(taken, ["ML-KEM-1024"]);
    let unreachable = pqfw(directory.path(), &["probe", "127.0.0.1:1"]).run();
    unreachable.fails(5, "127.0.0.1:1");
    pqfw(directory.path(), &["probe", "nowhere"])
        .run()
        .fails(2, "HOST:PORT");
}
