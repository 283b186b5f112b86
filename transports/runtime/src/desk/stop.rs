//! The wish to stop, which one listener has and all its connections hear.

use tokio::sync::watch;

/// Hears the wish.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Utters the wish, when told to or when dropped.
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// Makes both ends.
    #[must_use]
    pub fn pair() -> (Stopper, Self) {
        let (stopper, stop) = watch::channel(false);
        (Stopper(stopper), Self(stop))
    }

    /// Waits for the wish; at once when it was uttered before.
    pub async fn requested(&mut self) {
        // An error says that the stopper was dropped, which means the same.
        let _ = self.0.wait_for(|wished| *wished).await;
    }
}

impl Stopper {
    /// Utters the wish.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
