//! One file a command.

mod aead;
mod algorithms;
mod audit;
mod bench;
mod chat;
mod check;
mod conform;
mod describe;
mod doctor;
mod explain;
mod kem;
mod keys;
mod matrix;
mod mcp;
pub(crate) mod passphrase;
mod plugin;
mod probe;
mod profile;
mod qflare;
mod qu3;
mod run;
mod selftest;
mod sig;
mod system;
mod vectors;
mod vpn;

use clap::CommandFactory;
use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::keys::{PrivateKeyParts, private_to_pem, public_to_pem};
use pqfw_framework::policy::Policy;
use pqfw_framework::registry::{Plugin, Registry, Resolver};
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use crate::args::primitives::Keygen;
use crate::args::{Args, Command, Common};
use crate::builtin;
use crate::compose;
use crate::error::CliError;
use crate::files;
use crate::logging::LogLevel;
use crate::output::{Output, Tone};

/// Runs the command that was typed.
pub(crate) fn run(args: Args, plugins: Vec<Plugin>, output: &Output) -> Result<(), CliError> {
    let Args { common, command } = args;
    let builder = plugins
        .into_iter()
        .fold(builtin::registry(), |builder, plugin| builder.with(plugin));
    let mut registry = builder.build()?;
    let rehearsal = Rehearsal::asked();
    match &command {
        // Whether it is a demo is known when its profile is.
        Command::Run(_) | Command::Chat(_) | Command::Mcp(_) => {}
        Command::ListAlgorithms(list) if list.selftest => rehearsal.apply(&mut registry)?,
        Command::Selftest(_) | Command::Explain(_) | Command::Check(_) | Command::Doctor(_) => {
            rehearsal.apply(&mut registry)?;
        }
        _ => rehearsal.decline(output),
    }
    match command {
        Command::Run(run) => run::run(run, &common, registry, &rehearsal, output),
        Command::ListAlgorithms(list) => algorithms::list(&list, &registry, output),
        Command::ListTransports => list_transports(&registry, output),
        Command::Describe { algorithm } => describe::describe(&algorithm, &registry, output),
        Command::Explain(args) => explain::run(&args, &registry, output),
        Command::Selftest(args) => selftest::run(&args, &registry, output),
        Command::Bench(args) => bench::run(&args, &registry, output),
        Command::Conform(conform) => conform::run(&conform, &registry, output),
        Command::Kem(kem) => kem::run(kem, &registry, output),
        Command::Sig(sig) => sig::run(sig, &registry, output),
        Command::Aead(aead) => aead::run(aead, &registry, output),
        Command::Keys(keys) => keys::run(keys, &registry, output),
        Command::Vectors(vectors) => vectors::run(vectors, &registry, output),
        Command::Qu3(qu3) => qu3::run(qu3, &common, &registry, output),
        Command::Qflare(qflare) => qflare::run(qflare, &common, &registry, output),
        Command::Chat(chat) => chat::run(chat, &common, registry, &rehearsal, output),
        Command::Mcp(mcp) => mcp::run(mcp, &common, registry, &rehearsal, output),
        Command::Audit(audit) => audit::run(&audit, &registry, output),
        Command::Vpn(vpn) => vpn::run(vpn, &common, &registry, output),
        Command::Check(args) => check::run(&args, &registry, output),
        Command::Doctor(args) => doctor::run(&args, &registry, output),
        Command::Matrix(args) => matrix::run(&args, &registry, output),
        Command::Plugin(plugin) => plugin::run(plugin, &registry, output),
        Command::Profile(profile) => profile::run(profile, &registry, output),
        Command::Probe(probe) => probe::run(&probe, &registry, output),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "pqfw", &mut text);
            output.bytes(&text);
            Ok(())
        }
        Command::Man { directory } => clap_mangen::generate_to(Args::command(), &directory)
            .map_err(|error| CliError::operation(format!("{}: {error}", directory.display()))),
    }
}

/// `PQFW_FAIL_KAT=ALGORITHM@PROVIDER`: makes an admission fail, where that may be rehearsed.
struct Rehearsal(Option<String>);

impl Rehearsal {
    fn asked() -> Self {
        Self(std::env::var("PQFW_FAIL_KAT").ok())
    }

    /// A slip in the variable must not look like a rehearsal that went well.
    fn apply(&self, registry: &mut Registry) -> Result<(), CliError> {
        match &self.0 {
            Some(full_name) if !registry.rehearse_failure(full_name) => {
                let hint = "write ALGORITHM@PROVIDER as list-algorithms has them";
                let what = format!("PQFW_FAIL_KAT: there is no `{full_name}`; {hint}");
                Err(CliError::usage(what))
            }
            _ => Ok(()),
        }
    }

    fn decline(&self, output: &Output) {
        if self.0.is_some() {
            let text = "warning: PQFW_FAIL_KAT is ignored here; it is for selftest, explain, \
                        list-algorithms --selftest, demo roles and run --rehearse";
            output.line_err(&output.paint_err(Tone::Warning, text));
        }
    }
}

fn list_transports(registry: &Registry, output: &Output) -> Result<(), CliError> {
    let infos: Vec<_> = registry
        .transports()
        .map(|transport| transport.info())
        .collect();
    if output.json {
        let rows = infos.iter().map(|info| {
            json!({
                "name": info.name,
                "summary": info.summary,
                "exchange": info.delivers(Delivery::Exchange),
                "stream": info.delivers(Delivery::Stream),
                "datagram": info.delivers(Delivery::Datagram),
                "tls": info.tls,
            })
        });
        output.document(&rows.collect());
        return Ok(());
    }
    let rows: Vec<_> = infos
        .iter()
        .map(|info| {
            let yes = |delivers| if delivers { "yes" } else { "-" };
            [
                (Tone::Strong, info.name),
                (Tone::Plain, yes(info.delivers(Delivery::Exchange))),
                (Tone::Plain, yes(info.delivers(Delivery::Stream))),
                (Tone::Plain, yes(info.delivers(Delivery::Datagram))),
                (Tone::Plain, yes(info.tls)),
                (Tone::Plain, info.summary),
            ]
            .map(|(tone, text)| (tone, text.to_owned()))
            .to_vec()
        })
        .collect();
    output.table(
        &[
            "TRANSPORT",
            "EXCHANGE",
            "STREAM",
            "DATAGRAM",
            "TLS",
            "SUMMARY",
        ],
        &rows,
    );
    Ok(())
}

/// Resolves one algorithm for a primitive on files: through the gate, under no policy.
fn resolve<T>(
    registry: &Registry,
    output: &Output,
    resolve: impl FnOnce(&mut Resolver<'_>) -> Result<T, pqfw_framework::registry::ResolveError>,
) -> Result<T, CliError> {
    resolve_under(registry, &[], output, resolve)
}

/// Resolves through the gate, under policies.
fn resolve_under<T>(
    registry: &Registry,
    policies: &[Policy],
    output: &Output,
    resolve: impl FnOnce(&mut Resolver<'_>) -> Result<T, pqfw_framework::registry::ResolveError>,
) -> Result<T, CliError> {
    let world = OsWorld::new();
    let (mut rng, today) = (world.rng(), world.now().day());
    let measured = crate::prefs::load(registry, output)?;
    let mut resolver = Resolver::new(registry, &mut *rng, policies, &[], &today);
    if let Some(measured) = &measured {
        resolver = resolver.measured(measured);
    }
    let found = resolve(&mut resolver)?;
    for decision in resolver.take_decisions() {
        if let Some(text) = compose::describe(&decision) {
            output.line_err(&output.paint_err(Tone::Warning, &format!("warning: {text}")));
        }
    }
    Ok(found)
}

/// Writes a fresh key pair as `keygen` was asked to: raw bytes, or PEM with the seed where there
/// is one.
fn write_key_pair(
    info: &AlgorithmInfo,
    args: &Keygen,
    parts: &PrivateKeyParts,
    public: &[u8],
    output: &Output,
) -> Result<(), CliError> {
    if args.raw {
        let secret = parts.expanded.as_ref().or(parts.seed.as_ref());
        let secret = secret.ok_or_else(|| CliError::operation("the key cannot be exported"))?;
        files::write_secret(output, &args.secret, secret.expose(), args.force)?;
        return files::write(output, &args.public, public);
    }
    let secret = private_to_pem(info, parts)?;
    let public = public_to_pem(info, public)?;
    files::write_secret(output, &args.secret, secret.as_bytes(), args.force)?;
    files::write(output, &args.public, public.as_bytes())
}

/// The options of every command that logs, with logging from the profile.
fn start_logging(
    common: &Common,
    profile: &pqfw_framework::profile::Profile,
    default: crate::args::Level,
) -> Result<LogLevel, CliError> {
    crate::logging::start(common, &profile.common.logging, default)
}
