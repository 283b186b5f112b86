//! Segments of TCP that fit through the tunnel: the option MSS of a SYN (RFC 9293 section 3.7.1) is
//! lowered to what the MTU leaves, so that nobody has to learn it from what is lost.

const TCP: u8 = 6;
const FLAG_SYN: u8 = 0x02;
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_MSS: u8 = 2;
/// Heads of IPv6 that may stand before the one of TCP: hop-by-hop, routing, destination options.
const EXTENSIONS: [u8; 3] = [0, 43, 60];

/// Lowers the MSS of a SYN, and says whether it did. Anything else stays as it is.
pub fn clamp(packet: &mut [u8], mtu: u16) -> bool {
    let Some((tcp, heads)) = find_tcp(packet) else {
        return false;
    };
    let Some(most) = mtu.checked_sub(heads).filter(|most| *most > 0) else {
        return false;
    };
    packet
        .get_mut(tcp..)
        .is_some_and(|segment| lower(segment, most))
}

/// Where the head of TCP begins, and what the heads of IP and TCP weigh without options.
fn find_tcp(packet: &[u8]) -> Option<(usize, u16)> {
    match packet {
        [first, _, _, _, _, _, fragment, offset, _, TCP, ..] if first >> 4 == 4 => {
            // Only the first fragment has a head of TCP, and a SYN is never in pieces.
            let is_whole = fragment & 0x3f == 0 && *offset == 0;
            is_whole.then_some((usize::from(first & 0xf) * 4, 40))
        }
        [first, _, _, _, _, _, next, ..] if first >> 4 == 6 => {
            let (mut next, mut at) = (*next, 40);
            while EXTENSIONS.contains(&next) {
                let length = usize::from(*packet.get(at + 1)?);
                next = *packet.get(at)?;
                at += (length + 1) * 8;
            }
            (next == TCP).then_some((at, 60))
        }
        _ => None,
    }
}

fn lower(segment: &mut [u8], most: u16) -> bool {
    let Some([offset, flags]) = segment.get(12..14) else {
        return false;
    };
    if flags & FLAG_SYN == 0 {
        return false;
    }
    let end = usize::from(offset >> 4) * 4;
    let mut at = 20;
    while at < end {
        let Some(rest) = segment.get(at..end) else {
            return false;
        };
        match rest {
            [OPTION_END, ..] | [] => return false,
            [OPTION_NOP, ..] => at += 1,
            [OPTION_MSS, 4, high, low, ..] => {
                let said = u16::from_be_bytes([*high, *low]);
                return said > most && replace(segment, at + 2, said, most);
            }
            [_, length, ..] if *length >= 2 => at += usize::from(*length),
            _ => return false,
        }
    }
    false
}

/// Writes another number, and the checksum that follows from it (RFC 1624).
fn replace(segment: &mut [u8], at: usize, old: u16, new: u16) -> bool {
    // At an odd place the number's bytes are halves of two words of the sum, swapped.
    let word = |number: u16| match at % 2 {
        0 => number,
        _ => number.swap_bytes(),
    };
    let Some(sum) = segment.get(16..18).and_then(|sum| sum.try_into().ok()) else {
        return false;
    };
    let sum = u32::from(!u16::from_be_bytes(sum)) + u32::from(!word(old)) + u32::from(word(new));
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = folded.to_be_bytes();
    for (place, bytes) in [(16, [!high, !low]), (at, new.to_be_bytes())] {
        if let Some(place) = segment.get_mut(place..place + 2) {
            place.copy_from_slice(&bytes);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A SYN with options, and the right checksum over head and options (without the pseudo-head,
    /// which does not change).
    fn syn(kind: u8, flags: u8, options: &[u8]) -> Vec<u8> {
        let mut segment = vec![0; 20];
        (segment[0], segment[3]) = (0x12, 80);
        segment[12] = u8::try_from((20 + options.len()) / 4).unwrap() << 4;
        segment[13] = flags;
        segment.extend_from_slice(options);
        let sum = sum(&segment);
        segment[16..18].copy_from_slice(&(!sum).to_be_bytes());
        let head: &[u8] = match kind {
            4 => &[
                0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
            ],
            _ => &[
                0x60, 0, 0, 0, 0, 0, TCP, 64, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2,
                2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
            ],
        };
        [head, &segment].concat()
    }

    fn sum(bytes: &[u8]) -> u16 {
        let words = bytes
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    const MSS_1460: [u8; 4] = [2, 4, 0x05, 0xb4];

    #[test]
    fn a_syn_of_both_kinds_is_lowered_to_what_fits() {
        for (kind, heads, most) in [(4, 20, 1380_u16), (6, 40, 1360)] {
            for options in [
                &MSS_1460[..],
                &[1, 1, 1, 1, 2, 4, 0x05, 0xb4],
                // At an odd place.
                &[1, 2, 4, 0x05, 0xb4, 0, 0, 0],
                &[3, 3, 7, 2, 4, 0x05, 0xb4, 0],
            ] {
                for flags in [0x02, 0x12] {
                    let mut packet = syn(kind, flags, options);
                    assert!(clamp(&mut packet, 1420));
                    assert_eq!(sum(&packet[heads..]), 0xffff, "{options:?}");
                    assert!(
                        packet
                            .windows(4)
                            .any(|w| w[..2] == [2, 4] && w[2..] == most.to_be_bytes())
                    );
                    assert!(!clamp(&mut packet, 1420), "it fits");
                }
            }
        }
    }

    #[test]
    fn heads_between_those_of_ip_and_tcp_are_passed() {
        let packet = syn(6, 0x02, &MSS_1460);
        let mut longer = packet[..40].to_vec();
        longer[6] = 0;
        longer.extend_from_slice(&[60, 0, 0, 0, 0, 0, 0, 0]);
        longer.extend_from_slice(&[TCP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        longer.extend_from_slice(&packet[40..]);
        assert!(clamp(&mut longer, 1420));
        assert_eq!(sum(&longer[64..]), 0xffff);
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        let fine = syn(4, 0x02, &[2, 4, 0x02, 0x18]);
        let ack = syn(4, 0x10, &MSS_1460);
        let none = syn(4, 0x02, &[]);
        let ended = syn(4, 0x02, &[0, 2, 4, 5, 0xb4, 0, 0, 0]);
        let endless = syn(4, 0x02, &[9, 0, 2, 4, 5, 0xb4, 0, 0]);
        let mut fragment = syn(4, 0x02, &MSS_1460);
        fragment[7] = 3;
        let mut udp = syn(4, 0x02, &MSS_1460);
        udp[9] = 17;
        for packet in [fine, ack, none, ended, endless, fragment, udp, Vec::new()] {
            let mut clamped = packet.clone();
            assert!(!clamp(&mut clamped, 1420));
            assert_eq!(clamped, packet);
        }
        let mut packet = syn(4, 0x02, &MSS_1460);
        assert!(!clamp(&mut packet, 40), "there is no MSS that fits");
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_but_four_change(mut bytes: Vec<u8>, kind in 0_u8..3, mtu: u16) {
            if let (Some(first), 1..) = (bytes.first_mut(), kind) {
                *first = [0x45, 0x60][usize::from(kind - 1)];
            }
            let mut clamped = bytes.clone();
            clamp(&mut clamped, mtu);
            let changed = bytes.iter().zip(&clamped).filter(|(a, b)| a != b).count();
            prop_assert!(changed <= 4 && bytes.len() == clamped.len());
        }
    }
}
