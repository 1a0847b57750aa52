//! The peer `age + files`: one age-encrypted file per body, what one would write oneself in an afternoon.
//!
//! To an X25519 recipient, so that no time goes into a passphrase. File and directory are synced at every
//! put.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::iter;
use std::path::{Path, PathBuf};

use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};

use strongroom_bench_store::{Result, Store};

/// A directory of encrypted files, and the key to them.
pub(crate) struct AgeFiles {
    dir: PathBuf,
    identity: Identity,
    recipient: Recipient,
}

impl AgeFiles {
    /// No file yet, in `dir`, under a random key.
    pub(crate) fn create(dir: &Path) -> Self {
        let identity = Identity::generate();
        Self {
            dir: dir.to_owned(),
            recipient: identity.to_public(),
            identity,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name.replace('/', "_"))
    }

    fn open(&self, name: &str) -> Result<age::stream::StreamReader<BufReader<File>>> {
        let decryptor =
            Decryptor::new_buffered(BufReader::with_capacity(BUFFER, File::open(self.path(name))?))?;
        Ok(decryptor.decrypt(iter::once(&self.identity as &dyn age::Identity))?)
    }
}

impl Store for AgeFiles {
    fn name(&self) -> &'static str {
        "age + files"
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        let encryptor = Encryptor::with_recipients(iter::once(&self.recipient as &dyn age::Recipient))?;
        let file = BufWriter::with_capacity(BUFFER, File::create_new(self.path(name))?);
        let mut encrypted = encryptor.wrap_output(file)?;
        encrypted.write_all(body)?;
        let file = encrypted
            .finish()?
            .into_inner()
            .map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok(File::open(&self.dir)?.sync_all()?)
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        self.open(name)?.read_to_end(out)?;
        Ok(())
    }

    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        let mut reader = self.open(name)?;
        offsets.iter().try_for_each(|&offset| {
            reader.seek(SeekFrom::Start(offset))?;
            Ok(reader.read_exact(out)?)
        })
    }
}

/// Of age's chunks, so that a file is read and written in few large pieces.
const BUFFER: usize = 256 * 1024;
