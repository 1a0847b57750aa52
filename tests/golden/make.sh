#!/bin/sh
# Makes a golden backup: a small store with every kind of blob and every holder of keys, and its vaults, each backed up. Once for
# every version of the format, by hand; what lies here is never made anew, so that later releases are held to reading it.
#
# Usage: tests/golden/make.sh BINARY NEW_DIRECTORY
set -eu
bin=$1 to=$2
mkdir "$to"
to=$(cd "$to" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
STRONGROOM_DATA=$work/data
export STRONGROOM_DATA
unset STRONGROOM_VAULTS STRONGROOM_HOST_KEY STRONGROOM_VAULT_KEY STRONGROOM_ANCHOR STRONGROOM_VAULT_ANCHOR 2>/dev/null || :
az() { "$bin" "$@" >/dev/null; }

text() { yes "$1" | head -c "$2" >"$work/$1" || :; }
put() {
    az storage blob upload --account-name "$1" -c golden --name "$2" --file "$work/$3" --metadata from="$3"
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(sha256sum "$work/$3" | cut -d ' ' -f 1)" "$3" >>"$to/contents.tsv"
}

az init
az keyvault create --name golden-vault -g g -l westus --enable-purge-protection true
az keyvault key create --vault-name golden-vault --name golden-key
: >"$work/empty"
text one 1
text small 5000
text large 70000
for account in platform customer double; do
    extra=
    [ $account != double ] || extra='--require-infrastructure-encryption true'
    # shellcheck disable=SC2086 # two words
    az storage account create --name $account -g g -l westus $extra
    az storage container create --account-name $account --name golden
done
az storage account update --name customer -g g --assign-identity
principal=$("$bin" storage account show --name customer -g g --query identity.principalId -o tsv)
az keyvault set-policy --name golden-vault --object-id "$principal" --key-permissions get wrapKey unwrapKey
az storage account update --name customer -g g --encryption-key-source Microsoft.Keyvault \
    --encryption-key-vault https://golden-vault.vault.azure.net --encryption-key-name golden-key
for account in platform customer double; do
    for file in empty one small large; do put $account $file $file; done
done
az backup --to "$to/data"
az keyvault backup --to "$to/vaults"
cp "$work/data.key" "$to/host.key"
find "$work" -maxdepth 2 -name 'vaults.key' -exec cp {} "$to/vault.key" \;
chmod 644 "$to"/*.key
