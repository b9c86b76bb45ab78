//! Bindings of a topic exchange, as a tree of words: the cost of a message grows with the words of
//! its key, not with the bindings.

use super::sink::{Sink, Sinks};
use std::collections::{HashMap, HashSet};

/// A word that stands for any one word.
const ONE: &str = "*";
/// A word that stands for any number of words, none too.
const ANY: &str = "#";

#[derive(Debug, Default)]
pub(super) struct Topics(Node);

#[derive(Debug, Default)]
struct Node {
    next: HashMap<String, Node>,
    sinks: Sinks,
}

/// The empty key has no words, as in RabbitMQ.
fn words(key: &str) -> Vec<&str> {
    if key.is_empty() {
        return Vec::new();
    }
    key.split('.').collect()
}

impl Topics {
    pub(super) fn add(&mut self, pattern: &str, sink: Sink) {
        let mut node = &mut self.0;
        for word in words(pattern) {
            node = node.next.entry(word.to_owned()).or_default();
        }
        node.sinks.add(sink);
    }

    pub(super) fn remove(&mut self, pattern: &str, sink: &Sink) {
        self.0.remove(&words(pattern), sink);
    }

    /// Every sink whose pattern fits, perhaps more than once. All ways through the tree are taken
    /// at once, so that no pattern can make it long.
    pub(super) fn visit<'a>(&'a self, key: &str, each: &mut impl FnMut(&'a Sink)) {
        let mut here = Ways::default();
        here.add(&self.0, false);
        for word in words(key) {
            let mut next = Ways::default();
            for (node, is_any) in here.ways {
                if is_any {
                    next.add(node, true);
                }
                for edge in [ONE, word] {
                    if let Some(node) = node.next.get(edge) {
                        next.add(node, edge == ANY);
                    }
                }
            }
            here = next;
        }
        for (node, _) in here.ways {
            node.sinks.iter().for_each(&mut *each);
        }
    }
}

/// Where the ways through the tree are after some words.
#[derive(Default)]
struct Ways<'a> {
    /// Nodes, and whether the way there may swallow more words.
    ways: Vec<(&'a Node, bool)>,
    seen: HashSet<*const Node>,
}

impl<'a> Ways<'a> {
    fn add(&mut self, node: &'a Node, is_any: bool) {
        if self.seen.insert(std::ptr::from_ref(node)) {
            self.ways.push((node, is_any));
            if let Some(any) = node.next.get(ANY) {
                self.add(any, true);
            }
        }
    }
}

impl Node {
    fn remove(&mut self, pattern: &[&str], sink: &Sink) {
        let [word, rest @ ..] = pattern else {
            return self.sinks.remove(sink);
        };
        let Some(next) = self.next.get_mut(*word) else {
            return;
        };
        next.remove(rest, sink);
        if next.next.is_empty() && next.sinks.is_empty() {
            self.next.remove(*word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitting(patterns: &[&str], key: &str) -> Vec<u64> {
        let mut topics = Topics::default();
        for (number, pattern) in (0..).zip(patterns) {
            topics.add(pattern, Sink::Queue(number));
        }
        let mut found = Vec::new();
        topics.visit(key, &mut |sink| match sink {
            Sink::Queue(number) => found.push(*number),
            Sink::Exchange(_) => {}
        });
        found.sort_unstable();
        found
    }

    #[test]
    fn words_and_wildcards_fit_as_in_rabbitmq() {
        let patterns = ["a.*.c", "a.#", "#", "*", "a..c", "", "#.c.#"];
        for (key, fits) in [
            ("a.b.c", &[0, 1, 2, 6][..]),
            ("a", &[1, 2, 3]),
            ("a.b.b.c", &[1, 2, 6]),
            ("x", &[2, 3]),
            ("a..c", &[0, 1, 2, 4, 6]),
            ("b.c", &[2, 6]),
            ("", &[2, 5]),
        ] {
            assert_eq!(fitting(&patterns, key), fits, "{key:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_its_words() {
        let pattern = ["#.a"; 60].join(".");
        let key = ["a"; 127].join(".");
        assert_eq!(fitting(&[&pattern], &key), [0]);
        assert!(fitting(&[&pattern], &format!("{key}.b")).is_empty());
    }

    #[test]
    fn a_removed_binding_leaves_nothing() {
        let mut topics = Topics::default();
        topics.add("a.#.b", Sink::Queue(1));
        topics.add("a.c", Sink::Queue(2));
        topics.remove("a.#.b", &Sink::Queue(1));
        topics.remove("a.c", &Sink::Queue(2));
        assert!(topics.0.next.is_empty());
    }
}
