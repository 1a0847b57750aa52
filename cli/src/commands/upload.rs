//! `storage blob upload` and `storage blob upload-batch`: files become blobs of any type.

use std::fs::File;
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use strongroom::{BlobName, Conditions, Container, ContentHeaders, ReadOptions, UploadOptions};

use super::blob::{container, headers, place};
use super::conditions::of_blob;
use super::container::metadata;
use super::tag::tags;
use super::{blob_append, blob_page, shape};
use crate::args::upload::{UploadArgs, UploadBatch, UploadBlob, UploadType};
use crate::files::find;
use crate::files::glob::Pattern;
use crate::output::error::Failure;
use crate::progress::Metered;
use crate::session::Session;

/// One file on its way.
pub(super) struct Upload<'a> {
    pub(super) container: &'a Container,
    pub(super) name: &'a BlobName,
    pub(super) path: &'a Path,
    pub(super) args: &'a UploadArgs,
    pub(super) bar: &'a ProgressBar,
}

/// Uploads a file.
pub(super) fn one(session: &Session, args: &UploadBlob) -> Result<Value, Failure> {
    let meta = std::fs::metadata(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    if meta.is_dir() {
        let message = format!("{} is a directory", args.file.display());
        return Err(Failure::usage("InvalidArgumentValueError", message)
            .hint("Use `strongroom storage blob upload-batch --source DIR` for a directory."));
    }
    let file_name = args
        .file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name: BlobName = args.name.as_deref().unwrap_or(&file_name).parse()?;
    check(&args.each, args.content_md5.as_deref())?;
    let bar = session.progress().bytes(name.as_str(), meta.len());
    let upload = Upload {
        container: &place(session, &args.place)?,
        name: &name,
        path: &args.file,
        args: &args.each,
        bar: &bar,
    };
    let shown = upload.run(args.content_md5.as_deref())?;
    bar.finish_and_clear();
    Ok(shown)
}

/// Uploads the files of a directory.
pub(super) fn batch(session: &Session, args: &UploadBatch) -> Result<Value, Failure> {
    check(&args.each, None)?;
    let pattern = Pattern::parse(args.pattern.as_deref())?;
    let mut files = find::below(&args.source)?.files;
    files.retain(|file| pattern.matches(&file.name));
    let container = container(session, &args.account.account, &args.destination)?;
    let total = files.iter().map(|file| file.bytes).sum();
    let bar = session.progress().bytes("uploading", total);
    let mut results = Vec::new();
    for file in &files {
        let name = named(args.destination_path.as_deref(), &file.name)?;
        let upload = Upload {
            container: &container,
            name: &name,
            path: &file.path,
            args: &args.each,
            bar: &bar,
        };
        let uploaded = if args.dryrun {
            Value::Null
        } else {
            upload.run(None).map_err(|error| error.about(&name))?
        };
        results.push(json!({
            "Blob": shape::blob_url(&args.account.account, container.name(), &name),
            "Last Modified": uploaded.get("lastModified"),
            "Type": headers(&args.each.content, ContentHeaders::default()).content_type,
            "eTag": uploaded.get("etag"),
        }));
    }
    bar.finish_and_clear();
    Ok(Value::Array(results))
}

/// The name of what goes into a directory of the container.
pub(super) fn named(directory: Option<&str>, name: &str) -> Result<BlobName, Failure> {
    let prefix = directory.map(|path| path.trim_matches('/'));
    Ok(match prefix.filter(|path| !path.is_empty()) {
        Some(prefix) => format!("{prefix}/{name}").parse()?,
        None => name.parse()?,
    })
}

impl Upload<'_> {
    fn run(&self, md5: Option<&str>) -> Result<Value, Failure> {
        let shown = match self.args.blob_type.unwrap_or_default() {
            UploadType::Append => blob_append::run(self),
            UploadType::Block => self.block(md5),
            UploadType::Page => blob_page::run(self),
        }?;
        Ok(shape::sealed(shown, &self.args.encryption.choice()?))
    }

    fn block(&self, md5: Option<&str>) -> Result<Value, Failure> {
        let args = self.args;
        let file = self.open()?;
        let about = file
            .metadata()
            .map_err(|error| Failure::file(self.path, &error))?;
        let options = UploadOptions {
            headers: headers(&args.content, ContentHeaders::default()),
            metadata: metadata(&args.metadata)?,
            conditions: self.conditions()?,
            // A pipe does not know.
            content_length: about.is_file().then_some(about.len()),
            content_md5: md5.map(str::parse).transpose()?.unwrap_or_default(),
            tags: tags(&args.tags)?,
            tier: args.tier,
            encryption: args.encryption.choice()?,
            ..UploadOptions::default()
        };
        let content = &mut Metered::new(file, self.bar);
        Ok(shape::receipt(
            &self.container.upload(self.name, content, options)?,
        ))
    }

    /// Opens the file.
    pub(super) fn open(&self) -> Result<File, Failure> {
        File::open(self.path).map_err(|error| Failure::file(self.path, &error))
    }

    /// What must hold of a blob that is there: unless told otherwise, that there is none.
    pub(super) fn conditions(&self) -> Result<Conditions, Failure> {
        let given = of_blob(&self.args.conditions)?;
        let overwrites = self.args.overwrite.unwrap_or(false) || given != Conditions::default();
        Ok(if overwrites {
            given
        } else {
            Conditions::if_absent()
        })
    }

    /// What is said of the blob where no write has said it.
    pub(super) fn found(&self) -> Result<Value, Failure> {
        let options = ReadOptions {
            encryption: self.args.encryption.choice()?,
            ..ReadOptions::default()
        };
        let found = self.container.blob_properties(self.name, options)?;
        Ok(json!({
            "etag": found.etag.to_string(),
            "lastModified": shape::time(found.last_modified),
            "request_server_encrypted": true,
        }))
    }
}

/// Refuses what the type of blob cannot have.
fn check(args: &UploadArgs, md5: Option<&str>) -> Result<(), Failure> {
    let blob_type = args.blob_type.unwrap_or_default();
    let refused =
        |message: &str, hint: &str| Err(Failure::usage("InvalidArgumentValueError", message).hint(hint));
    if args.tier.is_some() && blob_type == UploadType::Append {
        return refused("--tier: an append blob has no tier", "Leave --tier out.");
    }
    if args.maxsize_condition.is_some() && blob_type != UploadType::Append {
        let message = "--maxsize-condition: only an append blob has it";
        return refused(message, "Add --type append.");
    }
    if md5.is_some() && blob_type != UploadType::Block {
        let message = "--content-md5: only a block blob is uploaded as a whole";
        return refused(message, "Leave --content-md5 out.");
    }
    Ok(())
}
