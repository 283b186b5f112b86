//! Scenario, interop, vector and rules tests of pqfw, and the measurement of timing, which is run
//! by hand and asserted by nobody.

pub mod timing;
