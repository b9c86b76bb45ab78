//! A file in pages: each has its length in front, and the digest of all of them stands at the end.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
};

use super::digest::digest_bytes;

const PAGE_BYTES: usize = 64 << 10;

/// Writes, and in the end the digest of all pages written.
pub(super) struct Digesting<W> {
    out: W,
    page: Vec<u8>,
    digest: u64,
}

impl<W: Write> Digesting<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            page: Vec::with_capacity(PAGE_BYTES),
            digest: 0,
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.page.len() + bytes.len() > PAGE_BYTES {
            self.turn()?;
        }
        self.page.extend_from_slice(bytes);
        Ok(())
    }

    /// Pages have a length in front, so that the reader digests the same ones.
    fn turn(&mut self) -> io::Result<()> {
        self.digest = digest_bytes(self.digest, &self.page);
        let length = u32::try_from(self.page.len()).unwrap_or(u32::MAX);
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&self.page)?;
        self.page.clear();
        Ok(())
    }

    pub(super) fn count(&mut self, count: usize) -> io::Result<()> {
        self.put(&(count as u64).to_be_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(&[u8::try_from(bytes.len()).map_err(io::Error::other)?])?;
        self.put(bytes)
    }

    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }
}

impl Digesting<BufWriter<File>> {
    pub(super) fn finish(mut self) -> io::Result<File> {
        self.turn()?;
        self.out.write_all(&0_u32.to_be_bytes())?;
        self.out.write_all(&self.digest.to_be_bytes())?;
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }
}

/// Reads what [`Digesting`] wrote; each answer is nothing where the input ends early.
pub(super) struct Digested<R> {
    input: R,
    page: Vec<u8>,
    at: usize,
    digest: u64,
}

impl<R: Read> Digested<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            page: Vec::new(),
            at: 0,
            digest: 0,
        }
    }

    fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn turn(&mut self) -> Option<()> {
        let length = usize::try_from(u32::from_be_bytes(self.raw()?)).ok()?;
        if length == 0 || length > PAGE_BYTES {
            return None;
        }
        self.page.resize(length, 0);
        self.input.read_exact(&mut self.page).ok()?;
        self.digest = digest_bytes(self.digest, &self.page);
        self.at = 0;
        Some(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        if self.at == self.page.len() {
            self.turn()?;
        }
        let end = self.at + bytes.len();
        bytes.copy_from_slice(self.page.get(self.at..end)?);
        self.at = end;
        Some(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Some(bytes)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn bytes<'a>(&mut self, space: &'a mut [u8]) -> Option<&'a [u8]> {
        let [length] = self.array()?;
        let bytes = space.get_mut(..usize::from(length))?;
        if !bytes.is_empty() {
            self.fill(bytes)?;
        }
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let mut space = [0; u8::MAX as usize];
        let bytes = self.bytes(&mut space)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    pub(super) fn finish(mut self) -> bool {
        self.at == self.page.len()
            && self.raw() == Some(0_u32.to_be_bytes())
            && self.raw() == Some(self.digest.to_be_bytes())
    }
}
