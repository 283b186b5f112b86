//! The stage of demos, and streams joined to streams: on a clock that moves when it is told to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::scene::{Quiet, Scene, Wire, failed};
use pqfw_framework::splice::{Activity, Silent, splice};
use pqfw_framework::system::{Event, Failure, Report};
use pqfw_framework::transport::{
    BoxFuture, Exchange, Request, Response, StreamReader, StreamWriter, TransportError,
};
use pqfw_memory::SeededWorld;

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Report for Heard {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[test]
fn steps_are_numbered_and_timed() {
    let (world, heard) = (Arc::new(SeededWorld::new(1)), Arc::new(Heard::default()));
    let mut scene = Scene::new(world.clone(), heard.clone());
    world.advance(Duration::from_secs(5));
    for (title, micros) in [("one", 1_250), ("two", 20_999)] {
        scene.step(title);
        scene.fact("what", title);
        world.advance(Duration::from_micros(micros));
        assert_eq!(scene.elapsed(), Duration::from_micros(micros));
        scene.passed("as it should");
    }
    let step = |number, title: &str, time: &str| {
        let fact = |name: &str, value: &str| Event::Fact {
            name: name.into(),
            value: value.into(),
        };
        let title = title.to_owned();
        let what = fact("what", &title);
        let step = Event::Step { number, title };
        let passed = Event::Passed("as it should".into());
        [step, what, fact("time", time), passed]
    };
    let expected = [step(1, "one", "1.2 ms"), step(2, "two", "20.9 ms")];
    assert_eq!(*heard.0.lock().unwrap(), expected.concat());
    let error = failed("the attack succeeded");
    assert_eq!(error.failure, Failure::Operation);
    assert_eq!(error.message, "demo: the attack succeeded");
    Quiet.event(&Event::Info("nobody hears it".into()));
}

struct Echo;

impl Exchange for Echo {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let body = [&request.body[..], b"!"].concat();
        Box::pin(async move { Ok(Response { status: 200, body }) })
    }
}

#[tokio::test]
async fn the_wire_of_a_scene_counts_keeps_and_changes_once() {
    let wire = Wire::new(Arc::new(Echo));
    assert_eq!(wire.last(), None);
    let ask = async || {
        let request = Request::post("/", b"abc".to_vec());
        wire.exchange(request).await.unwrap().body
    };
    assert_eq!(ask().await, b"abc!");
    assert_eq!(wire.bytes(), (3, 4));
    assert_eq!(wire.bytes(), (0, 0));
    wire.change_next(|body| body.push(b'd'));
    wire.change_next_answer(|body| body.truncate(1));
    assert_eq!(ask().await, b"a");
    // What was sent on is what is kept; what came is counted before it is changed.
    assert_eq!(wire.last().unwrap().body, b"abcd");
    assert_eq!(wire.bytes(), (4, 5));
    assert_eq!(ask().await, b"abc!");
}

/// Gives its pieces, and then the end, an error, or nothing more.
struct Reader(Vec<&'static [u8]>, Then);

#[derive(Clone, Copy)]
enum Then {
    End,
    Break,
    Silence,
}

fn broken() -> TransportError {
    TransportError::Broken {
        address: "here".into(),
        reason: "a test".into(),
    }
}

impl StreamReader for Reader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            if self.0.is_empty() {
                return match self.1 {
                    Then::End => Ok(0),
                    Then::Break => Err(broken()),
                    Then::Silence => pending().await,
                };
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        })
    }
}

/// Keeps what it is given, and whether that is all.
#[derive(Default)]
struct Writer(Vec<u8>, bool);

impl StreamWriter for Writer {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.extend_from_slice(bytes);
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.1 = true;
        Box::pin(async { Ok(()) })
    }
}

#[derive(Debug, PartialEq)]
enum Ended {
    Broken,
    Silent(u64),
}

impl From<TransportError> for Ended {
    fn from(_: TransportError) -> Self {
        Self::Broken
    }
}

impl From<Silent> for Ended {
    fn from(Silent(secs): Silent) -> Self {
        Self::Silent(secs)
    }
}

#[tokio::test]
async fn joined_streams_carry_both_ways_and_never_make_a_cut_look_whole() {
    for (then, expected) in [
        (Then::End, Ok(())),
        (Then::Break, Err(Ended::Broken)),
        (Then::Silence, Err(Ended::Silent(60))),
    ] {
        let world = Arc::new(SeededWorld::new(1));
        let activity = Activity::new(world.clone(), Duration::from_secs(60));
        let there: Vec<&[u8]> = vec![b"there", b" and on"];
        let (mut left, mut right) = (Reader(there, Then::End), Reader(vec![b"back"], then));
        let (mut to_left, mut to_right) = (Writer::default(), Writer::default());
        let joined = splice::<Ended>(
            (&mut left, &mut to_left),
            (&mut right, &mut to_right),
            &activity,
        );
        let clock = async {
            tokio::task::yield_now().await;
            world.advance(Duration::from_secs(61));
        };
        let (ended, ()) = tokio::join!(joined, clock);
        assert_eq!(ended, expected);
        assert_eq!(to_right.0, b"there and on");
        assert_eq!(
            (&to_left.0[..], to_left.1),
            (&b"back"[..], expected.is_ok())
        );
    }
}

#[tokio::test]
async fn a_sign_of_life_puts_the_end_off() {
    let world = Arc::new(SeededWorld::new(1));
    let activity = Activity::new(world.clone(), Duration::from_secs(60));
    world.advance(Duration::from_secs(59));
    activity.note();
    world.advance(Duration::from_secs(59));
    let over = tokio::spawn({
        let activity = Arc::new(activity);
        async move { activity.over().await }
    });
    tokio::task::yield_now().await;
    assert!(!over.is_finished());
    world.advance(Duration::from_secs(1));
    let silent = over.await.unwrap();
    assert_eq!(silent, Silent(60));
    assert_eq!(silent.to_string(), "nothing was said for 60 s");
}
