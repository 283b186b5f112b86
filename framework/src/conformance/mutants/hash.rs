//! Mutants of SHAKE256.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Given, Mutant, base};
use crate::hash::{Hash, HashState};
use crate::registry::Code;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "fork-shares-state",
        what: "a copy of a state is the state itself",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::ForkSharesState),
    },
    Mutant {
        name: "fork-of-fork-is-empty",
        what: "a copy of a copy starts over",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::ForkOfForkIsEmpty),
    },
    Mutant {
        name: "single-bytes-lost",
        what: "an update of one byte is forgotten",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::SingleBytesLost),
    },
    Mutant {
        name: "whole-blocks-lost",
        what: "an update of exactly one block is forgotten",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::WholeBlocksLost),
    },
    Mutant {
        name: "long-message-cut",
        what: "of a message the first 64 KiB are hashed",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::LongMessageCut),
    },
    Mutant {
        name: "high-bits-ignored",
        what: "the highest bit of every byte is not hashed",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::HighBitsIgnored),
    },
    Mutant {
        name: "output-ends-early",
        what: "output beyond 1 KiB is zero",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::OutputEndsEarly),
    },
    Mutant {
        name: "state-not-reset",
        what: "a message is hashed behind the one before it",
        base: base!("SHAKE256"),
        plant: |given| hash(given, Fault::StateNotReset),
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    ForkSharesState,
    ForkOfForkIsEmpty,
    SingleBytesLost,
    WholeBlocksLost,
    LongMessageCut,
    HighBitsIgnored,
    OutputEndsEarly,
    StateNotReset,
}

fn hash(given: &Given<'_>, fault: Fault) -> Option<Code> {
    let Code::Hash(base) = given.code else {
        return None;
    };
    let shell = Shell {
        base: base.clone(),
        fault,
        before: Arc::default(),
    };
    Some(Code::Hash(Arc::new(shell)))
}

struct Shell {
    base: Arc<dyn Hash>,
    fault: Fault,
    before: Arc<Mutex<Vec<u8>>>,
}

/// Gathers its input, which makes faults easy to write.
struct State {
    base: Arc<dyn Hash>,
    fault: Fault,
    before: Arc<Mutex<Vec<u8>>>,
    input: Arc<Mutex<Vec<u8>>>,
    forks: usize,
}

fn locked(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hash for Shell {
    fn start(&self) -> Box<dyn HashState> {
        Box::new(State {
            base: self.base.clone(),
            fault: self.fault,
            before: self.before.clone(),
            input: Arc::default(),
            forks: 0,
        })
    }
}

/// The input block of SHAKE256 (FIPS 202, table 3).
const BLOCK: usize = 136;

impl HashState for State {
    fn update(&mut self, input: &[u8]) {
        let lost = match self.fault {
            Fault::SingleBytesLost => input.len() == 1,
            Fault::WholeBlocksLost => input.len() == BLOCK,
            _ => false,
        };
        if !lost {
            locked(&self.input).extend_from_slice(input);
        }
    }

    fn fork(&self) -> Box<dyn HashState> {
        let input = match self.fault {
            Fault::ForkSharesState => self.input.clone(),
            Fault::ForkOfForkIsEmpty if self.forks > 0 => Arc::default(),
            _ => Arc::new(Mutex::new(locked(&self.input).clone())),
        };
        Box::new(Self {
            base: self.base.clone(),
            fault: self.fault,
            before: self.before.clone(),
            input,
            forks: self.forks + 1,
        })
    }

    fn finish(self: Box<Self>, output: &mut [u8]) {
        let mut input = locked(&self.input).clone();
        match self.fault {
            Fault::LongMessageCut => input.truncate(1 << 16),
            Fault::HighBitsIgnored => input.iter_mut().for_each(|byte| *byte &= 0x7f),
            Fault::StateNotReset => {
                let before = std::mem::replace(&mut *locked(&self.before), input.clone());
                input = [before, input].concat();
            }
            _ => {}
        }
        let mut state = self.base.start();
        state.update(&input);
        state.finish(output);
        if self.fault == Fault::OutputEndsEarly {
            output.iter_mut().skip(1 << 10).for_each(|byte| *byte = 0);
        }
    }
}
