//! `storage cors ...`.

use serde_json::{Value, json};
use strongroom::{Account, CorsRule};

use crate::args::service::{AddCors, CorsCommand, CorsOf};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &CorsCommand) -> Result<Value, Failure> {
    match command {
        CorsCommand::Add(args) => add(session, args),
        CorsCommand::Clear(of) => {
            service(session, of)?.change_blob_service_properties(|settings| settings.cors.clear())?;
            Ok(Value::Null)
        }
        CorsCommand::List(of) => {
            let settings = service(session, of)?.blob_service_properties()?;
            Ok(settings.cors.iter().map(shape).collect())
        }
    }
}

fn add(session: &Session, args: &AddCors) -> Result<Value, Failure> {
    let methods = args
        .methods
        .iter()
        .map(|method| method.to_ascii_uppercase().parse());
    let rule = CorsRule {
        allowed_origins: args.origins.clone(),
        allowed_methods: methods.collect::<Result<_, _>>()?,
        allowed_headers: args.allowed_headers.clone(),
        exposed_headers: args.exposed_headers.clone(),
        max_age_seconds: args.max_age.unwrap_or_default(),
    };
    service(session, &args.of)?
        .change_blob_service_properties(move |settings| settings.cors.push(rule.clone()))?;
    Ok(Value::Null)
}

/// The account, if it is the Blob service that is meant.
fn service(session: &Session, of: &CorsOf) -> Result<Account, Failure> {
    match of.services.as_deref() {
        None | Some("b") => session.account(&of.account.account),
        Some(other) => {
            let message = format!("--services: '{other}' is not b, and there is no other service");
            Err(Failure::usage("InvalidArgumentValueError", message).hint("Give --services b."))
        }
    }
}

/// As in `az`, lists in one text and with the name of the service.
fn shape(rule: &CorsRule) -> Value {
    let methods: Vec<String> = rule.allowed_methods.iter().map(ToString::to_string).collect();
    json!({
        "AllowedHeaders": rule.allowed_headers.join(","),
        "AllowedMethods": methods.join(","),
        "AllowedOrigins": rule.allowed_origins.join(","),
        "ExposedHeaders": rule.exposed_headers.join(","),
        "MaxAgeInSeconds": rule.max_age_seconds,
        "Service": "blob",
    })
}
