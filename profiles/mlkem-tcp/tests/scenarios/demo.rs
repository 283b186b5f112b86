//! The scenario that every profile can play, without a socket.

use pqfw_framework::system::{Event, Failure, Role, RunError};

use crate::support::machine::{Machine, Typed, never};

async fn play(set: &[(&str, &str)]) -> Result<Vec<Event>, RunError> {
    let machine = Machine::new();
    let demo = machine.run(Role::Demo, set, Typed::nothing(), never());
    demo.await?;
    Ok(machine.told.events())
}

#[tokio::test]
async fn every_step_of_the_demo_ends_as_it_should() {
    let events = play(&[]).await.unwrap();
    let steps = |begins: &str| {
        let is = |event: &&Event| matches!(event, Event::Step { title, .. } if title.starts_with(begins));
        events.iter().filter(is).count()
    };
    assert_eq!((steps(""), steps("attack: ")), (9, 5));
    let refused: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Passed(text) => text.strip_prefix("refused: "),
            _ => None,
        })
        .collect();
    let words = [
        "does not decrypt",
        "GLOBAL at byte 0",
        "GLOBAL at byte 2",
        "signature on the server's key does not verify",
        "is not signed",
        "none of `mlkem-tcp.pins`",
    ];
    assert_eq!(refused.len(), words.len(), "{refused:?}");
    for (refused, words) in refused.iter().zip(words) {
        assert!(refused.contains(words), "{refused}");
    }
    let mlt_4 = events.iter().any(
        |event| matches!(event, Event::Passed(text) if text.starts_with("read again, as MLT-4")),
    );
    assert!(mlt_4, "what succeeds is said as well");
}

#[tokio::test]
async fn a_demo_in_which_something_fails_fails() {
    let error = play(&[("mlkem-tcp.max_frame_bytes", "1000")])
        .await
        .unwrap_err();
    assert_eq!(error.failure, Failure::Network, "{error}");
    assert!(error.message.contains("without sending its key"), "{error}");
}
