//! PQVPN as a system that profiles run.

use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::system::{Dialect, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::BoxFuture;

use crate::config::{OWN_KEYS, Settings, Table};
use crate::{demo, service};

/// The system.
pub struct Pqvpn;

impl System for Pqvpn {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "pqvpn",
            summary: "hybrid post-quantum VPN node",
            dialects: vec![Dialect {
                name: "pqvpn-2",
                summary: "mutual, forward secret, hybrid in both; no state for strangers",
                policy: None,
                cannot_protect: Vec::new(),
            }],
            roles: &[Role::Demo, Role::Node],
            shipped_profile: include_str!("../../pqvpn.toml"),
        }
    }

    fn own_keys(&self) -> &'static [&'static str] {
        OWN_KEYS
    }

    fn table_schema(&self) -> serde_json::Value {
        schema_of::<Table>()
    }

    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError> {
        Settings::read(profile).map(drop)
    }

    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let settings = Settings::read(profile);
        Box::pin(async move {
            let settings = settings?;
            match role {
                Role::Demo => demo::run(&settings, host, stop).await,
                Role::Node => service::run(&settings, host, stop).await,
                Role::Server | Role::Client => Err(Pqvpn.info().has_no(role)),
            }
        })
    }
}
