//! What an operator's command was given against the terms of the server: a contradiction is an
//! error, because the terms decide.

use pqfw_framework::system::RunError;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::state::Terms;

use crate::error::CliError;

/// Refuses a command that was given something else than what the server has said, by `--set` or by
/// a profile of its own. What the shipped profile says was not given: the server's terms stand in
/// its place.
pub(super) fn check(own: &Terms, set: &[String], server: &Terms) -> Result<(), CliError> {
    if own.dialect != server.dialect {
        // The dialect decides on keys and tokens: another would be wrong in silence.
        let text = format!(
            "the server of this state speaks {there}, this command {here}: add --set \
             dialect={there}, or start the server in {here}",
            there = server.dialect,
            here = own.dialect,
        );
        return Err(CliError::usage(text));
    }
    let shipped = QflareConfig::default().terms(&own.dialect);
    let shipped = settings(&shipped.map_err(RunError::from)?);
    let both = settings(own).into_iter().zip(settings(server)).zip(shipped);
    for (((key, here), (_, there)), (_, shipped)) in both {
        let given = here != shipped || set.iter().any(|set| set == key);
        if given && here != there {
            let text = format!(
                "{key} is {there} at the server of this state, not {here}: leave {key} out of this \
                 command, or start the server with {here}"
            );
            return Err(CliError::usage(text));
        }
    }
    Ok(())
}

/// How rounds are closed, by the keys of the profile.
fn settings(terms: &Terms) -> [(&'static str, String); 5] {
    [
        ("qflare.rule", terms.rule.clone()),
        ("qflare.clip", terms.clip.clone()),
        ("qflare.close_at", terms.close_at.to_string()),
        ("qflare.open_rounds", terms.open_rounds.to_string()),
        ("qflare.max_examples", terms.max_examples.to_string()),
    ]
}
