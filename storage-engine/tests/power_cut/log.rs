//! Reads what the recorder wrote, one operation at a time; payloads of writes stay in the file.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where the payload of a write lies in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload {
    pub(crate) at: u64,
    pub(crate) length: usize,
}

/// One recorded call.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Created {
        file: u32,
        path: PathBuf,
    },
    Opened {
        file: u32,
        path: PathBuf,
    },
    Write {
        file: u32,
        offset: u64,
        payload: Payload,
    },
    SetLength {
        file: u32,
        length: u64,
    },
    Sync {
        file: u32,
    },
    RangeSync,
    SyncDir {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    MakeDir {
        path: PathBuf,
    },
    RemoveDir {
        path: PathBuf,
    },
}

/// A recorded run: its operations, with paths relative to the recorded directory.
pub(crate) struct Log {
    pub(crate) ops: Vec<Op>,
    file: File,
}

impl Log {
    pub(crate) fn read(path: &Path, dir: &Path) -> Self {
        let file = File::open(path).unwrap();
        let mut reader = BufReader::new(file.try_clone().unwrap());
        let (mut ops, mut at) = (Vec::new(), 0);
        let mut head = [0; 21];
        loop {
            match reader.read_exact(&mut head) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                read => read.unwrap(),
            }
            let length = u64::from_le_bytes(head[13..].try_into().unwrap()) as usize;
            let payload = Payload { at: at + 21, length };
            at += 21 + length as u64;
            ops.push(op(&head, payload, &mut reader, dir));
        }
        Self { ops, file }
    }

    /// The bytes of a write.
    pub(crate) fn bytes(&self, payload: Payload) -> Vec<u8> {
        let mut bytes = vec![0; payload.length];
        self.file.read_exact_at(&mut bytes, payload.at).unwrap();
        bytes
    }
}

fn op(head: &[u8; 21], payload: Payload, reader: &mut BufReader<File>, dir: &Path) -> Op {
    let file = u32::from_le_bytes(head[1..5].try_into().unwrap());
    let offset = u64::from_le_bytes(head[5..13].try_into().unwrap());
    if head[0] == b'W' {
        reader.seek_relative(payload.length as i64).unwrap();
        return Op::Write {
            file,
            offset,
            payload,
        };
    }
    let mut bytes = vec![0; payload.length];
    reader.read_exact(&mut bytes).unwrap();
    let mut paths = bytes.split(|&byte| byte == 0).map(|path| {
        let path = Path::new(std::str::from_utf8(path).unwrap());
        path.strip_prefix(dir).unwrap_or(path).to_path_buf()
    });
    let mut path = || paths.next().unwrap();
    match head[0] {
        b'C' => Op::Created { file, path: path() },
        b'E' => Op::Opened { file, path: path() },
        b'T' => Op::SetLength { file, length: offset },
        b'S' => Op::Sync { file },
        b'G' => Op::RangeSync,
        b'D' => Op::SyncDir { path: path() },
        b'R' => Op::Rename {
            from: path(),
            to: path(),
        },
        b'U' => Op::Unlink { path: path() },
        b'M' => Op::MakeDir { path: path() },
        b'X' => Op::RemoveDir { path: path() },
        other => panic!("the recorder wrote an unknown operation {other}"),
    }
}
