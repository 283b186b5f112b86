//! The addresses of a packet (RFC 791 section 3.1, RFC 8200 section 3).

use std::net::IpAddr;

/// Where a packet says it is from; `None` for what is no IP packet.
#[must_use]
pub fn source(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => v4(packet, 12),
        6 => v6(packet, 8),
        _ => None,
    }
}

/// Where a packet goes; `None` for what is no IP packet.
#[must_use]
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => v4(packet, 16),
        6 => v6(packet, 24),
        _ => None,
    }
}

fn v4(packet: &[u8], at: usize) -> Option<IpAddr> {
    let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
    Some(bytes.into())
}

fn v6(packet: &[u8], at: usize) -> Option<IpAddr> {
    let bytes: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_two_addresses() {
        let mut packet = [0; 40];
        packet[0] = 0x45;
        packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        let ends = |packet: &[u8]| (source(packet), destination(packet));
        let (a, b) = ends(&packet);
        assert_eq!(
            (a.unwrap().to_string(), b.unwrap().to_string()),
            ("10.0.0.1".into(), "10.0.0.2".into())
        );
        assert_eq!(ends(&packet[..19]).1, None);
        packet[0] = 0x60;
        packet[8..24].fill(0);
        packet[23] = 1;
        let (a, b) = ends(&packet);
        assert_eq!(
            (a.unwrap().to_string(), b.unwrap().to_string()),
            ("::1".into(), "::".into())
        );
        assert_eq!(ends(&packet[..39]).1, None);
        packet[0] = 0x50;
        assert_eq!(ends(&packet), (None, None));
        assert_eq!(ends(&[]), (None, None));
    }
}
