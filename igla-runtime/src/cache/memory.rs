//! The bytes of a file, mapped where that is safe, otherwise read.
//!
//! Mapped files share their pages with all processes and take no time to load. But whoever writes to a mapped file
//! changes memory that this process takes for constant, and whoever cuts it kills the process. So only files are mapped
//! that nobody may write to and only their owner may read (mode 400): then this process is the owner's, and
//! it takes a deliberate act of the same user to do harm, as it would with a debugger.

use std::fs::File;
use std::io::{self, Read};

use crate::tensor::Tensor;

/// Bytes that start at a multiple of 64.
pub(super) enum Memory {
    /// Pages of the file itself.
    #[cfg(all(unix, feature = "map"))]
    Mapped(memmap2::Mmap),
    /// A copy.
    Read(Tensor<u8, 1>),
}

impl Memory {
    /// All bytes of a file.
    pub fn of(file: &mut File, len: usize) -> io::Result<Memory> {
        #[cfg(all(unix, feature = "map"))]
        if let Some(mapped) = map(file, len)? {
            return Ok(mapped);
        }
        io::Seek::rewind(file)?;
        Memory::read(file, len)
    }

    /// A copy of the next `len` bytes.
    pub fn read(from: &mut impl Read, len: usize) -> io::Result<Memory> {
        let mut bytes = Tensor::zeros([len]).map_err(|_| io::ErrorKind::OutOfMemory)?;
        from.read_exact(bytes.as_mut_slice())?;
        Ok(Memory::Read(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            #[cfg(all(unix, feature = "map"))]
            Memory::Mapped(map) => map,
            Memory::Read(bytes) => bytes.as_slice(),
        }
    }
}

/// Maps a file if nobody may write to it.
#[cfg(all(unix, feature = "map"))]
fn map(file: &File, len: usize) -> io::Result<Option<Memory>> {
    use std::os::unix::fs::MetadataExt;

    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.mode() & 0o777 != 0o400 || len == 0 {
        return Ok(None);
    }
    let mut options = memmap2::MmapOptions::new();
    options.len(len).populate();
    // SAFETY: the memory must not change while it is mapped. The mode that was just looked at lets nobody open the file
    // for writing; entries get it before they get their name, and are replaced by renaming, which leaves mapped pages
    // alone. The map is private and read-only, so nothing of this process writes to it either.
    let map = unsafe { options.map(file) };
    // File systems that cannot map can still be read.
    Ok(map.ok().filter(|map| map.len() == len).map(Memory::Mapped))
}

#[cfg(all(test, unix, feature = "map"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_files_that_nobody_may_write_to_are_mapped() {
        let path = std::env::temp_dir().join(format!("igla-runtime-memory-{}", std::process::id()));
        let text: Vec<u8> = (0..10_000).map(|n| n as u8).collect();
        fs::write(&path, &text).unwrap();
        let memory = |mode: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let memory = Memory::of(&mut File::open(&path).unwrap(), text.len()).unwrap();
            assert_eq!(memory.bytes(), text);
            assert_eq!(memory.bytes().as_ptr() as usize % 64, 0);
            memory
        };
        for mode in [0o600, 0o644, 0o440, 0o444, 0o500] {
            assert!(matches!(memory(mode), Memory::Read(_)), "{mode:o}");
        }
        let mapped = memory(0o400);
        assert!(matches!(mapped, Memory::Mapped(_)));
        // What is mapped stays when its name goes.
        fs::remove_file(&path).unwrap();
        assert_eq!(mapped.bytes(), text);
    }
}
