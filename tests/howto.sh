#!/bin/sh
# Walks the published how-to for customer-managed keys as an az user would type it, with `az` replaced by
# strongroom: assign an identity, make a protected vault and a key, grant access, enable, rotate, use another
# key, revoke, restore, disable. Stops at the first check that fails; prints how many passed.
#
# Usage: tests/howto.sh [BINARY] [FILE...]   (default: target/debug/strongroom, and this repository's own files)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-$here/../target/debug/strongroom}
[ $# -eq 0 ] || shift
case $bin in */*) bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin") ;; esac
[ $# -gt 0 ] || set -- "$here/howto.sh" "$here/../Cargo.toml" "$here/../Cargo.lock"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
STRONGROOM_DATA=$work/data
export STRONGROOM_DATA
unset STRONGROOM_VAULTS STRONGROOM_HOST_KEY STRONGROOM_VAULT_KEY STRONGROOM_ANCHOR STRONGROOM_VAULT_ANCHOR 2>/dev/null || :

passed=0
vault=howto-vault
account=howtostorage
container=howto
refusal=KeyVaultEncryptionKeyNotFound

az() { "$bin" "$@"; }

say() { printf '\n== %s\n' "$1"; }

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    [ ! -s "$work/err" ] || cat "$work/err" >&2
    printf '%s checks passed before that\n' "$passed" >&2
    exit 1
}

pass() {
    passed=$((passed + 1))
    printf '  ok  %s\n' "$1"
}

# same WHAT GOT WANT
same() {
    [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"
    pass "$1: $3"
}

# works WHAT COMMAND...
works() {
    what=$1
    shift
    az "$@" >"$work/out" 2>"$work/err" || fail "$what: exit $?"
    pass "$what"
}

# refused WHAT CODE COMMAND...
refused() {
    what=$1 code=$2
    shift 2
    status=0
    az "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -eq 1 ] || fail "$what: exit $status, want 1"
    head -n 1 "$work/err" | grep -q "^ERROR: ($code) " || fail "$what: not refused with $code"
    [ ! -s "$work/out" ] || fail "$what: printed a result although it was refused"
    pass "$what refused: $code"
}

sha() { { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1; }

upload_all() {
    for file in "$@"; do
        works "upload $(basename "$file")" storage blob upload --account-name $account --container-name $container \
            --name "files/$(basename "$file")" --file "$file" --metadata origin=howto --overwrite
    done
}

download_all() {
    for file in "$@"; do
        rm -f "$work/got"
        works "download $(basename "$file")" storage blob download --account-name $account \
            --container-name $container --name "files/$(basename "$file")" --file "$work/got"
        same "SHA-256 of $(basename "$file")" "$(sha "$work/got")" "$(sha "$file")"
    done
}

# Everything the article lists must be refused, and everything else must go on.
expect_revoked() {
    blob="--account-name $account --container-name $container --name files/$(basename "$1")"
    # shellcheck disable=SC2086 # the words of $blob are meant to be split
    {
        refused "upload" $refusal storage blob upload --account-name $account -c $container -n new --file "$1"
        refused "download" $refusal storage blob download $blob --file "$work/never"
        refused "show" $refusal storage blob show $blob
        refused "metadata show" $refusal storage blob metadata show $blob
        refused "metadata update" $refusal storage blob metadata update $blob --metadata origin=changed
        refused "list with metadata" $refusal storage blob list --account-name $account -c $container --include m
    }
    [ ! -e "$work/never" ] || fail "a refused download left a file"
    pass "a refused download leaves no file"
    works "plain list" storage blob list --account-name $account --container-name $container -o table
    works "container create" storage container create --account-name $account --name other
    works "container list" storage container list --account-name $account
    works "container show" storage container show --account-name $account --name $container
    works "container delete" storage container delete --account-name $account --name other
    works "blob delete" storage blob delete --account-name $account --container-name $container --name spare
}

spare() {
    works "upload a spare blob" storage blob upload --account-name $account --container-name $container \
        --name spare --file "$1" --overwrite true
}

current_key() {
    az storage account show --name $account \
        --query encryption.keyVaultProperties.currentVersionedKeyIdentifier --output tsv
}

say "Create the store, an account and its identity"
works "init" init
works "create the account" storage account create --name $account --resource-group rg --location eastus \
    --sku Standard_LRS --kind StorageV2
same "key source" "$(az storage account show -n $account --query encryption.keySource -o tsv)" Microsoft.Storage
same "queue key type" "$(az storage account show -n $account --query encryption.services.queue.keyType -o tsv)" Service
works "assign an identity" storage account update --name $account --resource-group rg --assign-identity
works "create a container" storage container create --account-name $account --name $container
upload_all "$@"

say "Create a vault with both protections and grant access"
works "create the vault" keyvault create --name $vault --resource-group rg --location eastus \
    --enable-soft-delete --enable-purge-protection
same "purge protection" "$(az keyvault show --name $vault --query properties.enablePurgeProtection -o tsv)" true
principal=$(az storage account show --name $account --resource-group rg --query identity.principalId --output tsv)
[ -n "$principal" ] || fail "the account has no principal id"
works "grant get wrapKey unwrapKey" keyvault set-policy --name $vault --object-id "$principal" \
    --key-permissions get wrapKey unwrapKey

say "Create a key and enable customer-managed keys"
works "create the key" keyvault key create --name mykey --vault-name $vault
uri=$(az keyvault show --name $vault --resource-group rg --query properties.vaultUri --output tsv)
version=$(az keyvault key list-versions --name mykey --vault-name $vault --query '[-1].kid' --output tsv | cut -d '/' -f 6)
same "length of the version" "${#version}" 32
works "enable" storage account update --name $account --resource-group rg \
    --encryption-key-name mykey --encryption-key-version "$version" \
    --encryption-key-source Microsoft.Keyvault --encryption-key-vault "$uri"
same "key source" "$(az storage account show -n $account --query encryption.keySource -o tsv)" Microsoft.Keyvault
same "version in use" "$(current_key | cut -d '/' -f 6)" "$version"
download_all "$@"

say "Update the key version"
works "create a new version" keyvault key create --name mykey --vault-name $vault
same "the account stays on the old version" "$(current_key | cut -d '/' -f 6)" "$version"
second=$(az keyvault key list-versions --name mykey --vault-name $vault --query '[-1].kid' --output tsv | cut -d '/' -f 6)
[ "$second" != "$version" ] || fail "the newest version is not the last of the list"
pass "the newest version is the last of the list"
works "use the new version" storage account update --name $account --encryption-key-source Microsoft.Keyvault \
    --encryption-key-name mykey --encryption-key-version "$second" --encryption-key-vault "$uri"
same "version in use" "$(current_key | cut -d '/' -f 6)" "$second"
works "disable the old version" keyvault key set-attributes --vault-name $vault --name mykey --version "$version" \
    --enabled false
download_all "$@"

say "Use another key, following its newest version"
works "create another key" keyvault key create --name other --vault-name $vault --kty RSA --size 2048
works "use the other key" storage account update --name $account --encryption-key-source Microsoft.Keyvault \
    --encryption-key-name other --encryption-key-vault "$uri"
same "key in use" "$(current_key | cut -d '/' -f 5)" other
third=$(current_key | cut -d '/' -f 6)
download_all "$@"

say "Tag a blob, keep a snapshot of it, delete it and take it back"
kept="--account-name $account --container-name $container --name files/$(basename "$1")"
# shellcheck disable=SC2086 # the words of $kept are meant to be split
{
    works "keep deleted blobs" storage account blob-service-properties update --account-name $account \
        --resource-group rg --enable-delete-retention true --delete-retention-days 7
    works "tag a blob" storage blob tag set $kept --tags project=howto
    same "blobs with that tag" "$(az storage blob filter --account-name $account \
        --tag-filter "project = 'howto'" --query 'length(@)')" 1
    snapshot=$(az storage blob snapshot $kept --query snapshot --output tsv)
    works "download the snapshot" storage blob download $kept --snapshot "$snapshot" --file "$work/kept"
    same "SHA-256 of the snapshot" "$(sha "$work/kept")" "$(sha "$1")"
    refused "delete a blob that has snapshots" SnapshotsPresent storage blob delete $kept
    works "delete it with its snapshots" storage blob delete $kept --delete-snapshots include
    same "blobs that can be restored" "$(az storage blob list --account-name $account -c $container \
        --include d --query '[?deleted] | length(@)')" 1
    works "undelete it" storage blob undelete $kept
}
download_all "$@"

say "Put a blob under a key of its own, and under another one"
own="--account-name $account --container-name $container --name own"
(umask 077 && head -c 32 /dev/urandom >"$work/own.key" && head -c 32 /dev/urandom >"$work/next.key")
# shellcheck disable=SC2086 # the words of $own are meant to be split
{
    works "upload under the key" storage blob upload $own --file "$1" --encryption-key-file "$work/own.key"
    refused "download without it" BlobUsesCustomerSpecifiedEncryption storage blob download $own --file "$work/never"
    works "rewrite under the next key" storage blob rewrite $own --encryption-key-file "$work/next.key" \
        --source-uri "$(az storage blob url $own -o tsv)" --source-encryption-key-file "$work/own.key"
    refused "download with the old key" BlobCustomerSpecifiedEncryptionMismatch storage blob download $own \
        --file "$work/never" --encryption-key-file "$work/own.key"
    az storage blob download $own --encryption-key-file "$work/next.key" >"$work/got" || fail "download: exit $?"
    same "SHA-256 on standard output" "$(sha "$work/got")" "$(sha "$1")"
    works "delete it" storage blob delete $own
}

say "Revoke by taking the policy away"
spare "$1"
works "delete the policy" keyvault delete-policy --name $vault --object-id "$principal"
expect_revoked "$1"
refused "disable while revoked" '[A-Za-z]*' storage account update --name $account --encryption-key-source Microsoft.Storage
works "grant again" keyvault set-policy --name $vault --object-id "$principal" --key-permissions get wrapKey unwrapKey
download_all "$@"

say "Revoke by disabling the version"
spare "$1"
works "disable the version" keyvault key set-attributes --vault-name $vault --name other --version "$third" --enabled false
expect_revoked "$1"
works "enable the version" keyvault key set-attributes --vault-name $vault --name other --version "$third" --enabled true
download_all "$@"

say "Revoke by deleting the key"
spare "$1"
works "delete the key" keyvault key delete --vault-name $vault --name other
expect_revoked "$1"
refused "purge under purge protection" Forbidden keyvault key purge --vault-name $vault --name other
works "recover the key" keyvault key recover --vault-name $vault --name other
download_all "$@"

say "Disable customer-managed keys"
works "back to platform keys" storage account update --name $account --resource-group rg \
    --encryption-key-source Microsoft.Storage
same "key source" "$(az storage account show -n $account --query encryption.keySource -o tsv)" Microsoft.Storage
works "delete the policy" keyvault delete-policy --name $vault --object-id "$principal"
download_all "$@"
works "audit log is whole" keyvault audit --name $vault --verify
works "scrub finds no damage" scrub

say "Back up, restore elsewhere"
works "back up" backup --to "$work/backup"
refused "back up over a backup" DirectoryNotEmpty backup --to "$work/backup"
works "restore" restore --from "$work/backup" --data "$work/again" --host-key "$work/data.key"
STRONGROOM_VAULTS=$work/data/vaults
STRONGROOM_HOST_KEY=$work/data.key
STRONGROOM_DATA=$work/again
export STRONGROOM_VAULTS STRONGROOM_HOST_KEY
download_all "$@"
works "scrub finds no damage in the restored store" scrub
STRONGROOM_DATA=$work/data

say "Keep the heads elsewhere, and put an old copy back"
works "begin" anchor begin --anchor "$work/store.head" --vault-anchor "$work/vaults.head"
refused "without them" AnchorNotGiven stats
STRONGROOM_ANCHOR=$work/store.head
STRONGROOM_VAULT_ANCHOR=$work/vaults.head
export STRONGROOM_ANCHOR STRONGROOM_VAULT_ANCHOR
cp -R "$work/data" "$work/old"
works "write something" storage container create --name later --account-name $account
paper=$(az anchor show --query store.head -o tsv)
works "compare with what was written down" anchor check --head "$paper"
rm -rf "$work/data"
cp -R "$work/old" "$work/data"
refused "an old copy" StoreRolledBack stats
works "accept it" anchor accept --store --key-vaults
same "on record" "$(az anchor show --query 'length(acceptedRollbacks)' -o tsv)" 1
works "the log says so, and is whole" keyvault audit --name $vault --verify

printf '\n%s checks passed\n' "$passed"
