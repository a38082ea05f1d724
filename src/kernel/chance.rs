//! A little chance, so that what began together does not come back together.

use std::time::Duration;

use uuid::Uuid;

/// From 0 to less than 1.
pub fn share() -> f64 {
    let [first, second, third, fourth, ..] = Uuid::new_v4().into_bytes();
    f64::from(u32::from_be_bytes([first, second, third, fourth])) / 4_294_967_296.0
}

/// Up to a fifth less or more.
pub fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.8 + 0.4 * share())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth() {
        let second = Duration::from_secs(1);
        let all: Vec<_> = (0..1_000).map(|_| jittered(second)).collect();
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*least >= second.mul_f64(0.8) && *most <= second.mul_f64(1.2));
        assert!(*least < second.mul_f64(0.85) && *most > second.mul_f64(1.15));
    }
}
