//! The registry refuses what would make a name mean two things, and explains a name that fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Counter, provider_named, registry, resolve};
use pqfw_example_plugin::{ID, Toy, plugin, provider, row};
use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::policy::Policy;
use pqfw_framework::registry::{BuildError, Decision, Plugin, Registry, ResolveError, Resolver};
use pqfw_framework::transport::{Transport, TransportInfo};

fn refused(plugins: impl IntoIterator<Item = Plugin>) -> BuildError {
    let builder = plugins
        .into_iter()
        .fold(Registry::builder(), |builder, plugin| builder.with(plugin));
    builder.build().map(drop).unwrap_err()
}

fn row_named(id: &str) -> AlgorithmInfo {
    AlgorithmInfo {
        id: id.into(),
        ..row()
    }
}

struct Nowhere;

impl Transport for Nowhere {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "nowhere",
            summary: "delivers nothing",
            deliveries: &[],
            tls: false,
        }
    }
}

#[test]
fn a_linked_plugin_is_discovered() {
    let registry = Registry::discover().build().unwrap();
    assert_eq!(registry.entries_of(ID).len(), 1);
    assert_eq!(
        registry.entries().count(),
        1,
        "nothing else is linked into this test"
    );
}

#[test]
fn one_plugin_through_both_doors_is_one_plugin() {
    let registry = Registry::discover().with(plugin()).build().unwrap();
    assert_eq!(registry.entries_of(ID).len(), 1);
    assert_eq!(registry.plugins().collect::<Vec<_>>(), ["example"]);

    // Of its name and with something else in it, it would mean two things.
    for other in [
        Plugin::new("example"),
        plugin().row(row_named("Another")),
        plugin().kem(ID, provider_named("another"), Toy),
        plugin().transport(Nowhere),
        Plugin::new("example")
            .row(row())
            .kem(ID, provider_named("another"), Toy),
    ] {
        let error = Registry::discover()
            .with(other)
            .build()
            .map(drop)
            .unwrap_err();
        assert_eq!(error, BuildError::PluginTwice("example".into()));
    }
    let error = Registry::discover().with(plugin()).with(plugin()).build();
    let error = error.map(drop).unwrap_err();
    assert!(
        error.to_string().contains("remove or rename one"),
        "{error}"
    );
}

#[test]
fn the_order_of_registration_carries_no_meaning() {
    let other = || Plugin::new("other").kem(ID, provider_named("another"), Toy);
    let names = |plugins: [Plugin; 2]| {
        let [first, second] = plugins;
        let registry = Registry::builder()
            .with(first)
            .with(second)
            .build()
            .unwrap();
        let entries = registry.entries_of(ID);
        entries
            .iter()
            .map(|entry| entry.full_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names([plugin(), other()]), names([other(), plugin()]));
}

#[test]
fn one_plugin_twice_is_refused() {
    assert_eq!(
        refused([plugin(), plugin()]),
        BuildError::PluginTwice("example".into())
    );
}

#[test]
fn a_taken_name_is_refused_whatever_its_case_and_separators() {
    let taken = |name: &str, owner: &str| BuildError::NameTaken {
        plugin: "thief".into(),
        name: name.into(),
        owner: owner.into(),
    };
    for name in ["ML-KEM-768", "ml_kem_768", "MLKEM768"] {
        let thief = Plugin::new("thief").row(row_named(name));
        assert_eq!(refused([thief]), taken(name, "ML-KEM-768"));
    }
    let alias = Plugin::new("thief").row(row().alias("Kyber768"));
    assert_eq!(refused([alias]), taken("Kyber768", "Kyber-768"));
    let twice = Plugin::new("thief").row(row()).row(row());
    assert_eq!(refused([twice]), taken(ID, ID));
}

#[test]
fn a_name_with_characters_of_the_profile_syntax_is_refused() {
    for name in ["", "toy@home", "toy,kem", "toy=kem", "toy kem"] {
        let refused = refused([Plugin::new("names").row(row_named(name))]);
        assert!(
            matches!(refused, BuildError::NameSyntax { .. }),
            "{name}: {refused}"
        );
        let refused = self::refused([plugin().kem(ID, provider_named(name), Toy)]);
        assert!(
            matches!(refused, BuildError::NameSyntax { .. }),
            "{name}: {refused}"
        );
    }
}

#[test]
fn code_without_a_row_is_refused() {
    let no_row = |plugin: &str, algorithm: &str| BuildError::NoRow {
        plugin: plugin.into(),
        algorithm: algorithm.into(),
    };
    let offer = Plugin::new("rowless").kem("Toy", provider(), Toy);
    assert_eq!(refused([offer]), no_row("rowless", "Toy"));
    let base = Plugin::new("derived").derived(ID, "Toy", |_, _| None);
    assert_eq!(refused([plugin(), base]), no_row("derived", "Toy"));
    let derived = Plugin::new("derived").derived("Toy", ID, |code, provider| {
        Some((provider.clone(), code.clone()))
    });
    assert_eq!(refused([plugin(), derived]), no_row("derived", "Toy"));
}

#[test]
fn code_of_another_kind_than_the_row_is_refused() {
    let refused = refused([Plugin::new("mixed").kem("AES-256-GCM", provider(), Toy)]);
    let expected = BuildError::WrongKind {
        plugin: "mixed".into(),
        algorithm: "AES-256-GCM".into(),
        expected: Kind::Aead,
        got: Kind::Kem,
    };
    assert_eq!(refused, expected);
}

#[test]
fn two_providers_of_one_name_are_refused() {
    let other = Plugin::new("other").kem(ID, provider(), Toy);
    let twice = BuildError::ProviderTwice {
        algorithm: ID.into(),
        provider: "example".into(),
    };
    assert_eq!(refused([plugin(), other]), twice);
}

#[test]
fn two_transports_of_one_name_are_refused() {
    let refused = refused([Plugin::new("twice").transport(Nowhere).transport(Nowhere)]);
    assert!(
        matches!(
            refused,
            BuildError::ComponentTwice {
                what: "transport",
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_name_that_nearly_exists_is_suggested() {
    let registry = registry(plugin());
    let nearest = |name: &str| match registry.find(name).map(drop) {
        Err(ResolveError::UnknownAlgorithm { nearest, .. }) => nearest,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(nearest("Example-Insecure-XOR-KAM").as_deref(), Some(ID));
    assert_eq!(nearest("ML-KEM-786").as_deref(), Some("ML-KEM-768"));
    assert_eq!(nearest("nothing like it"), None);
    assert_eq!(registry.find("example_insecure_xor_kem").unwrap().id, ID);
}

#[test]
fn each_kind_of_unusable_name_has_its_own_refusal() {
    let registry = registry(plugin());
    let refused = |name: &str| resolve(&registry, name).0.map(drop).unwrap_err();
    assert!(matches!(
        refused("SHA-256"),
        ResolveError::WrongKind {
            got: Kind::Hash,
            ..
        }
    ));
    assert!(matches!(
        refused("ML-KEM-768"),
        ResolveError::NoProvider { .. }
    ));
    let unknown = refused(&format!("{ID}@exemple"));
    assert!(
        matches!(&unknown, ResolveError::UnknownProvider { known, .. } if known == "example"),
        "{unknown}"
    );
    let transport = registry.transport("nowhere").map(drop);
    assert!(matches!(
        transport,
        Err(ResolveError::UnknownTransport { .. })
    ));
    let system = registry.system("nothing").map(drop);
    assert!(matches!(system, Err(ResolveError::UnknownSystem { .. })));
}

#[test]
fn what_a_profile_requires_must_be_there_with_code() {
    let registry = registry(plugin().transport(Nowhere));
    let require = |name: &str| registry.require(&[name.to_owned()]);
    for name in [ID, "example", "nowhere"] {
        assert_eq!(require(name), Ok(()), "{name}");
    }
    // A row alone is not enough.
    for name in ["ML-KEM-768", "example-plugin"] {
        assert_eq!(
            require(name),
            Err(ResolveError::Required { name: name.into() })
        );
    }
}

#[test]
fn the_shipped_policies_refuse_the_example() {
    let registry = registry(plugin());
    for name in ["modern", "legacy-compat"] {
        let policies = [Policy::shipped(name).unwrap()];
        let mut rng = Counter::default();
        let mut resolver = Resolver::new(&registry, &mut rng, &policies, &[], "2026-01-01");
        let refused = resolver.kem(ID).map(drop);
        assert!(
            matches!(refused, Err(ResolveError::Refused { .. })),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn an_ordered_list_gives_its_first_usable_name_and_says_why_not_the_others() {
    let registry = registry(plugin());
    let mut rng = Counter::default();
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    let names = ["ML-KEM-768".to_owned(), ID.to_owned()];
    assert_eq!(resolver.first(&names, Resolver::kem).unwrap().info().id, ID);
    let decisions = resolver.take_decisions();
    assert!(matches!(&decisions[0], Decision::PassedOver { name, .. } if name == "ML-KEM-768"));

    let none = ["ML-KEM-768".to_owned(), "SHA-256".to_owned()];
    let refused = resolver.first(&none, Resolver::kem).map(drop);
    assert!(
        matches!(refused, Err(ResolveError::NoAlternative(_))),
        "{refused:?}"
    );
}
