//! How much flash a program takes, from its ELF file.

use anyhow::{Context, Result, bail};

/// Section header fields of a 32-bit ELF file, little-endian: positions in bytes.
const TYPE: usize = 4;
const FLAGS: usize = 8;
const SIZE: usize = 20;
/// A section without bytes in the file, such as `.bss`.
const NOBITS: u32 = 8;
/// A section that is in memory when the program runs.
const ALLOC: u32 = 2;

/// The bytes of all sections that are stored in flash: vectors, code, constants and the first values of variables.
pub(super) fn flash_bytes(elf: &[u8]) -> Result<u32> {
    // 32 bits, little-endian.
    if elf.get(..6) != Some(b"\x7fELF\x01\x01") {
        bail!("not a 32-bit ELF file");
    }
    let table = usize::try_from(word(elf, 32)?)?;
    let entry_bytes = usize::from(half(elf, 46)?);
    let entries = usize::from(half(elf, 48)?);
    let mut flash = 0;
    for entry in 0..entries {
        let header = table + entry * entry_bytes;
        let is_stored =
            word(elf, header + TYPE)? != NOBITS && word(elf, header + FLAGS)? & ALLOC != 0;
        if is_stored {
            flash += word(elf, header + SIZE)?;
        }
    }
    Ok(flash)
}

fn word(elf: &[u8], at: usize) -> Result<u32> {
    let bytes = elf.get(at..at + 4).context("the ELF file is cut off")?;
    Ok(u32::from_le_bytes(bytes.try_into()?))
}

fn half(elf: &[u8], at: usize) -> Result<u16> {
    let bytes = elf.get(at..at + 2).context("the ELF file is cut off")?;
    Ok(u16::from_le_bytes(bytes.try_into()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_stored() {
        let mut elf = vec![0; 52 + 3 * 40];
        elf[..6].copy_from_slice(b"\x7fELF\x01\x01");
        elf[32] = 52;
        elf[46] = 40;
        elf[48] = 3;
        for (section, kind, flags, size) in [(0, 1, 6, 100), (1, 8, 3, 50), (2, 1, 0, 7)] {
            let header = 52 + section * 40;
            elf[header + TYPE] = kind;
            elf[header + FLAGS] = flags;
            elf[header + SIZE] = size;
        }
        assert_eq!(flash_bytes(&elf).unwrap(), 100);
        assert!(flash_bytes(&elf[..60]).is_err());
        assert!(flash_bytes(b"\x7fELF\x02\x01").is_err());
    }
}
