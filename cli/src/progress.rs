//! Progress bars on standard error: only when it is a terminal, and never with `--quiet` or `--no-progress`.

use std::io::{self, IsTerminal, Read, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::GlobalArgs;

const BYTES: &str = "{msg:24!} {bar:32} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12}  {eta}";
const ITEMS: &str = "{msg:24!} {bar:32} {pos:>7} of {len:<7} {eta}";

/// Makes the bars of one command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// Decides once whether bars are shown.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self {
            shown: !global.quiet && !global.no_progress && io::stderr().is_terminal(),
        }
    }

    /// A bar that counts bytes.
    pub(crate) fn bytes(self, message: &str, total: u64) -> ProgressBar {
        self.bar(message, total, BYTES)
    }

    /// A bar that counts things.
    pub(crate) fn items(self, message: &str, total: u64) -> ProgressBar {
        self.bar(message, total, ITEMS)
    }

    fn bar(self, message: &str, total: u64, template: &str) -> ProgressBar {
        let target = if self.shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(total), target)
            .with_style(style)
            .with_message(message.to_owned())
    }
}

/// Moves a bar by the bytes that pass through a reader or writer.
pub(crate) struct Metered<'b, T> {
    inner: T,
    bar: &'b ProgressBar,
}

impl<'b, T> Metered<'b, T> {
    /// Wraps a reader or writer.
    pub(crate) fn new(inner: T, bar: &'b ProgressBar) -> Self {
        Self { inner, bar }
    }
}

impl<T: Read> Read for Metered<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl<T: Write> Write for Metered<'_, T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
