//! The customer's side of a tour: vault, key, versions, grants; and what each change of the key costs.

use std::time::Instant;

use strongroom::keyvault::{
    AccessPolicy, AccessToken, KeyName, KeyPermissions, KeyUpdate, NewKeyOptions, NewVault, ObjectId,
    RETENTION_DAYS_MAX, Retention, VaultName, VaultStore,
};
use strongroom::{Account, CustomerKey};

use super::GROUP;
use super::report::Rotation;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// The key that is made first.
const FIRST_KEY: &str = "customer-key";
/// The key that takes over in the end.
const OTHER_KEY: &str = "another-key";
/// What an account needs.
const GRANT: [&str; 3] = ["get", "wrapKey", "unwrapKey"];

/// How access is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The account's access policy is deleted.
    PolicyRemoved,
    /// The key version in use is disabled.
    VersionDisabled,
}

impl Cause {
    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PolicyRemoved => "policy removed",
            Self::VersionDisabled => "version disabled",
        }
    }
}

/// What the customer holds, and the account it is held for.
pub(super) struct Custody<'s> {
    session: &'s Session,
    account: Account,
    vault: VaultName,
    key: KeyName,
}

impl<'s> Custody<'s> {
    /// Makes nothing yet.
    pub(super) fn new(session: &'s Session, account: Account, vault: VaultName) -> Result<Self, Failure> {
        Ok(Self {
            session,
            account,
            vault,
            key: FIRST_KEY.parse()?,
        })
    }

    /// The name of the key in use.
    pub(super) fn key_name(&self) -> &KeyName {
        &self.key
    }

    /// Makes the vault with both protections and the key, gives the account an identity, and grants it what
    /// it needs.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        let labels = self.session.labels();
        let mut new = NewVault::new(self.vault.clone(), self.session.tenant()?, labels.region()?);
        new.resource_group = labels.group_or(GROUP);
        new.retention = Retention::Protected {
            days: RETENTION_DAYS_MAX,
        };
        vaults.create_vault(&token, new)?;
        self.account.assign_identity()?;
        self.grant()?;
        self.new_version()
    }

    /// Makes a new version of the key, or its first.
    pub(super) fn new_version(&self) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        vaults.create_key(&token, &self.vault, &self.key, NewKeyOptions::default())?;
        Ok(())
    }

    /// Makes another key, which is the one in use from the next change on.
    pub(super) fn other_key(&mut self) -> Result<(), Failure> {
        self.key = OTHER_KEY.parse()?;
        self.new_version()
    }

    /// Puts the account under the newest version of the key, and stays with that version.
    pub(super) fn use_newest(&self) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        let newest = vaults.get_key(&token, &self.vault, &self.key, None)?.id;
        let mut key = CustomerKey::new(newest.vault, newest.name);
        key.version = Some(newest.version);
        self.account.use_customer_key(&key)?;
        Ok(())
    }

    /// Runs a change of the key and counts what the store wrote for it.
    pub(super) fn measured(
        &self,
        step: &str,
        stored_bytes: u64,
        change: impl FnOnce(&Self) -> Result<(), Failure>,
    ) -> Result<Rotation, Failure> {
        let store = self.session.store()?;
        let (before, begun) = (store.write_counts(), Instant::now());
        change(self)?;
        let microseconds = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let cost = store.write_counts().since(&before);
        Ok(Rotation {
            step: step.to_owned(),
            stored_bytes,
            bytes_written: cost.record_bytes + cost.chunk_bytes,
            chunk_bytes_written: cost.chunk_bytes,
            syncs: cost.syncs,
            microseconds,
        })
    }

    /// Takes access away.
    pub(super) fn revoke(&self, cause: Cause) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        match cause {
            Cause::PolicyRemoved => drop(vaults.delete_policy(&token, &self.vault, self.principal()?)?),
            Cause::VersionDisabled => self.set_enabled(false)?,
        }
        Ok(())
    }

    /// Gives access back.
    pub(super) fn restore(&self, cause: Cause) -> Result<(), Failure> {
        match cause {
            Cause::PolicyRemoved => self.grant(),
            Cause::VersionDisabled => self.set_enabled(true),
        }
    }

    fn grant(&self) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        let policy = AccessPolicy {
            object_id: self.principal()?,
            keys: KeyPermissions::parse(GRANT)?,
        };
        vaults.set_policy(&token, &self.vault, policy)?;
        Ok(())
    }

    fn set_enabled(&self, enabled: bool) -> Result<(), Failure> {
        let (vaults, token) = self.owner()?;
        let update = KeyUpdate {
            enabled: Some(enabled),
            ..KeyUpdate::default()
        };
        vaults.update_key(&token, &self.vault, (&self.key, None), update)?;
        Ok(())
    }

    /// The account's identity as access policies name it.
    fn principal(&self) -> Result<ObjectId, Failure> {
        let identity = self.account.properties()?.system_identity;
        identity.map(|identity| identity.principal_id).ok_or_else(|| {
            Failure::new(
                Exit::Failed,
                "ManagedServiceIdentityNotFound",
                "the account of the tour lost its identity",
            )
        })
    }

    fn owner(&self) -> Result<(&VaultStore, AccessToken), Failure> {
        let (vaults, token) = self.session.vaults_as_owner()?;
        Ok((vaults, token))
    }
}
