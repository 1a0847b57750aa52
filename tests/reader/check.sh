#!/bin/sh
# Shows that docs/FORMAT.md is all it takes to read a store: fills one with the command line, backs it up, has the reader
# beside this file open the backup, and compares every blob with the file it came from. Then damages the backup: refused.
#
# Usage: tests/reader/check.sh [BINARY]   (default: target/debug/strongroom; PYTHON names a Python with `cryptography`)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-$here/../../target/debug/strongroom}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
unset STRONGROOM_VAULTS STRONGROOM_HOST_KEY STRONGROOM_VAULT_KEY STRONGROOM_ANCHOR STRONGROOM_VAULT_ANCHOR 2>/dev/null || :
passed=0

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    exit 1
}

az() { "$bin" "$@" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; fail "strongroom $*"; }; }

# upload ACCOUNT NAME FILE OPTION...
upload() {
    account=$1 name=$2 file=$3
    shift 3
    az storage blob upload --account-name "$account" -c box --name "$name" --file "$file" "$@"
}

# expect ACCOUNT NAME FILE: the reader found the file's bytes under this name
expect() {
    sum=$(sha256sum "$3" | cut -d ' ' -f 1)
    grep -F "\"account\": \"$1\"" "$work/read" | grep -F "\"name\": \"$2\"" | grep -qF "\"sha256\": \"$sum\"" ||
        fail "$1: $2 is not what was uploaded: $(grep -F "\"name\": \"$2\"" "$work/read")"
    passed=$((passed + 1))
}

bytes() { head -c "$2" /dev/urandom >"$work/$1"; }

fill() {
    az init "$@"
    az storage account create -n plain -g g -l westus
    az storage account create -n double -g g -l westus --require-infrastructure-encryption true
    az storage account encryption-scope create --account-name plain -g g --name scope --key-source Microsoft.Storage
    for account in plain double; do
        az storage container create --account-name $account --name box
        for file in empty one small chunk large; do
            upload $account $file "$work/$file" --metadata from=$file --tags kind=$file
        done
    done
    upload plain scoped "$work/large" --encryption-scope scope --metadata under=scope
    upload plain page "$work/page" --type page
    upload plain log "$work/small" --type append
    upload plain log "$work/one" --type append
}

check() {
    rm -rf "$work/data" "$work/backup"
    fill "$@"
    az backup --to "$work/backup"
    "$python" "$here/read_backup.py" "$work/backup" "$work/data.key" >"$work/read" || fail "the reader: $*"
    for account in plain double; do
        for file in empty one small chunk large; do expect $account $file "$work/$file"; done
    done
    expect plain scoped "$work/large"
    expect plain page "$work/page"
    cat "$work/small" "$work/one" >"$work/both"
    expect plain log "$work/both"
    grep -F '"name": "scoped"' "$work/read" | grep -qF '"under": "scope"' || fail "metadata under a scope"
    grep -F '"name": "chunk"' "$work/read" | grep -qF '"tags": {"kind": "chunk"}' || fail "tags"
    [ "$(wc -l <"$work/read")" -eq 13 ] || fail "$(wc -l <"$work/read") blobs were read, not 13"
    passed=$((passed + 3))
    damage
}

# A byte of any file that is changed, and another store's key: nothing is read.
damage() {
    for file in "$work/backup"/strongroom.* "$work/backup"/records/* "$work/backup"/keys/*; do
        cp "$file" "$work/good"
        "$python" -c 'import sys; p = sys.argv[1]; b = bytearray(open(p, "rb").read()); b[len(b) // 2] ^= 1; open(p, "wb").write(b)' "$file"
        ! "$python" "$here/read_backup.py" "$work/backup" "$work/data.key" >"$work/read" 2>/dev/null ||
            fail "$file was damaged and is read"
        [ ! -s "$work/read" ] || fail "$file was damaged and something is read"
        cp "$work/good" "$file"
        passed=$((passed + 1))
    done
}

# What earlier builds have backed up; content under a customer's key takes the vault, so the reader has none of it.
golden() {
    "$python" "$here/read_backup.py" "$1/data" "$1/host.key" >"$work/read" || fail "the reader: $1"
    while read -r account name sum _; do
        if [ "$account" = customer ]; then sum=null; else sum="\"$sum\""; fi
        grep -F "\"account\": \"$account\"" "$work/read" | grep -F "\"name\": \"$name\"" |
            grep -qF "\"sha256\": $sum" || fail "$1: $account: $name"
        passed=$((passed + 1))
    done <"$1/contents.tsv"
}

STRONGROOM_DATA=$work/data
export STRONGROOM_DATA
: >"$work/empty"
bytes one 1
bytes small 5000
bytes chunk 70000
bytes large 3000000
{ head -c 65536 /dev/zero; head -c 1024 /dev/urandom; head -c 982016 /dev/zero; } >"$work/page"
check --engine sled
rm -f "$work/data.key"
check --engine fjall
for folder in "$here"/../golden/v*; do golden "$folder"; done
printf '%s checks passed: an independent reader agrees\n' "$passed"
