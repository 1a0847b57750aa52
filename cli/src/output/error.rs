//! Failures: one line `ERROR: (Code) message`, one line saying what to do, and the exit status.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind as ClapKind;
use strongroom::keyvault::VaultError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Refused or failed.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// The named thing does not exist.
    NotFound = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    code: String,
    message: String,
    hint: String,
}

impl Failure {
    /// A failure with the exit status, code and message given, and a hint to look at the help.
    pub(crate) fn new(exit: Exit, code: impl Into<String>, message: impl Display) -> Self {
        let hint = "See `strongroom --help`, or run again with --verbose.".to_owned();
        Self {
            exit,
            code: code.into(),
            message: message.to_string(),
            hint,
        }
    }

    /// Wrong usage.
    pub(crate) fn usage(code: &str, message: impl Display) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// A file or directory of the user that could not be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let shown = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(
                Exit::NotFound,
                "FileNotFound",
                format!("there is no file {shown}"),
            )
            .hint("Check the path; relative paths start at the current directory."),
            io::ErrorKind::IsADirectory => {
                Self::new(Exit::Failed, "IsADirectory", format!("{shown} is a directory"))
                    .hint("Name a file in it.")
            }
            io::ErrorKind::NotADirectory => Self::no_directory(path),
            _ => Self::io(&format!("accessing {shown}"), error),
        }
    }

    /// A path that is no directory, or leads through something that is none.
    pub(crate) fn no_directory(path: &Path) -> Self {
        let message = format!("{}, or a part of it, is no directory", path.display());
        Self::new(Exit::Failed, "NotADirectory", message)
            .hint("Name a directory, or a file in one; check every part of the path.")
    }

    /// An input or output error outside the store.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull => "Free some space on that disk and run the command again.",
            io::ErrorKind::PermissionDenied => "Check the permissions of the file and its directory.",
            _ => "Check the disk and the path, then run the command again.",
        };
        Self::new(Exit::Failed, "InputOutputError", format!("{doing}: {error}")).hint(hint)
    }

    /// Replaces the hint: one sentence saying what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Puts the thing it is about in front of the message.
    pub(crate) fn about(mut self, thing: &dyn Display) -> Self {
        self.message = format!("{thing}: {}", self.message);
        self
    }

    /// The code in brackets.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The exit status as a number.
    #[cfg(test)]
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit as u8
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The two lines for standard error.
    pub(crate) fn lines(&self) -> String {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (message, hint) = (one_line(&self.message), sentence(&one_line(&self.hint)));
        format!("ERROR: ({}) {message}\n{hint}\n", self.code)
    }
}

impl From<strongroom::Error> for Failure {
    fn from(error: strongroom::Error) -> Self {
        let exit = if error.status() == 404 {
            Exit::NotFound
        } else {
            Exit::Failed
        };
        let hint = error.what_to_do().unwrap_or(READ).to_owned();
        Self::new(exit, error.code(), error.message()).hint(hint)
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let exit = if error.status() == 404 {
            Exit::NotFound
        } else {
            Exit::Failed
        };
        Self::new(exit, error.code(), &error).hint(vault_advice(&error))
    }
}

/// What to do about what a vault refused.
fn vault_advice(error: &VaultError) -> &'static str {
    match error {
        VaultError::AccessDenied(_) => "Grant the permission with `strongroom keyvault set-policy`.",
        VaultError::BadParameter { .. } => "Correct the value and run the command again.",
        VaultError::KeyDisabled { .. } => {
            "Enable the version with `strongroom keyvault key set-attributes --enabled true`."
        }
        VaultError::KeyNotFound { .. } => {
            "`strongroom keyvault key list` and `key list-deleted` print what exists."
        }
        VaultError::ObjectIsDeletedButRecoverable { .. } => {
            "Recover it with `strongroom keyvault key recover`."
        }
        VaultError::PurgeProtected => "Wait for the end of the retention; until then it can be recovered.",
        VaultError::VaultAlreadyExists { .. } => {
            "Choose another name; `strongroom keyvault list-deleted` prints deleted vaults."
        }
        VaultError::VaultNotFound { .. } => {
            "`strongroom keyvault list` and `keyvault list-deleted` print what exists."
        }
        _ => "Read the message; correct what it names and run the command again.",
    }
}

/// What to do about a failure that brought no advice of its own.
const READ: &str =
    "Read the message; close other users of the store, check the disk, and run the command again.";

impl Failure {
    /// Tells what clap found wrong in the words of `az`: a code, the reason, and where the help is.
    pub(crate) fn from_clap(error: &clap::Error, command: &str) -> Self {
        let text = error.render().to_string();
        let reason: Vec<&str> = text
            .trim_start_matches("error: ")
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
            .filter(|line| !line.is_empty())
            .collect();
        let reason = match error.kind() {
            ClapKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                format!("a command is missing after `{command}`")
            }
            _ => reason.join(" "),
        };
        Self::usage(usage_code(error.kind()), reason).hint(format!("See `{command} --help`."))
    }
}

/// Capital letter and full stop, where the text is one of prose.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?', '`']) {
        ""
    } else {
        "."
    };
    first + letters.as_str() + end
}

fn usage_code(kind: ClapKind) -> &'static str {
    match kind {
        ClapKind::MissingRequiredArgument => "RequiredArgumentMissingError",
        ClapKind::UnknownArgument => "UnrecognizedArgumentError",
        ClapKind::ArgumentConflict => "MutuallyExclusiveArgumentError",
        ClapKind::InvalidSubcommand
        | ClapKind::MissingSubcommand
        | ClapKind::DisplayHelpOnMissingArgumentOrSubcommand => "CommandNotFoundError",
        _ => "InvalidArgumentValueError",
    }
}
