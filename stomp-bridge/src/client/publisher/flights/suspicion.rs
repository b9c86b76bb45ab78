//! How far a message is suspected of having ended connections, and how many such may be out together.
//!
//! An end takes the whole window, and most ends are nobody's fault: brokers restart, proxies cut what idles. To send each of
//! the window alone after every one of them would take a receipt's time for each, while all else waits. So a large window is sent
//! again as it was, and only what a second end takes is suspected: in groups of a quarter of that, each further end a quarter of what
//! it took, down to one alone. A message that does end connections is found in a few ends, each some groups long.

/// As many are sent alone at once: it takes no longer than to look for the one.
const FEW: usize = 8;
/// What an end took is sent again in so many groups.
const GROUPS: usize = 4;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Suspicion {
    #[default]
    None,
    /// One end took it, with many others.
    Doubted,
    /// So many such may be out at once, and nothing else.
    Suspect(usize),
}

impl Suspicion {
    /// After an end that took `lost` messages and may be one's doing.
    pub(super) fn after(self, lost: usize) -> Self {
        match self {
            Self::None if lost > FEW => Self::Doubted,
            Self::None | Self::Doubted | Self::Suspect(_) => {
                let group = if lost > FEW { lost / GROUPS } else { 1 };
                Self::Suspect(group)
            }
        }
    }

    /// How many of its kind may be out with it; any number when it is none.
    pub(super) fn group(self) -> Option<usize> {
        match self {
            Self::None | Self::Doubted => None,
            Self::Suspect(group) => Some(group),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_shrink_to_one() {
        let first = Suspicion::None.after(256);
        assert_eq!(first.group(), None);
        let mut groups = Vec::new();
        let (mut suspicion, mut lost) = (first, 256);
        while lost > 1 {
            suspicion = suspicion.after(lost);
            lost = suspicion.group().unwrap();
            groups.push(lost);
        }
        assert_eq!(groups, [64, 16, 4, 1]);
        assert_eq!(Suspicion::None.after(8).group(), Some(1));
        assert_eq!(Suspicion::Doubted.after(3).group(), Some(1));
    }
}
