//! Scenario, interop, vector and rules tests of pqfw.
