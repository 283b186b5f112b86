//! Whether a private key is one that key generation could have made.
//!
//! The crate looks at codes, and at G = gF/f modulo q being small. That finds damage, and not a key
//! made on purpose: with F = f the lattice has no basis, with other keys the basis is too long, and
//! signing with either may never end, because its sampler tries again until it succeeds. So we
//! check what key generation guarantees (Falcon round 3, algorithm 5):
//!
//! - the NTRU equation fG − gF = q, in the integers;
//! - that neither vector of the Gram-Schmidt basis is longer than 1.17 √q.
//!
//! The first is exact: G is computed modulo q, where f can be inverted, and the equation checked
//! modulo a prime beyond any coefficient that it can have. The second is in floating point and
//! grants one unit in 16822, as roundings differ. Both evaluate polynomials at the roots of
//! Xⁿ + 1, and neither branches on a coefficient but to answer.

use std::f64::consts::PI;

use zeroize::Zeroizing;

use crate::encoding::Polynomial;

/// The modulus of FN-DSA, and an element of order q − 1.
const Q: i64 = 12289;
const Q_GENERATOR: i64 = 11;
/// 119 · 2²³ + 1: beyond 2·(2·1024·31·127 + q). And an element of order P − 1.
const P: i64 = 998_244_353;
const P_GENERATOR: i64 = 3;

/// (1.17 √q)² is 16822.4.
const LONGEST_SQUARED: i32 = 16822;

/// Whether f, g and F, of 2ᵏ coefficients each, are a private key.
pub(crate) fn is_valid([f, g, big_f]: &[Polynomial; 3]) -> bool {
    let big_g = divide(g, big_f, f);
    is_basis(f, g, big_f, &big_g) && is_short(f, g)
}

/// gF/f modulo q, with coefficients from −q/2 to q/2; nonsense where f cannot be inverted.
fn divide(g: &[i64], big_f: &[i64], f: &[i64]) -> Polynomial {
    let roots = Roots::<Q>::new(f.len(), Q_GENERATOR);
    let [mut quotient, big_f, f] = [g, big_f, f].map(|polynomial| roots.values_of(polynomial));
    for ((value, by), over) in quotient.iter_mut().zip(&*big_f).zip(&*f) {
        *value = *value * by % Q * power::<Q>(*over, Q - 2) % Q;
    }
    roots.interpolate(&mut quotient, roots.degree);
    for value in quotient.iter_mut() {
        *value -= Q * i64::from(*value > Q / 2);
    }
    quotient
}

/// Whether fG − gF = q, and G is as small as F: then no coefficient of the products reaches P/2, and
/// equality modulo P is equality.
fn is_basis(f: &[i64], g: &[i64], big_f: &[i64], big_g: &[i64]) -> bool {
    if big_g.iter().any(|coefficient| coefficient.abs() > 127) {
        return false;
    }
    let roots = Roots::<P>::new(f.len(), P_GENERATOR);
    let [f, g, big_f, big_g] = [f, g, big_f, big_g].map(|p| roots.values_of(p));
    let mut difference = 0;
    for ((f, big_g), (g, big_f)) in f.iter().zip(&*big_g).zip(g.iter().zip(&*big_f)) {
        difference |= (f * big_g % P - g * big_f % P - Q).rem_euclid(P);
    }
    difference == 0
}

/// Whether (g, −f), and (F, G) less its part along it, are short.
fn is_short(f: &[i64], g: &[i64]) -> bool {
    let squared: i64 = f.iter().chain(g).map(|c| c * c).sum();
    let [f, g] = [f, g].map(complex_values);
    // The squared length of the second is that of (q f̄, q ḡ) / (f f̄ + g ḡ).
    let reciprocals: f64 = f
        .iter()
        .zip(&*g)
        .map(|([a, b], [c, d])| 1.0 / (a * a + b * b + c * c + d * d))
        .sum();
    let (n, q) = (f.len(), 12289.0);
    let Ok(n) = u32::try_from(n) else {
        return false;
    };
    let orthogonal = q * q * reciprocals / f64::from(n);
    squared <= i64::from(LONGEST_SQUARED) && orthogonal <= f64::from(LONGEST_SQUARED + 1)
}

/// The roots of Xⁿ + 1 modulo a prime `M`: the odd powers of `root`.
struct Roots<const M: i64> {
    root: i64,
    /// n, as an exponent: `root` to it is −1.
    degree: i64,
}

impl<const M: i64> Roots<M> {
    fn new(n: usize, generator: i64) -> Self {
        // A degree is at most 1024; another one gives nonsense, and no panic.
        let degree = i64::try_from(n).unwrap_or(1);
        let root = power::<M>(generator, (M - 1) / (2 * degree));
        Self { root, degree }
    }

    fn values_of(&self, polynomial: &[i64]) -> Polynomial {
        let reduced = polynomial.iter().map(|c| c.rem_euclid(M));
        let mut values: Polynomial = Zeroizing::new(reduced.collect());
        self.evaluate(&mut values, self.degree);
        values
    }

    /// From coefficients modulo Xᵐ − rᵉ to values: modulo X^(m/2) − s and X^(m/2) + s, s = r^(e/2).
    fn evaluate(&self, values: &mut [i64], exponent: i64) {
        if values.len() < 2 {
            return;
        }
        let half = exponent / 2;
        let s = power::<M>(self.root, half);
        let (low, high) = values.split_at_mut(values.len() / 2);
        for (low, high) in low.iter_mut().zip(high.iter_mut()) {
            let product = *high * s % M;
            (*low, *high) = ((*low + product) % M, (*low - product).rem_euclid(M));
        }
        self.evaluate(low, half);
        self.evaluate(high, half + self.degree);
    }

    /// The inverse of [`Self::evaluate`].
    fn interpolate(&self, values: &mut [i64], exponent: i64) {
        if values.len() < 2 {
            return;
        }
        let (half, inverse_of_2) = (exponent / 2, (M + 1) / 2);
        let inverse_of_s = power::<M>(self.root, 2 * self.degree - half);
        let (low, high) = values.split_at_mut(values.len() / 2);
        self.interpolate(low, half);
        self.interpolate(high, half + self.degree);
        for (low, high) in low.iter_mut().zip(high.iter_mut()) {
            let (sum, difference) = (*low + *high, (*low - *high).rem_euclid(M));
            *low = sum % M * inverse_of_2 % M;
            *high = difference * inverse_of_2 % M * inverse_of_s % M;
        }
    }
}

/// A power modulo `M`. The exponent is public.
fn power<const M: i64>(base: i64, mut exponent: i64) -> i64 {
    let (mut square, mut result) = (base, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * square % M;
        }
        square = square * square % M;
        exponent >>= 1;
    }
    result
}

/// The values at the complex roots of Xⁿ + 1, real and imaginary parts.
fn complex_values(polynomial: &[i64]) -> Zeroizing<Vec<[f64; 2]>> {
    // Coefficients have at most eight bits.
    let real = |c: &i64| f64::from(i32::try_from(*c).unwrap_or(0));
    let values: Vec<_> = polynomial.iter().map(|c| [real(c), 0.0]).collect();
    let mut values = Zeroizing::new(values);
    evaluate_at_complex(&mut values, PI);
    values
}

/// As [`Roots::evaluate`], with `angle` for the root's exponent.
fn evaluate_at_complex(values: &mut [[f64; 2]], angle: f64) {
    if values.len() < 2 {
        return;
    }
    let (sin, cos) = (angle / 2.0).sin_cos();
    let (low, high) = values.split_at_mut(values.len() / 2);
    for ([a, b], [c, d]) in low.iter_mut().zip(high.iter_mut()) {
        let (x, y) = (*c * cos - *d * sin, *c * sin + *d * cos);
        (*c, *d) = (*a - x, *b - y);
        (*a, *b) = (*a + x, *b + y);
    }
    evaluate_at_complex(low, angle / 2.0);
    evaluate_at_complex(high, angle / 2.0 + PI);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(coefficients: impl IntoIterator<Item = i64>) -> Polynomial {
        Zeroizing::new(coefficients.into_iter().collect())
    }

    #[test]
    fn values_are_those_at_the_roots() {
        // X at the roots of X⁴ + 1: its fourth power is −1 everywhere, and no two are equal.
        let roots = Roots::<Q>::new(4, Q_GENERATOR);
        let mut values = roots.values_of(&[0, 1, 0, 0]);
        assert!(values.iter().all(|v| power::<Q>(*v, 4) == Q - 1));
        roots.interpolate(&mut values, 4);
        assert_eq!(*values, [0, 1, 0, 0]);
        values.sort_unstable();
        let complex = complex_values(&[0, 1, 0, 0]);
        let sum: f64 = complex.iter().map(|[a, b]| a * a + b * b).sum();
        assert!((sum - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_product_wraps_with_the_other_sign() {
        let roots = Roots::<P>::new(4, P_GENERATOR);
        let mut square = roots.values_of(&[1, 2, 3, 4]);
        square.iter_mut().for_each(|v| *v = *v * *v % P);
        roots.interpolate(&mut square, 4);
        // (1 + 2X + 3X² + 4X³)² = 1 + 4X + 10X² + 20X³ + 25X⁴ + 24X⁵ + 16X⁶.
        assert_eq!(*square, [(1 - 25 + P), (4 - 24 + P), (10 - 16 + P), 20]);
    }

    #[test]
    fn what_does_not_satisfy_the_equation_is_no_basis() {
        // f = 1, g = 0: G = 0 modulo q, and fG − gF = 0.
        let one = polynomial([1, 0, 0, 0]);
        let zero = polynomial([0; 4]);
        assert!(!is_basis(&one, &zero, &zero, &divide(&zero, &zero, &one)));
        // 97·126 + 1·67 = q, so that F = 97 and G = 0 will not do.
        let f = polynomial([97, 0, 0, 0]);
        let g = polynomial([-1, 0, 0, 0]);
        assert!(!is_basis(&f, &g, &f, &zero));
        let (big_f, big_g) = (polynomial([67, 0, 0, 0]), polynomial([126, 0, 0, 0]));
        assert!(is_basis(&f, &g, &big_f, &big_g));
        assert_eq!(*divide(&g, &big_f, &f), *big_g);
        // The same modulo q, and too large for an encoding.
        let far = polynomial([126 + Q, 0, 0, 0]);
        assert!(!is_basis(&f, &g, &big_f, &far));
    }

    #[test]
    fn short_is_neither_too_long_nor_too_short() {
        let zero = polynomial([0; 4]);
        // The two lengths are ‖(f, g)‖ and, for one coefficient, q/‖(f, g)‖: 95 lies between.
        for (length, expected) in [(94, false), (95, true), (129, true), (130, false)] {
            let f = polynomial([length, 0, 0, 0]);
            assert_eq!(is_short(&f, &zero), expected, "{length}");
        }
    }
}
