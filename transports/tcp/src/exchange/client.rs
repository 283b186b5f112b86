//! The asking end: one connection to one server, made when it is needed and again when it is gone.
//!
//! A request that the server may have looked at is never sent twice: the protocols above refuse
//! replays. One that it certainly has not (it was not sent yet, or the server said goodbye before
//! it) goes over the next connection without a word.

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Exchange, Request, Response, TransportError, TransportSettings,
};
use pqfw_runtime::Target;
use pqfw_runtime::desk::{RequestHead, seconds};
use pqfw_tls::TlsClient;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::link::{Link, Lost};
use crate::SCHEME;
use crate::frame::LONGEST_HEAD_BYTES;
use crate::socket::{dial, dialled_tls};

/// Makes a client of `settings.connect`.
pub(crate) fn connect(settings: &TransportSettings) -> Result<Arc<dyn Exchange>, TransportError> {
    Ok(Arc::new(TcpExchange {
        target: Target::parse(SCHEME, &settings.connect)?,
        tls: dialled_tls(settings)?,
        settings: settings.clone(),
        link: Mutex::new(None),
    }))
}

struct TcpExchange {
    target: Target,
    tls: Option<TlsClient>,
    settings: TransportSettings,
    link: Mutex<Option<Arc<Link>>>,
}

/// How many connections may end before they take a request: a server that says goodbye to every
/// one of them has no place for it.
const CONNECTIONS_TRIED: usize = 4;

impl TcpExchange {
    async fn carry(&self, head: Vec<u8>, body: Arc<Vec<u8>>) -> Result<Response, TransportError> {
        let mut lost = Lost::NotTaken;
        for _ in 0..CONNECTIONS_TRIED {
            let link = self.link().await?;
            lost = match link.ask(&head, &body).await {
                Ok(response) => return Ok(response),
                Err(Lost::NotTaken) => Lost::NotTaken,
                Err(lost) => return Err(self.error(lost)),
            };
        }
        Err(self.error(lost))
    }

    /// The connection, a new one when there is none that takes requests.
    async fn link(&self) -> Result<Arc<Link>, TransportError> {
        let mut link = self.link.lock().await;
        if let Some(open) = link.as_ref().filter(|link| link.is_open()) {
            return Ok(open.clone());
        }
        *link = None;
        let socket = dial(
            &self.target,
            self.tls.as_ref(),
            self.settings.limits.request_secs,
        )
        .await?;
        let made = Arc::new(Link::open(socket, &self.settings.limits));
        *link = Some(made.clone());
        Ok(made)
    }

    fn error(&self, lost: Lost) -> TransportError {
        let address = self.target.url().to_owned();
        match lost {
            Lost::NotTaken => TransportError::Broken {
                address,
                reason: "the server closes every connection before it takes the request".into(),
            },
            Lost::Broken(reason) => TransportError::Broken { address, reason },
            Lost::TooLarge => TransportError::TooLarge {
                address,
                limit: self.settings.limits.body_bytes,
            },
        }
    }
}

impl Exchange for TcpExchange {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let refused = |reason| TransportError::Address {
                address: format!("{}{}", self.target.url(), request.route.escape_debug()),
                reason,
            };
            let head = RequestHead::of(&request).and_then(|head| head.encode());
            let head = head.map_err(|error| refused(error.to_string()))?;
            if head.len() > LONGEST_HEAD_BYTES {
                return Err(refused("it is longer than a frame".into()));
            }
            let secs = self.settings.limits.request_secs;
            let carried = self.carry(head, Arc::new(request.body));
            match timeout(seconds(secs), carried).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TransportError::TimedOut {
                    address: self.target.url().to_owned(),
                    secs,
                }),
            }
        })
    }
}
