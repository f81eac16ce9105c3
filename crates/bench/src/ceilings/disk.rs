//! How often the disk says "it is safe".

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Result;

/// A file that stops growing here and begins anew: 64 MiB.
const FILE_PAGES: u32 = 16_384;

/// Appends of 4 KiB with `fdatasync`, a second.
pub fn fsyncs(directory: &Path, time: Duration) -> Result<f64> {
    use std::io::{Seek as _, SeekFrom};
    let mut file: File = tempfile::tempfile_in(directory)?;
    let page = [0x5a_u8; 4096];
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < time {
        if count.is_multiple_of(FILE_PAGES) {
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
