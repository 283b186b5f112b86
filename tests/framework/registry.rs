//! Names, collisions, order, policy and failing over.

use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::policy::Policy;
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::{
    BuildError, Decision, GateError, Plugin, Registry, ResolveError, Resolver,
};

use crate::broken::{Fault, Mirror, plugin, resolve, rng, row};

fn built_in() -> Registry {
    pqfw::registry().build().unwrap()
}

fn build_error(plugins: impl IntoIterator<Item = Plugin>) -> BuildError {
    let builder = plugins
        .into_iter()
        .fold(Registry::builder(), |b, plugin| b.with(plugin));
    builder.build().map(drop).unwrap_err()
}

/// Two providers of one toy, the first of which fails its admission.
fn with_a_failing_first(second: ProviderInfo) -> Registry {
    let toy = row("Mirror").providers(&["first", "second"]);
    let first = ProviderInfo::new("first", "1").constant_time(ConstantTime::Claimed, "a test");
    let plugin = Plugin::new("test")
        .row(toy)
        .kem("Mirror", first, Mirror(Fault::WrongSecret))
        .kem("Mirror", second, Mirror(Fault::None));
    Registry::builder().with(plugin).build().unwrap()
}

#[test]
fn an_algorithm_is_found_by_id_and_alias_whatever_the_separators() {
    let registry = built_in();
    for name in ["ML-KEM-768", "ml-kem-768", "MLKEM768", "ml_kem_768"] {
        assert_eq!(registry.find(name).unwrap().id, "ML-KEM-768", "{name}");
    }
    assert_eq!(registry.find("Kyber768").unwrap().id, "Kyber-768");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let error = built_in().find("ML-KEN-768").map(drop).unwrap_err();
    let ResolveError::UnknownAlgorithm { nearest, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(nearest.as_deref(), Some("ML-KEM-768"));
    assert!(error.to_string().contains("did you mean `ML-KEM-768`?"));
}

#[test]
fn a_name_of_another_kind_is_refused() {
    let error = resolve(&built_in(), |r| r.kem("ML-DSA-65"))
        .map(drop)
        .unwrap_err();
    let expected = ResolveError::WrongKind {
        id: "ML-DSA-65".into(),
        got: Kind::Signature,
        expected: Kind::Kem,
    };
    assert_eq!(error, expected);
}

#[test]
fn a_pinned_provider_is_used_and_an_unknown_one_refused() {
    let registry = built_in();
    let kem = resolve(&registry, |r| r.kem("ML-KEM-768@rustcrypto")).unwrap();
    assert_eq!(kem.provider().name, "rustcrypto");
    let error = resolve(&registry, |r| r.kem("ML-KEM-768@nobody"))
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(error, ResolveError::UnknownProvider { .. }),
        "{error}"
    );
}

#[test]
fn a_row_without_code_is_refused_with_the_fix() {
    let registry = Registry::builder().build().unwrap();
    let error = resolve(&registry, |r| r.kem("ML-KEM-768"))
        .map(drop)
        .unwrap_err();
    assert_eq!(
        error,
        ResolveError::NoProvider {
            id: "ML-KEM-768".into()
        }
    );
}

#[test]
fn a_preference_changes_the_order_and_registration_does_not() {
    let registry = built_in();
    let mut rng = rng();
    let prefer = ["rustcrypto".to_owned()];
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &prefer, "2026-01-01");
    assert_eq!(
        resolver.kem("ML-KEM-768").unwrap().provider().name,
        "rustcrypto"
    );

    let orders = [
        [pqfw_ml_kem::plugin(), pqfw_aws_lc::plugin()],
        [pqfw_aws_lc::plugin(), pqfw_ml_kem::plugin()],
    ];
    for plugins in orders {
        let builder = plugins
            .into_iter()
            .fold(Registry::builder(), |b, p| b.with(p));
        let registry = builder.build().unwrap();
        let kem = resolve(&registry, |r| r.kem("ML-KEM-768")).unwrap();
        assert_eq!(kem.provider().name, "aws-lc");
    }
}

#[test]
fn a_policy_refuses_with_the_rule_and_its_source() {
    let (registry, mut rng) = (built_in(), rng());
    let modern = [Policy::shipped("modern").unwrap()];
    let mut resolver = Resolver::new(&registry, &mut rng, &modern, &[], "2026-01-01");
    let error = resolver.kem("Kyber-768").map(drop).unwrap_err();
    let ResolveError::Refused { reason, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        reason.contains("rule M1") && reason.contains("NIST IR 8547"),
        "{reason}"
    );
}

#[test]
fn a_warning_of_a_policy_is_recorded() {
    let text = "name='p'\nsummary='s'\n[[rule]]\nid='w'\nsource='s'\ndeny=['ML-KEM-768']\n\
                warn_from='2020-01-01'\n";
    let (registry, mut rng) = (built_in(), rng());
    let policies = [Policy::parse(text).unwrap()];
    let mut resolver = Resolver::new(&registry, &mut rng, &policies, &[], "2026-01-01");
    resolver.kem("ML-KEM-768").unwrap();
    let decisions = resolver.take_decisions();
    assert!(
        decisions
            .iter()
            .any(|d| matches!(d, Decision::Warned { .. })),
        "{decisions:?}"
    );
}

#[test]
fn a_failed_provider_is_quarantined_and_the_next_takes_over() {
    let second = ProviderInfo::new("second", "1").constant_time(ConstantTime::Claimed, "a test");
    let registry = with_a_failing_first(second);
    let mut rng = rng();
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    assert_eq!(resolver.kem("Mirror").unwrap().provider().name, "second");
    let decisions = resolver.take_decisions();
    let [
        Decision::Quarantined { provider, .. },
        Decision::Chosen { .. },
    ] = &decisions[..]
    else {
        panic!("{decisions:?}");
    };
    assert_eq!(provider, "first");
}

#[test]
fn a_successor_that_claims_less_does_not_take_over() {
    let registry = with_a_failing_first(ProviderInfo::new("second", "1"));
    let error = resolve(&registry, |r| r.kem("Mirror"))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, ResolveError::NoSuccessor { .. }), "{error}");
    let error = resolve(&registry, |r| r.kem("Mirror@first"))
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("the profile pins it"), "{error}");
}

#[test]
fn a_rehearsed_failure_moves_to_the_next_provider() {
    let two = Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .with(pqfw_ml_dsa::plugin())
        .build()
        .unwrap();
    let all = built_in();
    // The next in the row's order: with more features, one of theirs.
    let next = all.entries_of("ML-DSA-65")[1].provider().name.clone();
    for (mut registry, next) in [(two, "rustcrypto"), (all, next.as_str())] {
        let mut rng = rng();
        assert!(!registry.rehearse_failure("ML-DSA-65@nobody"));
        assert!(registry.rehearse_failure("ML-DSA-65@aws-lc"));
        let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
        let chosen = resolver.signature("ML-DSA-65").unwrap();
        assert_eq!(chosen.provider().name, next);
        let quarantined = Decision::Quarantined {
            algorithm: "ML-DSA-65".into(),
            provider: "aws-lc".into(),
            reason: GateError::Rehearsed,
        };
        assert!(resolver.take_decisions().contains(&quarantined));
    }
}

#[test]
fn an_ordered_list_falls_through_and_says_why() {
    let (registry, mut rng) = (built_in(), rng());
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    let names = ["No-Such-KEM".to_owned(), "ML-KEM-1024".to_owned()];
    assert_eq!(
        resolver.first(&names, Resolver::kem).unwrap().info().id,
        "ML-KEM-1024"
    );
    let passed =
        |d: &Decision| matches!(d, Decision::PassedOver { name, .. } if name == "No-Such-KEM");
    assert!(resolver.take_decisions().iter().any(passed));
    let none = ["No-Such-KEM".to_owned(), "Nor-This".to_owned()];
    let error = resolver.first(&none, Resolver::kem).map(drop).unwrap_err();
    assert!(matches!(error, ResolveError::NoAlternative(_)), "{error}");
}

#[test]
fn a_failed_admission_never_falls_through_to_another_algorithm() {
    let registry = with_a_failing_first(ProviderInfo::new("second", "1"));
    let names = ["Mirror".to_owned(), "ML-KEM-768".to_owned()];
    let error = resolve(&registry, |r| r.first(&names, Resolver::kem))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, ResolveError::NoSuccessor { .. }), "{error}");
}

#[test]
fn what_would_make_a_name_mean_two_things_is_refused() {
    let toy = |name| plugin(name, row("Mirror"), Fault::None);
    assert_eq!(
        build_error([toy("a"), toy("a")]),
        BuildError::PluginTwice("a".into())
    );
    assert!(matches!(
        build_error([toy("a"), toy("b")]),
        BuildError::NameTaken { .. }
    ));
    let thief: AlgorithmInfo = row("Mirror").alias("ml_kem_768");
    let error = build_error([plugin("thief", thief, Fault::None)]);
    assert!(matches!(&error, BuildError::NameTaken { owner, .. } if owner == "ML-KEM-768"));
    let error = build_error([plugin("syntax", row("A@B"), Fault::None)]);
    assert!(matches!(error, BuildError::NameSyntax { .. }), "{error}");
    let twice = pqfw_http::plugin().transport(pqfw_memory::MemoryTransport::new());
    let error = build_error([twice, pqfw_memory::plugin()]);
    assert!(
        matches!(error, BuildError::ComponentTwice { .. }),
        "{error}"
    );
}

#[test]
fn an_offer_must_fit_a_row() {
    let info = || ProviderInfo::new("mirror", "1");
    let offer = |id: &str| Plugin::new("x").kem(id, info(), Mirror(Fault::None));
    assert!(matches!(
        build_error([offer("No-Row")]),
        BuildError::NoRow { .. }
    ));
    assert!(matches!(
        build_error([offer("SHA-256")]),
        BuildError::WrongKind { .. }
    ));
    let twice = offer("ML-KEM-768").kem("ML-KEM-768", info(), Mirror(Fault::None));
    assert!(matches!(
        build_error([twice]),
        BuildError::ProviderTwice { .. }
    ));
}

#[test]
fn a_plugin_that_lies_about_a_built_in_algorithm_is_not_admitted() {
    let liar = Plugin::new("liar").kem(
        "X25519",
        ProviderInfo::new("liar", "1"),
        Mirror(Fault::None),
    );
    let registry = Registry::builder().with(liar).build().unwrap();
    let error = resolve(&registry, |r| r.kem("X25519"))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, ResolveError::NoSuccessor { .. }), "{error}");
}

#[test]
fn what_a_profile_requires_must_be_there() {
    let registry = built_in();
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    registry
        .require(&names(&["ML-KEM-768", "qu3", "http", "aws-lc"]))
        .unwrap();
    let error = registry.require(&names(&["my-plugin"])).unwrap_err();
    assert!(matches!(error, ResolveError::Required { .. }));
    assert!(error.to_string().contains("use my_plugin as _;"), "{error}");
    let bare = Registry::builder().build().unwrap();
    assert!(
        bare.require(&names(&["ML-KEM-768"])).is_err(),
        "a row without code is not there"
    );
}

#[test]
fn unknown_transports_and_systems_are_answered_with_what_there_is() {
    let registry = built_in();
    let error = registry.transport("carrier-pigeon").map(drop).unwrap_err();
    assert!(
        matches!(&error, ResolveError::UnknownTransport { known, .. } if known.contains("http"))
    );
    let error = registry.system("qu4").map(drop).unwrap_err();
    assert!(matches!(&error, ResolveError::UnknownSystem { known, .. } if known.contains("qu3")));
}

#[test]
fn derived_algorithms_exist_once_per_provider_of_their_base() {
    let registry = built_in();
    for (derived, base) in [("Kyber-512", "ML-KEM-512"), ("Kyber-1024", "ML-KEM-1024")] {
        let names = |id: &str| {
            registry
                .entries_of(id)
                .iter()
                .map(|e| e.provider().name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(derived), names(base));
        assert!(names(derived).len() >= 2);
    }
}
