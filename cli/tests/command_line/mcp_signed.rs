//! `pqfw mcp` in dialect pqc-mcp-0.1: identities, a server, a client, and who is believed.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Server, pqfw};

const GOLDEN: &str = include_str!("../../../tests/vectors/mcp/golden.json");

fn did(directory: &Path) -> String {
    let show = [
        "mcp",
        "identity",
        "show",
        "--json",
        "--set=dialect=pqc-mcp-0.1",
    ];
    let ran = pqfw(directory, &show).run();
    ran.ok().json()["did"].as_str().unwrap().to_owned()
}

fn serve(directory: &Path, more: &[&str]) -> Server {
    let serve = [
        "mcp",
        "serve",
        "--dialect=pqc-mcp-0.1",
        "--listen=127.0.0.1:0",
        "--set=mcp.demo_tools=true",
    ];
    pqfw(directory, &[&serve[..], more].concat()).serve()
}

#[test]
fn the_demo_plays() {
    let directory = tempfile::tempdir().unwrap();
    let run = ["run", "--profile=mcp", "--set=dialect=pqc-mcp-0.1"];
    let ran = pqfw(directory.path(), &run).run().ok();
    assert_eq!(ran.stdout.matches("ok refused: status 500").count(), 7);
    assert!(ran.stdout.contains("MCP-1"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn a_known_client_calls_tools_of_a_pinned_server() {
    let (server, client) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (server, client) = (server.path(), client.path());
    let (server_did, client_did) = (did(server), did(client));
    assert_ne!(server_did, client_did);
    let serving = serve(server, &["--allow-did", &client_did]);
    let call = |args: &[&str], pin: &str| {
        let target = ["--to", &serving.url, "--server-did", pin];
        pqfw(client, &[&["mcp"], args, &target].concat()).run()
    };
    let tools = call(&["list-tools", "--json"], &server_did).ok().json();
    assert_eq!(
        tools[0],
        json!({ "name": "echo", "description": "Gives its value back" })
    );
    assert!(
        call(&["list-tools"], &server_did)
            .ok()
            .stdout
            .contains("greet")
    );
    let greet = ["call", "greet", r#"{"name": "World"}"#];
    assert_eq!(call(&greet, &server_did).ok().stdout, "\"Hello, World!\"\n");
    let content = call(&[&greet[..], &["--json"]].concat(), &server_did)
        .ok()
        .json();
    assert_eq!(content, json!({ "content": "Hello, World!" }));
    let failed = call(&["call", "fail"], &server_did);
    assert_eq!(failed.code, 1);
    let words = "the server answered -32000: Tool error: boom";
    assert!(failed.stderr.contains(words), "{}", failed.stderr);
    call(&["call", "nothing"], &server_did).fails(1, "Unknown tool: nothing");
    call(&["call", "greet", "[]"], &server_did).fails(2, "a JSON object");
    call(&greet, &client_did).fails(3, "mcp.server_did is another");
    call(&greet, "alice").fails(2, "mcp.server_did");
    let (code, said) = serving.terminate();
    assert_eq!(code, 0, "{said:?}");

    // Without a pin: trust on first use, and then no other.
    let serving = serve(
        server,
        &["--set=mcp.allow_any_did=true", "--set=mcp.lenient=true"],
    );
    let greet = [&["mcp"], &greet[..], &["--to", &serving.url]].concat();
    let first = pqfw(client, &greet).run().ok();
    assert!(first.stderr.contains("on first use"), "{}", first.stderr);
    let second = pqfw(client, &greet).run().ok();
    assert!(!second.stderr.contains("on first use"), "{}", second.stderr);
    drop(serving);
    let log = std::fs::read_to_string(server.join("state/pqfw/mcp/audit.jsonl")).unwrap();
    assert!(log.lines().count() > 8);
}

#[test]
fn a_server_without_clients_or_tools_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let serve = [
            "mcp",
            "serve",
            "--dialect=pqc-mcp-0.1",
            "--listen=127.0.0.1:0",
        ];
        pqfw(directory.path(), &[&serve[..], more].concat()).run()
    };
    run(&[]).fails(2, "there are no tools");
    run(&["--set=mcp.demo_tools=true"]).fails(2, "mcp.allow_dids is empty");
    run(&["--set=mcp.demo_tools=true", "--allow-did=alice"]).fails(2, "`alice` is none");
    let all = "--set=mcp.allow_any_did=true";
    run(&[all, "--", "/nowhere/server"]).fails(2, "/nowhere/server");
    run(&[all, "--", "true"]).fails(1, "true");
    let other = ["mcp", "serve", "--profile=qu3"];
    pqfw(directory.path(), &other).run().fails(2, "not of mcp");
}

#[test]
fn an_identity_is_made_once_and_one_of_the_package_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let new = ["mcp", "identity", "new"];
    let made = pqfw(here, &new).run().ok();
    assert!(made.stdout.starts_with("did:pqaid:"), "{}", made.stdout);
    assert_eq!(made.stdout.split(' ').next(), Some(&*did(here)));
    pqfw(here, &new).run().fails(1, "--force replaces it");

    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let (key, seed) = (&golden["mldsa65"], golden["seed"].as_str().unwrap());
    let file = |did: &Value, secret: &str| {
        let identity = json!({
            "name": "agent",
            "did": did,
            "algorithm": "ML-DSA-65",
            "public_key": key["pk"],
            "private_key": secret,
        });
        std::fs::write(here.join("agent.json"), identity.to_string()).unwrap();
    };
    let import = ["mcp", "identity", "new", "--import=agent.json", "--force"];
    file(&golden["ed25519"]["did"], seed);
    pqfw(here, &import).run().fails(1, "did");
    file(&key["did"], &seed.replace("00", "07"));
    pqfw(here, &import).run().fails(1, "public key");
    file(&key["did"], seed);
    pqfw(here, &import).run().ok();
    assert_eq!(json!(did(here)), key["did"]);
    let pem = here.join("state/pqfw/mcp/keys/identity.pem");
    assert!(
        std::fs::read_to_string(&pem)
            .unwrap()
            .contains("PRIVATE KEY")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&pem).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_classical_suite_is_refused_by_policy_and_then_has_to_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let ask = ["mcp", "list-tools", "--set=suite.signature=Ed25519"];
    pqfw(here, &ask).run().fails(4, "modern");
    let policy = "name = \"c\"\nsummary = \"c\"\n[[rule]]\nid = \"C\"\nsource = \"c\"\n\
                  statuses = [\"standard\"]\n";
    std::fs::write(here.join("c.toml"), policy).unwrap();
    let ask = [&ask[..], &["--set=policy=./c.toml"]].concat();
    pqfw(here, &ask).run().fails(2, "mcp.transitional");
}
