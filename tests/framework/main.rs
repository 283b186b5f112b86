//! The framework's promises, shown with real algorithms and with plugins that break them.

mod broken;
mod gate;
mod handles;
mod key_files;
mod profile;
mod registry;
