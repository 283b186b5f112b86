//! The file format: layers, places, types, suggestions, schema.

use pqfw_framework::profile::{self, Origin, Overrides, Profile, ProfileError};
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Role;
use pqfw_qu3::config::Qu3Config;

fn registry() -> Registry {
    pqfw::registry().build().unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()))
        .collect()
}

fn resolve_with(
    text: &str,
    set: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> Result<Profile, ProfileError> {
    let overrides = Overrides {
        set: pairs(set),
        environment: pairs(environment),
    };
    Profile::resolve(text, "mine", &overrides, &registry())
}

fn resolve(text: &str) -> Result<Profile, ProfileError> {
    resolve_with(text, &[], &[])
}

const SHORT: &str = "profile = 1\nsystem = \"qu3\"\n";

#[test]
fn the_shipped_profile_fills_what_a_file_leaves_out() {
    let profile = resolve(SHORT).unwrap();
    assert_eq!(profile.common.role, Role::Demo);
    assert_eq!(profile.suite_names()[0].kem, ["X25519+ML-KEM-768"]);
    assert_eq!(profile.dialect, "qu3-2");
    let compatible = resolve_with(SHORT, &[("dialect", "qu3-1")], &[]).unwrap();
    assert_eq!(compatible.suite_names()[0].kem, ["Kyber-768"]);
    assert_eq!(compatible.common.policy.0, ["legacy-compat"]);
    assert_eq!(profile.name, "mine");
    assert_eq!(
        profile.system_table::<Qu3Config>().unwrap().session_secs,
        3600
    );
}

#[test]
fn one_line_changes_one_thing() {
    let profile = resolve(&format!("{SHORT}[suite]\nkem = \"ML-KEM-1024\"\n")).unwrap();
    assert_eq!(profile.suite_names()[0].kem, ["ML-KEM-1024"]);
    assert_eq!(profile.suite_names()[0].aead, ["AES-256-GCM"]);
    let list = resolve(&format!(
        "{SHORT}[suite]\nkem = [\"ML-KEM-768\", \"Kyber-768\"]\n"
    ))
    .unwrap();
    assert_eq!(list.suite_names()[0].kem, ["ML-KEM-768", "Kyber-768"]);
}

#[test]
fn set_beats_the_environment_beats_the_file() {
    let text = format!("{SHORT}[transport]\nlisten = \"file\"\nconnect = \"file\"\n");
    let environment = [
        ("PQFW__TRANSPORT__LISTEN", "environment"),
        ("PQFW__TRANSPORT__CONNECT", "environment"),
        ("PATH", "/bin"),
    ];
    let set = [("transport.listen", "127.0.0.1:0")];
    let profile = resolve_with(&text, &set, &environment).unwrap();
    assert_eq!(profile.common.transport.listen, "127.0.0.1:0");
    assert_eq!(profile.common.transport.connect, "environment");
}

#[test]
fn set_is_typed_by_the_key() {
    let set = [
        ("transport.limits.connections", "7"),
        ("qu3.generate_keys", "false"),
        ("keys.dir", "123"),
        ("providers.prefer", "[\"rustcrypto\"]"),
        ("suite.kem", "ML-KEM-768@aws-lc"),
        ("role", "server"),
    ];
    let profile = resolve_with(SHORT, &set, &[]).unwrap();
    assert_eq!(profile.common.transport.limits.connections, 7);
    assert!(!profile.system_table::<Qu3Config>().unwrap().generate_keys);
    assert_eq!(profile.common.keys.dir.as_deref(), Some("123"));
    assert_eq!(profile.common.providers.prefer, ["rustcrypto"]);
    assert_eq!(profile.suite_names()[0].kem, ["ML-KEM-768@aws-lc"]);
    assert_eq!(profile.common.role, Role::Server);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_key() {
    let text = format!("{SHORT}\n[transport]\n  lisen = \"x\"\n");
    let error = resolve(&text).unwrap_err();
    let expected = ProfileError::UnknownKey {
        path: "transport.lisen".into(),
        place: Origin::File { line: 5, column: 3 },
        nearest: Some("listen".into()),
        known: "kind, listen, connect, tls, limits".into(),
    };
    assert_eq!(error, expected);
    let text = error.to_string();
    assert!(
        text.contains("line 5, column 3") && text.contains("did you mean `listen`?"),
        "{text}"
    );
}

#[test]
fn an_unknown_key_of_the_systems_own_table_is_refused_too() {
    let profile = resolve(&format!("{SHORT}[qu3]\nsesion_secs = 5\n")).unwrap();
    let error = profile.system_table::<Qu3Config>().map(drop).unwrap_err();
    let ProfileError::UnknownKey { path, nearest, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (path.as_str(), nearest.as_deref()),
        ("qu3.sesion_secs", Some("session_secs"))
    );
    let error = resolve_with(SHORT, &[("transport.nonsense", "1")], &[]).unwrap_err();
    assert!(
        matches!(
            error,
            ProfileError::UnknownKey {
                place: Origin::Set,
                ..
            }
        ),
        "{error}"
    );
    let error = resolve(&format!("{SHORT}[pqvpn]\nx = 1\n")).unwrap_err();
    assert!(
        matches!(error, ProfileError::UnknownKey { .. }),
        "another system's table: {error}"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    let cases = [
        (
            "[transport.limits]\nconnections = \"many\"\n",
            "transport.limits.connections",
        ),
        (
            "[transport.limits]\nconnections = -1\n",
            "transport.limits.connections",
        ),
        ("[transport]\nlisten = 8000\n", "transport.listen"),
        ("[suite]\nkem = []\n", "suite.kem"),
        ("[suite]\nkem = [1]\n", "suite.kem.[0]"),
        ("[logging]\nlevel = \"loud\"\n", "logging.level"),
    ];
    for (text, expected) in cases {
        let error = resolve(&format!("{SHORT}{text}")).map(drop).unwrap_err();
        let ProfileError::Value { path, place, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(path, expected);
        assert!(matches!(place, Origin::File { .. }), "{place}");
    }
    for set in [
        ("transport.limits.connections", "many"),
        ("role", "king"),
        ("a..b", "1"),
    ] {
        let error = resolve_with(SHORT, &[set], &[]).map(drop).unwrap_err();
        assert!(
            matches!(
                error,
                ProfileError::Value {
                    place: Origin::Set,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_profile_is_refused() {
    let error = |text: &str| resolve(text).map(drop).unwrap_err();
    let syntax = error("profile = \n");
    assert!(matches!(
        &syntax,
        ProfileError::Syntax {
            place: Origin::File { line: 1, .. },
            ..
        }
    ));
    assert_eq!(
        error(""),
        ProfileError::Missing {
            path: "system".into()
        }
    );
    assert!(matches!(
        error("system = \"qu4\"\n"),
        ProfileError::System(_)
    ));
    let format = error("profile = 2\nsystem = \"qu3\"\n");
    assert!(
        matches!(&format, ProfileError::Value { path, .. } if path == "profile"),
        "{format}"
    );
    let dialect = error(&format!("{SHORT}dialect = \"qu3-9\"\n"));
    assert!(dialect.to_string().contains("qu3-1"), "{dialect}");
    for name in ["../up", ".", "a/b", ""] {
        let error = error(&format!("{SHORT}name = \"{name}\"\n"));
        assert!(
            matches!(&error, ProfileError::Value { path, .. } if path == "name"),
            "{error}"
        );
    }
}

#[test]
fn the_shipped_profiles_resolve_as_they_are() {
    let registry = registry();
    for system in registry.systems() {
        let info = system.info();
        let profile = Profile::resolve(
            info.shipped_profile,
            info.name,
            &Overrides::default(),
            &registry,
        );
        let profile = profile.unwrap();
        system.check_table(&profile).unwrap();
        registry.require(&profile.common.require).unwrap();
    }
}

#[test]
fn the_schema_has_the_common_keys_and_each_systems_table() {
    let schema = profile::schema(&registry());
    for key in ["profile", "system", "suite", "transport", "qu3"] {
        assert!(!schema["properties"][key].is_null(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["qu3"]["additionalProperties"], false);
    let text = schema.to_string();
    for (at, _) in text.match_indices("#/$defs/") {
        let name = text[at + 8..].split('"').next().unwrap();
        assert!(
            !schema["$defs"][name].is_null(),
            "{name} is referred to and not defined"
        );
    }
}

#[test]
fn keys_of_a_dialect_hold_for_that_dialect_and_give_way_to_set() {
    let text = format!(
        "{SHORT}dialect = \"qu3-1\"\n[suite]\nkem = \"ML-KEM-512\"\naead = \"AES-128-GCM\"\n\
         [dialects.qu3-1]\nsuite.kem = \"ML-KEM-1024\"\ntransport.listen = \"dialect\"\n"
    );
    let profile = resolve(&text).unwrap();
    assert_eq!(profile.suite_names()[0].kem, ["ML-KEM-1024"]);
    assert_eq!(profile.suite_names()[0].aead, ["AES-128-GCM"]);
    let set = [("suite.kem", "ML-KEM-768")];
    let profile = resolve_with(&text, &set, &[]).unwrap();
    assert_eq!(profile.suite_names()[0].kem, ["ML-KEM-768"]);
    assert_eq!(profile.common.transport.listen, "dialect");
}

#[test]
fn a_dialect_that_is_not_there_is_refused() {
    let error = resolve(&format!("{SHORT}[dialects.qu3-9]\nrole = \"server\"\n")).unwrap_err();
    let unknown =
        matches!(&error, ProfileError::UnknownKey { path, .. } if path == "dialects.qu3-9");
    assert!(unknown, "{error}");
    let error = resolve(&format!("{SHORT}dialects = 7\n")).unwrap_err();
    assert!(matches!(error, ProfileError::Value { .. }), "{error}");
}

#[test]
fn several_suites_keep_their_order() {
    let suite = |kem: &str| {
        format!(
            "[[suite]]\nkem = \"{kem}\"\nsignature = \"ML-DSA-65\"\naead = \"AES-256-GCM\"\n\
             kdf = \"HKDF-SHA256\"\n"
        )
    };
    let text = format!("{SHORT}{}{}", suite("ML-KEM-1024"), suite("ML-KEM-768"));
    let suites = resolve(&text).unwrap().suite_names();
    let kems: Vec<_> = suites.iter().map(|suite| &suite.kem[..]).collect();
    assert_eq!(kems, [["ML-KEM-1024"], ["ML-KEM-768"]]);
}
