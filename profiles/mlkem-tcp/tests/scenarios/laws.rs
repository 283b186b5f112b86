//! Laws for whatever arrives: a flipped bit is never another message, and nothing panics.

use proptest::prelude::*;

use crate::support::people::{anybody, client, pair, server, signed};
use crate::support::{rng, suite};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_is_never_another_message(at: prop::sample::Index, bit in 0_u8..8) {
        let (client, mut server) = pair(&suite());
        let mut frame = client.say("hello", &mut rng(3)).unwrap();
        let index = at.index(frame.len());
        frame[index] ^= 1 << bit;
        let heard = server.receive(&mut &frame[..]);
        // A bit of the length makes it wait for more; one of the pickle's protocol changes nothing.
        let harmless = index == 5 && frame[5] == 5;
        prop_assert!(matches!(heard, Err(_) | Ok(None)) || harmless, "{}", index);
    }

    #[test]
    fn a_flipped_bit_is_never_another_signed_key(at: prop::sample::Index, bit in 0_u8..8) {
        let mut frame = server(&suite(), signed(&suite(), 5)).greeting().unwrap();
        let index = at.index(frame.len());
        frame[index] ^= 1 << bit;
        let opened = client(&suite(), anybody(), &frame);
        let harmless = index == 5 && frame[5] == 5;
        prop_assert!(matches!(opened, Err(_) | Ok(None)) || harmless, "{}", index);
    }

    #[test]
    fn whatever_comes_is_refused_or_waited_for(stream: Vec<u8>) {
        let (_, mut server) = pair(&suite());
        prop_assert!(matches!(server.receive(&mut &stream[..]), Err(_) | Ok(None)));
        prop_assert!(matches!(client(&suite(), anybody(), &stream), Err(_) | Ok(None)));
    }
}
