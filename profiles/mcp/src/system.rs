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
