//! Instructions of an operation, counted by valgrind.
//!
//! Callgrind collects inside one function only, [`crate::counted`], which leaves out the making of the store.
//! But it does so thread by thread, and a large put hashes and stores on threads of its own. There it counts
//! whole processes that differ only in how often they do the operation: in the difference everything else
//! cancels out.

use std::process::Command;

use crate::Result;
use crate::operations::Operation;

/// The first word of the arguments with which this program is run under valgrind.
pub(crate) const REPEAT: &str = "repeat";

/// Valgrind's version; `None` where it is not installed.
pub(crate) fn valgrind() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}

/// Instructions of one operation, all threads together.
pub(crate) fn count(operation: &Operation) -> Result<u64> {
    let times = operation.repeats as u64;
    if !operation.is_threaded {
        return Ok(process(
            operation,
            times,
            &["--toggle-collect=*strongroom_bench_counts*counted*"],
        )? / times);
    }
    let (few, many) = (
        process(operation, times, &[])?,
        process(operation, times * 3, &[])?,
    );
    Ok(many.saturating_sub(few) / (times * 2))
}

fn process(operation: &Operation, times: u64, options: &[&str]) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(options)
        .arg(std::env::current_exe()?)
        .args([REPEAT, operation.name, &times.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{} under valgrind failed: {said}", operation.name).into());
    }
    match collected(&said) {
        Some(count) if count > 0 => Ok(count),
        _ => Err(format!("valgrind counted nothing: {said}").into()),
    }
}

/// From the line `==1234== Collected : 567890`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n==7== I   refs:      123,456\n";
        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== nothing"), None);
    }
}
