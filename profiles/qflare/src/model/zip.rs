//! The part of the zip format (PKWARE APPNOTE 6.3) that numpy writes: one disk, no comment, no
//! encryption, entries stored or deflated, less than 4 GiB.
//!
//! Zip readers differ in which of the format's two headers they believe, and archives are made to
//! use that. Here the central directory is believed, the local header must name the same file, and
//! entries must not overlap, so that no archive unpacks to much more than DEFLATE allows.

use std::io::Read;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::FormatError;

/// One file of an archive, still packed.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: String,
    /// Unpacked, as the directory says.
    pub(super) length: u64,
    packed: &'a [u8],
    deflated: bool,
    crc: u32,
}

/// The files of an archive, in the order of its directory.
pub(super) fn entries(bytes: &[u8], most: usize) -> Result<Vec<Entry<'_>>, FormatError> {
    let end = bytes
        .len()
        .checked_sub(END)
        .ok_or(malformed("it is cut off"))?;
    let mut last = Fields(&bytes[end..]);
    let whole = (|| {
        last.signature(b"PK\x05\x06")?;
        // This disk, and that of the directory.
        let disks = (last.u16()?, last.u16()?);
        let entries = (last.u16()?, last.u16()?);
        let (length, at) = (last.u32()?, last.u32()?);
        let comment = last.u16()?;
        let sane = disks == (0, 0) && entries.0 == entries.1 && comment == 0;
        sane.then_some((entries.0, length as usize, at as usize))
    })();
    let (number, length, at) = whole.ok_or(malformed("it does not end as archives do"))?;
    if usize::from(number) > most {
        return Err(FormatError::TooLarge {
            what: "tensors",
            most: most as u64,
        });
    }
    // The directory ends where the end begins, which leaves out the larger form of both.
    if at.checked_add(length) != Some(end) {
        return Err(malformed("its directory is not where it says"));
    }
    let mut directory = Fields(&bytes[at..end]);
    let mut found = Vec::new();
    let mut places = Vec::new();
    for _ in 0..number {
        let (entry, place) =
            entry(&mut directory, &bytes[..at]).ok_or(malformed("an entry is not understood"))?;
        found.push(entry);
        places.push(place);
    }
    if !directory.0.is_empty() {
        return Err(malformed("its directory goes on after its last entry"));
    }
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(malformed("two of its entries overlap"));
    }
    Ok(found)
}

impl Entry<'_> {
    /// Unpacks the file: `length` bytes, never more.
    pub(super) fn unpack(&self) -> Result<Vec<u8>, FormatError> {
        let mut unpacked = Vec::new();
        if self.deflated {
            // One more would show that there is more.
            let mut decoder = DeflateDecoder::new(self.packed).take(self.length.saturating_add(1));
            let read = decoder.read_to_end(&mut unpacked);
            let all = decoder.get_ref().total_in() == self.packed.len() as u64;
            if read.is_err() || !all {
                return Err(malformed("an entry is not deflated as it says"));
            }
        } else {
            unpacked.extend_from_slice(self.packed);
        }
        let mut crc = Crc::new();
        crc.update(&unpacked);
        if unpacked.len() as u64 != self.length || crc.sum() != self.crc {
            return Err(malformed("an entry is not what its directory says"));
        }
        Ok(unpacked)
    }
}

/// Reads an entry of the directory (section 4.3.12) and finds its bytes; gives where they lie.
fn entry<'a>(directory: &mut Fields<'_>, files: &'a [u8]) -> Option<(Entry<'a>, (usize, usize))> {
    directory.signature(b"PK\x01\x02")?;
    directory.skip(4)?;
    let (flags, method) = (directory.u16()?, directory.u16()?);
    directory.skip(4)?;
    let (crc, packed, length) = (directory.u32()?, directory.u32()?, directory.u32()?);
    let (name, extra, comment) = (directory.u16()?, directory.u16()?, directory.u16()?);
    directory.skip(8)?;
    let at = directory.u32()? as usize;
    let name = directory.take(usize::from(name))?;
    directory.skip(usize::from(extra) + usize::from(comment))?;

    // The local header (section 4.3.7). Its lengths may be elsewhere; the directory's count.
    let mut local = Fields(files.get(at..)?);
    local.signature(b"PK\x03\x04")?;
    local.skip(2)?;
    let same = local.u16()? == flags && local.u16()? == method;
    local.skip(16)?;
    let (local_name, local_extra) = (local.u16()?, local.u16()?);
    let same = same && local.take(usize::from(local_name))? == name;
    local.skip(usize::from(local_extra))?;
    let begin = files.len() - local.0.len();
    let packed = local.take(packed as usize)?;

    let deflated = match method {
        0 => false,
        8 => true,
        _ => return None,
    };
    let known = same && flags & !KNOWN_FLAGS == 0;
    let entry = Entry {
        name: String::from_utf8(name.to_vec()).ok()?,
        length: u64::from(length),
        packed,
        deflated,
        crc,
    };
    known.then_some((entry, (at, begin + packed.len())))
}

/// The length of the end of an archive without a comment.
const END: usize = 22;

/// How hard was compressed, a length that follows the file, a name in UTF-8.
const KNOWN_FLAGS: u16 = 0b1000_0000_1110;

/// Numbers of an archive, little-endian.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(drop)
    }

    fn signature(&mut self, signature: &[u8; 4]) -> Option<()> {
        (self.take(4)? == signature).then_some(())
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

fn malformed(fault: &'static str) -> FormatError {
    FormatError::Malformed {
        format: "npz",
        fault,
    }
}
