//! What X25519 alone does: any 32 bytes are a key, and some public keys give nothing.

use pqfw_framework::kem::KemError;
use pqfw_framework::secret::{SecretForm, SecretKind};

use crate::support::{hex, kem, rng};

/// Points of small order (RFC 7748 section 6.1): u = 0, 1, p - 1, p, p + 1, and the two of order 8.
fn small_order() -> Vec<Vec<u8>> {
    let mut points = vec![
        vec![0; 32],
        vec![0; 32],
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ];
    points[1][0] = 1;
    for low in [0xec, 0xed, 0xee] {
        let mut point = vec![0xff; 32];
        (point[0], point[31]) = (low, 0x7f);
        points.push(point);
    }
    points
}

#[test]
fn an_encapsulation_key_of_small_order_is_refused_when_it_is_used() {
    for point in small_order() {
        let key = kem("X25519").import_encapsulation_key(&point).unwrap();
        let (mut ciphertext, mut secret) = ([7; 32], [7; 32]);
        let refused = key.encapsulate(&mut rng(1), &mut ciphertext, &mut secret);
        assert_eq!(refused, Err(KemError::EncapsulationKeyInvalid));
        assert_eq!(
            (ciphertext, secret),
            ([7; 32], [7; 32]),
            "a refusal writes nothing"
        );
    }
}

#[test]
fn a_ciphertext_of_small_order_is_refused() {
    let key = kem("X25519").generate(&mut rng(1)).unwrap();
    for point in small_order() {
        let mut secret = [7; 32];
        assert_eq!(
            key.decapsulate(&point, &mut secret),
            Err(KemError::CiphertextInvalid)
        );
        assert_eq!(secret, [7; 32], "a refusal writes nothing");
    }
}

#[test]
fn a_private_key_is_exported_as_it_was_imported() {
    // All bits that RFC 7748 section 5 clears or sets are the other way round.
    let mut unclamped = [0xff; 32];
    unclamped[31] = 0xbf;
    let import = |bytes| {
        let form = SecretForm::Expanded(bytes);
        kem("X25519").import_decapsulation_key(form).unwrap()
    };
    let key = import(&unclamped);
    let exported = key.export(SecretKind::Expanded).unwrap();
    assert_eq!(exported.expose(), unclamped);
    let mut clamped = unclamped;
    (clamped[0], clamped[31]) = (0xf8, 0x7f);
    assert_eq!(
        import(&clamped).encapsulation_key(),
        key.encapsulation_key()
    );
}
