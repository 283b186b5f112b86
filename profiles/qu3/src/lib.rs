//! QU3, quantum-safe inference: client, server and scenario, for pqfw.
