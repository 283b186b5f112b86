//! MCP as a system that profiles run: each dialect in a room of its own.

use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::system::{Dialect, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::BoxFuture;

use crate::config::McpConfig;
use crate::{bridge, signed};

/// The system.
pub struct Mcp;

impl System for Mcp {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "mcp",
            summary: "the Model Context Protocol under post-quantum protection",
            dialects: vec![
                Dialect {
                    name: bridge::DIALECT,
                    summary: "unmodified hosts and servers, with the channel between them",
                    policy: None,
                    cannot_protect: Vec::new(),
                },
                Dialect {
                    name: signed::DIALECT,
                    summary: "wire-compatible with deployed Python peers: signed, not sealed",
                    policy: None,
                    cannot_protect: signed::CANNOT_PROTECT.to_vec(),
                },
            ],
            roles: &[Role::Demo, Role::Server, Role::Client],
            shipped_profile: include_str!("../../mcp.toml"),
        }
    }

    fn own_keys(&self) -> &'static [&'static str] {
        &["metrics"]
    }

    fn table_schema(&self) -> serde_json::Value {
        schema_of::<McpConfig>()
    }

    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError> {
        profile.system_table::<McpConfig>().map(drop)
    }

    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let config = profile.system_table::<McpConfig>();
        let profile = profile.clone();
        Box::pin(async move {
            let config = config?;
            match profile.dialect.as_str() {
                bridge::DIALECT => bridge::run(role, &config, &profile, host, stop).await,
                signed::DIALECT => signed::run(role, &config, &profile, host, stop).await,
                other => Err(RunError::new(
                    Failure::Usage,
                    format!("mcp has no dialect `{other}`"),
                )),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use pqfw_framework::profile::Overrides;
    use pqfw_framework::registry::Registry;

    use super::*;

    fn unknown(key: &str) -> String {
        let registry = Registry::builder().with(crate::plugin()).build().unwrap();
        let overrides = Overrides {
            set: vec![(key.into(), "1".into())],
            environment: Vec::new(),
        };
        let shipped = Mcp.info().shipped_profile;
        let resolved = Profile::resolve(shipped, "mcp", &overrides, &registry);
        resolved.map(drop).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_told_the_systems_own_keys() {
        let text = unknown("nonsense");
        assert!(
            text.starts_with("--set: unknown key `nonsense`; there are: profile, name, "),
            "{text}"
        );
        assert!(text.ends_with("store, logging, metrics, mcp"), "{text}");
        for (key, meant) in [
            ("inspect", "mcp.inspect"),
            ("metrik", "metrics"),
            ("mpc", "mcp"),
            ("nam", "name"),
        ] {
            let text = unknown(key);
            let expected = format!("unknown key `{key}`; did you mean `{meant}`?");
            assert!(text.ends_with(&expected), "{text}");
        }
        let text = unknown("transport.inspect");
        assert!(
            text.ends_with("there are: kind, listen, connect, tls, limits"),
            "{text}"
        );
    }
}
