//! Every documented exit code, and errors that say what to do.

use crate::support::pqfw;

#[test]
fn usage_and_profile_errors_are_2() {
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pqfw(directory.path(), args).run();
    assert_eq!(run(&["no-such-command"]).code, 2);
    run(&["run", "--profile", "nosuch"]).fails(2, "shipped are: ");
    run(&["run", "--profile", "qu3", "--set", "transport.lisen=x"]).fails(
        2,
        "--set: unknown key `transport.lisen`; did you mean `listen`?",
    );
    run(&["run", "--profile", "pqvpn", "--set", "nonsense=1"]).fails(2, "interface, peer_routes");
    run(&["run", "--profile", "pqvpn", "--set", "keys.nonsense=1"])
        .fails(2, "runtime_temp_keys, temp_keys_prefix");
    run(&["run", "--profile", "qflare", "--set", "close_at=3"])
        .fails(2, "unknown key `close_at`; did you mean `qflare.close_at`?");
    run(&["run", "--profile", "qu3", "--role", "king"]).fails(2, "`king` is none of demo");
    run(&["run", "--profile", "qu3", "--role", "node"]).fails(2, "there are: demo, server, client");
    run(&["run", "--profile", "qu3", "--set", "transport.kind=pigeon"])
        .fails(2, "there are: http, memory");
    run(&["run", "--profile", "qu3", "--set", "suite.kem=Kyber-769"])
        .fails(2, "did you mean `Kyber-768`?");
    run(&["run", "--profile", "qu3", "--set", "require=[\"my-hsm\"]"]).fails(2, "use my_hsm as _;");
    run(&["describe", "MLKEM-76"]).fails(2, "did you mean");
}

#[test]
fn a_typing_error_in_a_file_names_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    std::fs::write(
        &file,
        "profile = 1\nsystem = \"qu3\"\n\n[qu3]\nsesion_secs = 3\n",
    )
    .unwrap();
    pqfw(directory.path(), &["run", "--profile", "mine.toml"])
        .run()
        .fails(
            2,
            "line 5, column 1: unknown key `qu3.sesion_secs`; did you mean `session_secs`?",
        );
}

#[test]
fn a_policys_refusal_is_4_and_names_the_rule() {
    let directory = tempfile::tempdir().unwrap();
    pqfw(
        directory.path(),
        &[
            "run",
            "--profile=qu3",
            "--set=dialect=qu3-1",
            "--set=policy=modern",
        ],
    )
    .run()
    .fails(4, "Kyber-768 is refused: modern rule M1");
}

#[test]
fn a_server_that_is_not_there_is_5() {
    let directory = tempfile::tempdir().unwrap();
    let server = "http://127.0.0.1:1";
    pqfw(
        directory.path(),
        &[
            "qu3",
            "run-inference",
            "model_caps",
            "x",
            "--server",
            server,
        ],
    )
    .run()
    .fails(5, "is the server running there?");
}

#[test]
fn json_errors_are_json_too() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(directory.path(), &["describe", "nonsense", "--json"]).run();
    assert_eq!(ran.json()["exit_code"], 2);
}

#[test]
fn a_rehearsal_that_names_nothing_is_refused_and_one_elsewhere_is_told() {
    let directory = tempfile::tempdir().unwrap();
    pqfw(directory.path(), &["list-algorithms", "--selftest"])
        .env("PQFW_FAIL_KAT", "ML-KEM-768@nobody")
        .run()
        .fails(2, "PQFW_FAIL_KAT");
    let ran = pqfw(directory.path(), &["describe", "X25519"])
        .env("PQFW_FAIL_KAT", "x@y")
        .run();
    assert!(ran.ok().stderr.contains("PQFW_FAIL_KAT is ignored here"));
}
