//! Blobs in memory and on a real disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::{Arc, Barrier};

use pqfw_framework::blobs::{BlobName, Blobs};
use pqfw_framework::store::StoreError;

const URL: &str = "sqlite:state.db";

fn name(byte: u8) -> BlobName {
    BlobName::of_digest(&[byte; 32]).unwrap()
}

/// The same for both kinds.
fn each_kind(law: impl Fn(&dyn Blobs)) {
    let home = tempfile::tempdir().unwrap();
    for url in ["memory:", URL] {
        law(&*pqfw_store::open_blobs(url, home.path()).unwrap());
    }
}

fn all(blobs: &dyn Blobs, name: &BlobName) -> Vec<u8> {
    let length = blobs.length(name).unwrap().unwrap();
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    blobs.read(name, 0, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_name_is_a_digest_of_32_bytes() {
    assert_eq!(BlobName::of_digest(&[0; 31]), None);
    assert_eq!(BlobName::of_digest(&[0; 33]), None);
    assert_eq!(name(0xa5).to_string(), "a5".repeat(32));
    assert_eq!(name(7).digest(), &[7; 32]);
}

#[test]
fn a_blob_is_read_in_pieces_and_never_beyond_its_end() {
    each_kind(|blobs| {
        assert_eq!(blobs.length(&name(1)), Ok(None));
        blobs.put(&name(1), b"0123456789").unwrap();
        assert_eq!(blobs.length(&name(1)), Ok(Some(10)));
        let mut piece = [0; 4];
        blobs.read(&name(1), 6, &mut piece).unwrap();
        assert_eq!(&piece, b"6789");
        for at in [7, 10, 11, u64::MAX] {
            let refused = blobs.read(&name(1), at, &mut piece);
            assert!(matches!(refused, Err(StoreError::Failed(_))), "{at}");
        }
        blobs.read(&name(1), 10, &mut []).unwrap();
        let missing = blobs.read(&name(2), 0, &mut piece);
        assert!(matches!(missing, Err(StoreError::Failed(_))));
    });
}

#[test]
fn what_is_there_stays_until_it_is_removed() {
    each_kind(|blobs| {
        blobs.put(&name(1), b"bytes").unwrap();
        // The name says that they are the same; nobody looks.
        blobs.put(&name(1), b"other bytes").unwrap();
        assert_eq!(all(blobs, &name(1)), b"bytes");
        blobs.put(&name(2), b"").unwrap();
        assert_eq!(blobs.length(&name(2)), Ok(Some(0)));
        blobs.remove(&name(1)).unwrap();
        blobs.remove(&name(1)).unwrap();
        assert_eq!(blobs.length(&name(1)), Ok(None));
        assert_eq!(blobs.length(&name(2)), Ok(Some(0)));
    });
}

#[test]
fn blobs_outlive_the_process_and_a_draft_is_none() {
    let home = tempfile::tempdir().unwrap();
    let open = || pqfw_store::open_blobs(URL, home.path()).unwrap();
    open().put(&name(1), b"bytes").unwrap();
    // What a kill between writing and renaming leaves.
    let draft = format!("state.db.blobs/.{}.1.0", name(2));
    std::fs::write(home.path().join(draft), b"half").unwrap();
    assert_eq!(all(&*open(), &name(1)), b"bytes");
    assert_eq!(open().length(&name(2)), Ok(None));
    open().put(&name(2), b"whole").unwrap();
    assert_eq!(all(&*open(), &name(2)), b"whole");
}

#[test]
fn one_blob_is_whole_however_many_write_it() {
    let home = tempfile::tempdir().unwrap();
    let bytes: Arc<[u8]> = vec![7; 100_000].into();
    let together = Arc::new(Barrier::new(8));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let blobs = pqfw_store::open_blobs(URL, home.path()).unwrap();
            let (bytes, together) = (bytes.clone(), together.clone());
            std::thread::spawn(move || {
                together.wait();
                blobs.put(&name(7), &bytes).unwrap();
                assert_eq!(all(&*blobs, &name(7)), &*bytes);
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    let files = std::fs::read_dir(home.path().join("state.db.blobs")).unwrap();
    assert_eq!(files.count(), 1, "no draft is left");
}

#[test]
fn a_directory_that_cannot_be_made_and_a_url_of_no_store_are_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("state.db.blobs"), b"a file").unwrap();
    for url in [URL, "postgres://host/db", "memory:x"] {
        let refused = pqfw_store::open_blobs(url, home.path());
        assert!(
            matches!(refused.map(drop), Err(StoreError::Failed(_))),
            "{url}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_directory_is_0700_and_every_file_0600() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    pqfw_store::open_blobs(URL, home.path())
        .unwrap()
        .put(&name(1), b"v")
        .unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let directory = home.path().join("state.db.blobs");
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join(name(1).to_string())), 0o600);
}
