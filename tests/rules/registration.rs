//! Every crate that brings a plugin offers it through both doors, and the binary comes with all.

use syn::{Item, Visibility};

use crate::workspace::{Member, Source};

/// Profiles that are no plugin yet, each with the reason.
const NO_PLUGIN_YET: [(&str, &str); 0] = [];

/// Whether the crate at `path` must be a plugin: algorithms and profiles always, transports when
/// there is one in them.
fn brings_plugin(path: &str, sources: &[Source]) -> bool {
    if NO_PLUGIN_YET.iter().any(|(excused, _)| *excused == path) {
        return false;
    }
    match path.split('/').next() {
        Some("algorithms" | "profiles") => true,
        Some("transports") => {
            within(path, sources).any(|s| s.live_file().items.iter().any(is_transport))
        }
        _ => false,
    }
}

fn within<'a>(path: &str, sources: &'a [Source]) -> impl Iterator<Item = &'a Source> {
    let folder = format!("{path}/src/");
    sources
        .iter()
        .filter(move |source| source.path.starts_with(&folder))
}

fn is_transport(item: &Item) -> bool {
    let Item::Impl(item) = item else { return false };
    let name = item
        .trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last());
    name.is_some_and(|last| last.ident == "Transport")
}

/// The doors that the crate's `lib.rs` lacks.
fn missing_doors(library: &Source) -> Vec<String> {
    let file = library.live_file();
    let constructor = file.items.iter().any(|item| match item {
        Item::Fn(item) => item.sig.ident == "plugin" && matches!(item.vis, Visibility::Public(_)),
        _ => false,
    });
    let registered = file.items.iter().any(|item| match item {
        Item::Macro(item) => {
            let name = item.mac.path.segments.last();
            name.is_some_and(|last| last.ident == "register_plugin")
                && item.mac.tokens.to_string() == "plugin"
        }
        _ => false,
    });
    let doors = [
        ("pub fn plugin()", constructor),
        ("register_plugin!(plugin)", registered),
    ];
    let missing = doors.into_iter().filter(|(_, there)| !there);
    missing
        .map(|(door, _)| format!("{}: no `{door}`", library.path))
        .collect()
}

/// The plugins that the command line neither lists nor references: the linker would drop them.
fn not_linked(plugins: &[&str], cli: &Member, sources: &[Source]) -> Vec<String> {
    let listed = cli.dependencies();
    let referenced = |name: &str| {
        let name = name.replace('-', "_");
        within(&cli.path, sources)
            .flat_map(|source| crate::tokens::paths(source.live()))
            .any(|path| path.segments.first() == Some(&name))
    };
    let missing = plugins
        .iter()
        .filter(|name| !listed.contains(**name) || !referenced(name));
    missing
        .map(|name| format!("{}: {name}", cli.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::{members, sources};

    #[test]
    fn every_plugin_has_both_doors() {
        let sources = sources();
        let members = members();
        let plugins = members
            .iter()
            .filter(|member| brings_plugin(&member.path, &sources));
        let found: Vec<_> = plugins
            .flat_map(|member| {
                let path = format!("{}/src/lib.rs", member.path);
                let library = sources.iter().find(|source| source.path == path);
                library.map_or_else(|| vec![format!("{path}: not there")], missing_doors)
            })
            .collect();
        assert_none("plugins are offered through both doors", &found);
    }

    #[test]
    fn the_binary_links_every_plugin() {
        let (members, sources) = (members(), sources());
        let plugins = members
            .iter()
            .filter(|member| brings_plugin(&member.path, &sources));
        let plugins: Vec<_> = plugins.map(Member::name).collect();
        let cli = members.iter().find(|member| member.path == "cli").unwrap();
        assert_none("not linked by", &not_linked(&plugins, cli, &sources));
    }

    #[test]
    fn the_binary_knows_every_plugin_by_the_name_of_its_crate() {
        let registry = pqfw::registry().build().unwrap();
        let (members, sources) = (members(), sources());
        let cli = members.iter().find(|member| member.path == "cli").unwrap();
        for member in members
            .iter()
            .filter(|member| brings_plugin(&member.path, &sources))
        {
            let name = member.name().strip_prefix("pqfw-").unwrap();
            let known = registry.require(&[name.to_owned()]);
            // Whether this build has a feature is the build's affair; a name must still be right.
            if !(known.is_err() && cli.needs_only_by_feature(member.name())) {
                assert_eq!(known, Ok(()));
            }
        }
    }

    const GOOD: &str = "pub fn plugin() -> Plugin { Plugin::new(\"a\") }\n\
                        pqfw_framework::register_plugin!(plugin);";

    #[test]
    fn the_rule_fires_on_a_missing_door() {
        let missing =
            |code: &str| missing_doors(&Source::of("algorithms/a/src/lib.rs", code)).len();
        assert_eq!(missing(GOOD), 0);
        assert_eq!(missing("//! Nothing."), 2);
        assert_eq!(missing(&GOOD.replace("pub fn", "fn")), 1);
        assert_eq!(missing(&GOOD.replace("(plugin)", "(other)")), 1);
        assert_eq!(missing(&format!("#[cfg(test)]\nmod tests {{ {GOOD} }}")), 2);
    }

    #[test]
    fn algorithms_profiles_and_what_implements_a_transport_are_plugins() {
        let transport = "impl exchange::Transport for Http { }";
        let sources = [
            Source::of("transports/a/src/b.rs", transport),
            Source::of("transports/c/src/lib.rs", "pub struct Clock;"),
        ];
        let expected = [
            ("algorithms/a", true),
            ("profiles/a", true),
            ("transports/a", true),
            ("transports/c", false),
            ("framework", false),
        ];
        for (path, plugin) in expected {
            assert_eq!(brings_plugin(path, &sources), plugin, "{path}");
        }
    }

    #[test]
    fn the_rule_fires_on_a_plugin_that_is_listed_and_never_referenced() {
        let manifest = "[package]\nname = 'pqfw'\n[dependencies]\npqfw-a = '1'\npqfw-b = '1'";
        let cli = Member::of("cli", manifest);
        let code = "fn plugins() { vec![pqfw_a::plugin(), pqfw_c::plugin()]; }";
        let sources = [Source::of("cli/src/lib.rs", code)];
        let found = not_linked(&["pqfw-a", "pqfw-b", "pqfw-c"], &cli, &sources);
        assert_eq!(found, ["cli: pqfw-b", "cli: pqfw-c"]);
    }
}
