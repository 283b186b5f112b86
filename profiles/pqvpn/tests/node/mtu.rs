//! What the way to a peer carries, on a network that loses what is longer than it says.

use std::cell::Cell;
use std::rc::Rc;

use pqfw_pqvpn::limits::{MOST_DATAGRAM, MTU_STEP};
use pqfw_pqvpn::node::{ConfigError, Event, Node};

use crate::net::{Net, address, config};
use crate::people::{CHEAP, rng, shared};

const MOST: usize = 1472;

/// Two nodes, the first of which looks for what the way carries, and the way's limit.
fn net(carries: usize) -> (Net, Rc<Cell<usize>>) {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut curious = config(&near, &[CHEAP], &[far.id()]);
    curious.most_datagram = MOST;
    let mut net = Net::new(vec![curious, config(&far, &[CHEAP], &[near.id()])]);
    let limit = Rc::new(Cell::new(carries));
    let of_way = limit.clone();
    net.fate = Box::new(move |packet| match packet.bytes.len() <= of_way.get() {
        true => vec![packet],
        false => Vec::new(),
    });
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
    (net, limit)
}

fn found(net: &Net) -> usize {
    net.places[0].node.carries(net.id(1))
}

fn largest(net: &Net) -> usize {
    let sent = net.sent.iter().map(|packet| packet.bytes.len());
    sent.max().unwrap()
}

#[test]
fn what_the_way_carries_is_found_and_told() {
    let (mut net, _) = net(MOST);
    assert_eq!(found(&net), MOST_DATAGRAM, "before anything is known");
    net.pass_secs(2);
    assert_eq!(found(&net), MOST, "at the first try");
    assert_eq!(
        net.count(1, |event| matches!(event, Event::Carries { .. })),
        0
    );
    for carries in [1233, 1300, 1392, 1420, 1471] {
        let (mut net, _) = self::net(carries);
        net.pass_secs(30);
        let found = found(&net);
        assert!(
            (carries - MTU_STEP..=carries).contains(&found),
            "{found} of {carries}"
        );
        assert!(largest(&net) <= MOST);
        let told = net.places[0]
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Carries { datagram, .. } => Some(*datagram),
                _ => None,
            });
        assert_eq!(told.unwrap_or(MOST_DATAGRAM), found);
    }
}

#[test]
fn a_way_that_carries_less_by_now_is_found_out_and_one_that_carries_more_too() {
    let (mut net, limit) = net(MOST);
    net.pass_secs(10);
    limit.set(1300);
    net.pass_secs(100);
    let less = found(&net);
    assert!((1284..=1300).contains(&less), "{less}");
    limit.set(MOST);
    net.pass_secs(700);
    assert_eq!(found(&net), MOST);
    // A rekey is no other way; an answer to nothing says nothing.
    assert!(net.count(0, |event| matches!(event, Event::Rekeyed { .. })) >= 1);
}

#[test]
fn a_peer_that_moves_has_another_way() {
    let (mut net, limit) = net(MOST);
    net.pass_secs(10);
    limit.set(1300);
    net.places[1].address = address(5);
    net.send(1, 0, 1).unwrap();
    net.pass_secs(1);
    assert_eq!(found(&net), MOST_DATAGRAM, "nothing is known of it yet");
    net.pass_secs(60);
    assert!((1284..=1300).contains(&found(&net)));
}

#[test]
fn a_loss_is_not_a_limit() {
    let (mut net, _) = net(MOST);
    let mut count = 0;
    let mut inner = std::mem::replace(&mut net.fate, Box::new(|_| Vec::new()));
    net.fate = Box::new(move |packet| {
        let is_probe = packet.bytes.len() > MOST_DATAGRAM;
        count += usize::from(is_probe);
        match is_probe && count < 3 {
            true => Vec::new(),
            false => inner(packet),
        }
    });
    net.pass_secs(10);
    assert_eq!(found(&net), MOST, "the third is enough");
}

#[test]
fn nothing_is_tried_that_cannot_be() {
    let own = shared(0, CHEAP);
    for bytes in [0, MOST_DATAGRAM - 1, 65_508] {
        let mut config = config(&own, &[CHEAP], &[]);
        config.most_datagram = bytes;
        let refused = Node::new(config, Box::new(rng(1))).err();
        assert_eq!(refused, Some(ConfigError::Datagram(bytes)));
    }
    let (mut net, _) = net(MOST_DATAGRAM);
    net.pass_secs(100);
    let to_near = net.sent.iter().filter(|packet| packet.to == address(0));
    let answer = to_near.map(|packet| packet.bytes.len()).max().unwrap();
    assert!(
        answer <= MOST_DATAGRAM,
        "who does not look sends nothing long"
    );
    assert_eq!(found(&net), MOST_DATAGRAM);
}
