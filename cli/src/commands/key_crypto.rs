//! Small values through a key: encrypt, decrypt, sign, verify.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use strongroom::keyvault::{EncryptionAlgorithm, SignatureAlgorithm, VaultError};

use super::key::reference;
use crate::args::key_crypto::{CipherArgs, DataType, SignArgs, VerifyArgs};
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Encrypts a value.
pub(super) fn encrypt(session: &Session, args: &CipherArgs) -> Result<Value, Failure> {
    let (key, algorithm) = (reference(&args.key)?, cipher(&args.algorithm)?);
    let plaintext = match args.data_type {
        DataType::Base64 => decode("--value", &args.value)?,
        DataType::Plaintext => args.value.clone().into_bytes(),
    };
    let (vaults, token) = session.vaults_as_owner()?;
    let made = vaults.encrypt(&token, &key, algorithm, &plaintext)?;
    Ok(json!({
        "algorithm": algorithm.as_str(),
        "kid": made.key.to_string(),
        "result": STANDARD.encode(&made.value),
    }))
}

/// Decrypts a value.
pub(super) fn decrypt(session: &Session, args: &CipherArgs) -> Result<Value, Failure> {
    let (key, algorithm) = (reference(&args.key)?, cipher(&args.algorithm)?);
    let ciphertext = decode("--value", &args.value)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let made = vaults.decrypt(&token, &key, algorithm, &ciphertext)?;
    let result = match args.data_type {
        DataType::Base64 => STANDARD.encode(&*made.value),
        DataType::Plaintext => String::from_utf8(made.value.to_vec()).map_err(|_| {
            Failure::new(Exit::Failed, "NotText", "the decrypted value is no UTF-8 text")
                .hint("Leave --data-type plaintext out to get it as base64.")
        })?,
    };
    Ok(json!({"algorithm": algorithm.as_str(), "kid": made.key.to_string(), "result": result}))
}

/// Signs a digest.
pub(super) fn sign(session: &Session, args: &SignArgs) -> Result<Value, Failure> {
    let (key, algorithm) = (reference(&args.key)?, signature(&args.algorithm)?);
    let digest = decode("--digest", &args.digest)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let made = vaults.sign(&token, &key, algorithm, &digest)?;
    Ok(json!({
        "algorithm": algorithm.as_str(),
        "keyId": made.key.to_string(),
        "signature": STANDARD.encode(&made.value),
    }))
}

/// Verifies the signature of a digest.
pub(super) fn verify(session: &Session, args: &VerifyArgs) -> Result<Value, Failure> {
    let (key, algorithm) = (reference(&args.sign.key)?, signature(&args.sign.algorithm)?);
    let digest = decode("--digest", &args.sign.digest)?;
    let signature = decode("--signature", &args.signature)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let made = vaults.verify(&token, &key, algorithm, (&digest, &signature))?;
    Ok(json!({"algorithm": algorithm.as_str(), "isValid": made.value, "keyId": made.key.to_string()}))
}

fn cipher(name: &str) -> Result<EncryptionAlgorithm, Failure> {
    Ok(name.parse::<EncryptionAlgorithm>().map_err(VaultError::from)?)
}

fn signature(name: &str) -> Result<SignatureAlgorithm, Failure> {
    Ok(name.parse::<SignatureAlgorithm>().map_err(VaultError::from)?)
}

/// Base64 in either alphabet, with or without padding (RFC 4648).
fn decode(option: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let text = text.trim();
    let forms = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    forms
        .into_iter()
        .find_map(|form| form.decode(text).ok())
        .ok_or_else(|| {
            Failure::usage("InvalidArgumentValueError", format!("{option} is no base64"))
                .hint("Encode the bytes first, for example with `base64 -w 0`, or use --data-type plaintext.")
        })
}
