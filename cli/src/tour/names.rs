//! Names that are free for a new tour: an earlier tour's account and vault are left alone.

use strongroom::AccountName;
use strongroom::keyvault::VaultName;

use crate::output::error::Failure;
use crate::session::Session;

/// The first account and vault `tourN`, `tour-vault-N` of which neither exists; deleted vaults keep their
/// names.
pub(super) fn free(session: &Session) -> Result<(AccountName, VaultName), Failure> {
    let accounts: Vec<AccountName> = session
        .store()?
        .accounts()?
        .into_iter()
        .map(|account| account.name)
        .collect();
    let vaults = session.vaults()?;
    let mut taken: Vec<VaultName> = vaults
        .list_vaults()?
        .into_iter()
        .map(|vault| vault.name)
        .collect();
    taken.extend(
        vaults
            .list_deleted_vaults()?
            .into_iter()
            .map(|deleted| deleted.vault.name),
    );
    let mut number = 1_u64;
    loop {
        let account: AccountName = format!("tour{number}").parse()?;
        let vault: VaultName = format!("tour-vault-{number}").parse()?;
        if !accounts.contains(&account) && !taken.contains(&vault) {
            return Ok((account, vault));
        }
        number += 1;
    }
}
