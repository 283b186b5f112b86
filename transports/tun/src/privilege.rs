//! Privileges (capabilities(7)): what is open stays open without them.

use pqfw_framework::interface::InterfaceError;

/// Keeps CAP_NET_ADMIN, if it is there, and nothing else, in this thread and those that it starts;
/// and no program that they run gets more (PR_SET_NO_NEW_PRIVS).
///
/// # Errors
/// [`InterfaceError::Privilege`] when the system does not let go.
#[cfg(target_os = "linux")]
pub fn keep_net_admin() -> Result<(), InterfaceError> {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_no_new_privs};

    let give_up = || {
        set_no_new_privs(true)?;
        let mut sets = capabilities(None)?;
        let keep = CapabilitySet::NET_ADMIN;
        sets.effective &= keep;
        sets.permitted &= keep;
        sets.inheritable = CapabilitySet::empty();
        set_capabilities(None, sets)
    };
    give_up().map_err(|error: rustix::io::Errno| InterfaceError::Privilege {
        doing: "giving up privileges".into(),
        reason: error.to_string(),
    })
}

/// Where there are no capabilities there is nothing to give up.
#[cfg(not(target_os = "linux"))]
pub fn keep_net_admin() -> Result<(), InterfaceError> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::{CapabilitySet, capabilities, no_new_privs};

    use super::*;

    #[test]
    fn a_thread_keeps_one_capability_at_most_and_so_do_those_it_starts() {
        // Capabilities are a thread's own: the other tests keep theirs.
        let thread = std::thread::spawn(|| {
            keep_net_admin().unwrap();
            let child = std::thread::spawn(|| (capabilities(None).unwrap(), no_new_privs()));
            child.join().unwrap()
        });
        let (sets, no_new) = thread.join().unwrap();
        assert!(CapabilitySet::NET_ADMIN.contains(sets.permitted));
        assert!(CapabilitySet::NET_ADMIN.contains(sets.effective));
        assert!(sets.inheritable.is_empty());
        assert_eq!(no_new, Ok(true));
    }
}
