//! A line of things whose numbers count up, most of which leave near its front.

use std::collections::VecDeque;

/// By number. Where none of a stretch has left, a number says itself how far in it stands: nothing is searched then.
pub(crate) struct Numbered<T>(VecDeque<(u64, T)>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Numbered<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first, which has been there longest.
    pub(crate) fn front(&self) -> Option<&(u64, T)> {
        self.0.front()
    }

    /// How many have a number below this one.
    pub(crate) fn below(&self, number: u64) -> usize {
        self.0.partition_point(|(n, _)| *n < number)
    }

    /// Adds one with a number above all others.
    pub(crate) fn push(&mut self, number: u64, item: T) {
        debug_assert!(self.0.back().is_none_or(|(last, _)| *last < number));
        self.0.push_back((number, item));
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let at = self.position(number)?;
        self.0.get(at).map(|(_, item)| item)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let at = self.position(number)?;
        self.0.get_mut(at).map(|(_, item)| item)
    }

    pub(crate) fn take(&mut self, number: u64) -> Option<T> {
        let taken = match self.position(number)? {
            0 => self.0.pop_front(),
            at => self.0.remove(at),
        };
        taken.map(|(_, item)| item)
    }

    /// Takes all, in order.
    pub(crate) fn take_all(&mut self) -> impl ExactSizeIterator<Item = T> + use<T> {
        let all = std::mem::take(&mut self.0);
        all.into_iter().map(|(_, item)| item)
    }

    fn position(&self, number: u64) -> Option<usize> {
        let ((first, _), (last, _)) = (self.0.front()?, self.0.back()?);
        let from_front = usize::try_from(number.checked_sub(*first)?).ok()?;
        let from_back = usize::try_from(last.checked_sub(number)?).ok()?;
        let is_at = |at: &usize| self.0.get(*at).is_some_and(|(n, _)| *n == number);
        // Those that wait for long are near the front, those that came last at the back.
        let back = (self.0.len() - 1).checked_sub(from_back);
        let guess = Some(from_front).filter(is_at).or(back.filter(is_at));
        guess.or_else(|| self.0.binary_search_by_key(&number, |(n, _)| *n).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_finds_what_a_map_finds_whoever_has_left(
            steps in prop::collection::vec((1_u64..4, any::<bool>()), 1..40),
            taken in prop::collection::vec(0_u64..120, 0..60),
        ) {
            let (mut line, mut map) = (Numbered::default(), BTreeMap::new());
            let mut number = 0;
            for (step, in_it) in steps {
                number += step;
                if in_it {
                    line.push(number, number);
                    map.insert(number, number);
                }
            }
            for number in taken {
                prop_assert_eq!(line.take(number), map.remove(&number));
                for number in 0..120 {
                    prop_assert_eq!(line.get(number), map.get(&number));
                    prop_assert_eq!(line.below(number), map.range(..number).count());
                }
            }
            prop_assert_eq!(line.len(), map.len());
            prop_assert!(line.take_all().eq(map.into_values()));
        }
    }
}
