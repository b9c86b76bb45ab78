//! Free loopback ports for servers of our own.
//!
//! They stay below 32768: above it Linux hands ports to outgoing connections, and one that lingers in TIME-WAIT
//! keeps a server from binding.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::process;

use anyhow::{Context, Result};

const RANGE: Range<u16> = 20_000..32_000;

/// `N` neighbouring ports that were free a moment ago. Another `attempt` looks elsewhere.
pub(crate) fn free<const N: usize>(attempt: u32) -> Result<[u16; N]> {
    // Two runs at the same time begin at different places.
    let seed = process::id()
        .wrapping_add(attempt)
        .wrapping_mul(2_654_435_761);
    choose(seed, is_free).with_context(|| format!("no {N} free ports in {RANGE:?}"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Goes through the range in blocks of `N`, once around from the seed's place.
fn choose<const N: usize>(seed: u32, is_free: impl Fn(u16) -> bool) -> Option<[u16; N]> {
    let size = u16::try_from(N).ok()?;
    let blocks = (RANGE.end - RANGE.start) / size;
    let first = u16::try_from(seed % u32::from(blocks)).ok()?;
    (0..blocks)
        .map(|offset| RANGE.start + (first + offset) % blocks * size)
        .map(|start| std::array::from_fn(|at| start + u16::try_from(at).unwrap_or(0)))
        .find(|block: &[u16; N]| block.iter().all(|&port| is_free(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_with_a_taken_port_is_passed_over() {
        assert_eq!(
            choose(0, |port| port != 20_001),
            Some([20_003, 20_004, 20_005])
        );
    }

    #[test]
    fn the_search_goes_around_and_stays_in_the_range() {
        let last = 12_000 / 8 - 1;
        assert_eq!(choose::<8>(last, |_| true).unwrap()[7], 31_999);
        assert_eq!(choose::<8>(last, |port| port < 31_000).unwrap()[0], 20_000);
    }

    #[test]
    fn nothing_free_is_none() {
        assert_eq!(choose::<8>(7, |_| false), None);
    }

    #[test]
    fn a_bound_port_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
