//! The note of a clean stop: what the ledger held then, how long its file was, and the index of orders.
//!
//! It is written last of all when a store is closed, and taken away before the next one serves. Where it is missing, torn
//! or of another ledger, the stop was not clean: then everything is read and checked before anything is served.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
    sync::Arc,
};

use wxpay_core::{AppId, MchId, OutTradeNo};

use super::{
    fault::{Faults, Step},
    folder::{Folder, io_error},
    head::{Head, SEALED_BYTES},
    layout::{CLEAN_FILE, CLEAN_NEW_FILE},
    locate::{Hashes, Locator},
    pages::{Digested, Digesting},
};
use crate::{
    Day, StoreError, Timestamp,
    index::{ByTime, Index},
    place::{NUMBER_MAX_BYTES, Place},
    totals::Sums,
};

/// Changes with every change of what follows: a note of another version is no note.
const MAGIC: &[u8; 8] = b"ordclean";
const VERSION: u8 = 3;

/// What a clean stop left.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub(super) head: Head,
    /// The length of sled's file.
    pub(super) db_bytes: u64,
    pub(super) index: Index,
    pub(super) locator: Locator,
}

impl Checkpoint {
    /// Writes it under a name that does not count, syncs it, and gives it the name that does. The folder's own sync is
    /// the caller's.
    fn write(
        folder: &Path,
        head: &Head,
        db_bytes: u64,
        index: &Index,
        locator: &Locator,
    ) -> io::Result<()> {
        let new = folder.join(CLEAN_NEW_FILE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = Digesting::new(BufWriter::new(options.open(&new)?));
        out.put(MAGIC)?;
        out.put(&[VERSION])?;
        out.put(&head.seal())?;
        out.put(&db_bytes.to_be_bytes())?;
        put_index(&mut out, index)?;
        put_locator(&mut out, locator)?;
        let file = out.finish()?;
        file.sync_all()?;
        fs::rename(&new, folder.join(CLEAN_FILE))
    }

    /// Writes it, and its name with it: the last thing that is done to a ledger that nobody has open.
    pub(super) fn leave(
        folder: &Folder,
        head: &Head,
        db_bytes: u64,
        index: &Index,
        locator: &Locator,
        faults: &Faults,
    ) -> Result<(), StoreError> {
        let path = &folder.path;
        faults
            .around(Step::Checkpoint, || {
                Self::write(path, head, db_bytes, index, locator)
            })
            .map_err(io_error("writing the note of a clean stop in", path))?;
        folder.sync_names()
    }

    /// Reads it; nothing when there is none that is whole.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let file = File::open(folder.join(CLEAN_FILE)).ok()?;
        let mut input = Digested::new(BufReader::new(file));
        (input.array()? == *MAGIC && input.array()? == [VERSION]).then_some(())?;
        let head = Head::unseal(&input.array::<SEALED_BYTES>()?)?;
        let db_bytes = input.number()?;
        let index = take_index(&mut input)?;
        let locator = take_locator(&mut input)?;
        input.finish().then_some(Self {
            head,
            db_bytes,
            index,
            locator,
        })
    }

    /// Takes it away; what its folder's name says is the caller's to sync.
    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        for name in [CLEAN_FILE, CLEAN_NEW_FILE] {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn put_index<W: Write>(out: &mut Digesting<W>, index: &Index) -> io::Result<()> {
    let merchants: BTreeMap<&MchId, u32> =
        index.merchants.iter().map(AsRef::as_ref).zip(0..).collect();
    out.count(merchants.len())?;
    for mch_id in merchants.keys() {
        out.text(mch_id.as_str())?;
    }
    out.count(index.accounts.len())?;
    for ((mch_id, appid), open) in &index.accounts {
        out.text(mch_id.as_str())?;
        out.text(appid.as_str())?;
        out.put(&open.to_be_bytes())?;
    }
    out.count(index.totals.days.len())?;
    for ((day, mch_id), sums) in &index.totals.days {
        out.text(&day.to_string())?;
        out.text(mch_id.as_str())?;
        out.put(&sums.payments.to_be_bytes())?;
        out.put(&sums.paid.to_be_bytes())?;
        out.put(&sums.refunds.to_be_bytes())?;
        out.put(&sums.refunded.to_be_bytes())?;
    }
    for places in index.states.iter().chain([&index.due]) {
        out.count(places.len())?;
        for place in places {
            out.put(&place.at.millis().to_be_bytes())?;
            let mch_id: &MchId = &place.mch_id;
            out.put(&merchants[mch_id].to_be_bytes())?;
            out.bytes(place.number())?;
        }
    }
    Ok(())
}

fn take_index<R: Read>(input: &mut Digested<R>) -> Option<Index> {
    let mut index = Index::default();
    let mut merchants: Vec<Arc<MchId>> = Vec::new();
    for _ in 0..input.number()? {
        merchants.push(index.merchant(&input.text()?.parse().ok()?));
    }
    for _ in 0..input.number()? {
        let mch_id: MchId = input.text()?.parse().ok()?;
        let appid: AppId = input.text()?.parse().ok()?;
        index.accounts.insert((mch_id, appid), input.number()?);
    }
    for _ in 0..input.number()? {
        let day: Day = input.text()?.parse().ok()?;
        let mch_id: MchId = input.text()?.parse().ok()?;
        let sums = Sums {
            payments: input.number()?,
            paid: u128::from_be_bytes(input.array()?),
            refunds: input.number()?,
            refunded: u128::from_be_bytes(input.array()?),
        };
        index.totals.days.insert((day, mch_id), sums);
    }
    for places in index.states.iter_mut().chain([&mut index.due]) {
        *places = take_places(input, &merchants)?;
    }
    Some(index)
}

fn put_locator<W: Write>(out: &mut Digesting<W>, locator: &Locator) -> io::Result<()> {
    let Locator {
        orders,
        numbers,
        transactions,
        refunds,
    } = locator;
    for hashes in [orders, numbers, transactions, refunds] {
        out.count(hashes.len())?;
        for (hash, value) in hashes.iter() {
            out.put(&hash.to_be_bytes())?;
            out.put(&value.to_be_bytes())?;
        }
    }
    Ok(())
}

fn take_locator<R: Read>(input: &mut Digested<R>) -> Option<Locator> {
    Some(Locator {
        orders: take_hashes(input)?,
        numbers: take_hashes(input)?,
        transactions: take_hashes(input)?,
        refunds: take_hashes(input)?,
    })
}

fn take_hashes<R: Read>(input: &mut Digested<R>) -> Option<Hashes> {
    let count = input.number()?;
    // The digest comes last, so a count is not believed beyond what a ledger may well have.
    let mut hashes = Hashes::with_capacity(usize::try_from(count.min(1 << 24)).ok()?);
    for _ in 0..count {
        let hash = input.number()?;
        hashes.add(hash, input.number()?);
    }
    Some(hashes)
}

fn take_places<R: Read>(input: &mut Digested<R>, merchants: &[Arc<MchId>]) -> Option<ByTime> {
    let mut places = Vec::new();
    for _ in 0..input.number()? {
        let at = Timestamp::from_millis(i64::from_be_bytes(input.array()?));
        let merchant = u32::from_be_bytes(input.array()?);
        let mch_id = merchants.get(usize::try_from(merchant).ok()?)?;
        let mut number = [0; NUMBER_MAX_BYTES];
        let number = input.bytes(&mut number)?;
        str::from_utf8(number).ok()?.parse::<OutTradeNo>().ok()?;
        places.push(Place::of_bytes(at, Arc::clone(mch_id), number)?);
    }
    // They come sorted, so this fills the tree's nodes to the brim.
    Some(places.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut index = Index::default();
        for n in 0..5_000_i64 {
            let mch_id = index.merchant(&format!("100{}", n % 3).parse().unwrap());
            let number = format!("order-{n}").parse().unwrap();
            let place = Place::new(Timestamp::from_millis(n / 2), mch_id, &number);
            if n % 7 == 0 {
                index.due.insert(place.clone());
            }
            index.states[usize::try_from(n % 5).unwrap()].insert(place);
        }
        let account = (
            "1000".parse().unwrap(),
            "wx8397f8696b538317".parse().unwrap(),
        );
        index.accounts.insert(account, 17);
        for n in 0..400 {
            let day = Day::of(Timestamp::from_millis(0)).plus(n);
            let sums = Sums {
                payments: n.into(),
                paid: u128::MAX - u128::from(n),
                refunds: 1,
                refunded: n.into(),
            };
            let mch_id = "1000".parse().unwrap();
            index.totals.days.insert((day, mch_id), sums);
        }
        index
    }

    fn locator() -> Locator {
        let mut locator = Locator::default();
        for n in 0..3_000_u64 {
            locator.orders.add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n);
            locator.transactions.add(n / 2, n);
            locator.refunds.add(n, n);
        }
        locator
    }

    #[test]
    fn it_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Checkpoint::read(folder.path()).is_none());
        let head = Head {
            commits: 9,
            ..Head::default()
        };
        Checkpoint::write(folder.path(), &head, 77, &index(), &locator()).unwrap();
        let found = Checkpoint::read(folder.path()).unwrap();
        assert_eq!((found.head, found.db_bytes), (head, 77));
        assert_eq!((found.index, found.locator), (index(), locator()));

        let path = folder.path().join(CLEAN_FILE);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(997).chain([whole.len() - 1]) {
            let mut wrong = whole.clone();
            wrong[at] ^= 4;
            fs::write(&path, &wrong).unwrap();
            assert!(Checkpoint::read(folder.path()).is_none(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Checkpoint::read(folder.path()).is_none(), "cut at {at}");
        }
        Checkpoint::remove(folder.path()).unwrap();
        Checkpoint::remove(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
