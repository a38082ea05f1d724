//! A map that forgets what was not put into it lately, bounded in entries. The older half is
//! dropped whole when the younger one is full, so that neither finding nor putting ever has to look
//! for the oldest entry.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

pub struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// Entries of one generation.
    most: usize,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    /// For so many entries, rounded up to even. None are kept where that is 0.
    pub fn new(entries: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most: entries.div_ceil(2),
        }
    }

    pub fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub fn put(&mut self, key: K, value: V) {
        if self.most == 0 {
            return;
        }
        if self.young.len() >= self.most && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q, is_it: impl Fn(&V) -> bool)
    where
        K: Borrow<Q>,
    {
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(key).is_some_and(&is_it) {
                generation.remove(key);
            }
        }
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_the_latest_stays() {
        const MOST: usize = 64;
        let mut kept = Generations::new(MOST);
        for key in 0..10 * MOST {
            kept.put(key, key);
            assert!(kept.young.len() + kept.old.len() <= MOST);
            let half = key.saturating_sub(MOST / 2 - 1);
            assert!((half..=key).all(|late| kept.find(&late) == Some(&late)));
        }
        assert_eq!(kept.find(&0), None);
        kept.remove(&(10 * MOST - 1), |value| *value == 0);
        assert!(kept.find(&(10 * MOST - 1)).is_some());
        kept.remove(&(10 * MOST - 1), |_| true);
        assert!(kept.find(&(10 * MOST - 1)).is_none());
        kept.clear();
        assert!(kept.young.is_empty() && kept.old.is_empty());
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        let mut kept = Generations::new(0);
        kept.put("a", 1);
        assert_eq!(kept.find("a"), None);
    }
}
