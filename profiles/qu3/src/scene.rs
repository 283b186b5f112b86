//! The stage of the demos: steps with their time and bytes, and a wire in the attacker's hands.

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::scene::{self, Wire};
use pqfw_framework::system::Report;
use pqfw_framework::transport::Exchange;
use pqfw_framework::world::World;

pub(crate) use pqfw_framework::scene::{Quiet, failed};

/// The stage: what the wire has carried is told with each step.
pub(crate) struct Scene {
    scene: scene::Scene,
    pub(crate) world: Arc<dyn World>,
    pub(crate) wire: Arc<Wire>,
}

impl Scene {
    /// Sets the stage around a transport that carries exchanges.
    pub(crate) fn new(
        inner: Arc<dyn Exchange>,
        world: Arc<dyn World>,
        report: Arc<dyn Report>,
    ) -> Self {
        Self {
            scene: scene::Scene::new(world.clone(), report),
            world,
            wire: Arc::new(Wire::new(inner)),
        }
    }

    pub(crate) fn step(&mut self, title: &str) {
        self.wire.bytes();
        self.scene.step(title);
    }

    pub(crate) fn fact(&self, name: &str, value: &str) {
        self.scene.fact(name, value);
    }

    pub(crate) fn passed(&self, what: &str) {
        let (sent, received) = self.wire.bytes();
        if sent + received > 0 {
            let value = format!("{sent} bytes sent, {received} received");
            self.fact("on the wire", &value);
        }
        self.scene.passed(what);
    }
}

/// An object with one text, as it reads.
pub(crate) fn display(json: &Json) -> String {
    // For people: as it reads, not as it is escaped.
    match json.as_object().and_then(|object| object.iter().next()) {
        Some((key, Json::String(text))) => format!("{{{key}: {text}}}"),
        _ => json.default_text(),
    }
}
