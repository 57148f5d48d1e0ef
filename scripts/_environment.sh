# Sourced by run.sh and test.sh: makes the private environment .venv, once, and reuses it while the lock is unchanged.
# Needs Python 3.11 (or newer) and pip, nothing else. PYTHON=/path/to/python3.11 chooses the interpreter.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONHOME PYTHONPATH

heading() { printf '\n== %s ==\n' "$*"; }

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    stop "diffneq needs Python 3.11 or newer, and none was found." \
        "Install it (Debian, Ubuntu: apt-get install python3.11 python3-pip) or say where it is: PYTHON=/path/to/python3.11 bash $0"
}

make_venv() {
    local python=$1
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv --clear .venv && return
    elif "$python" -c 'import venv, pip' 2>/dev/null; then # Debian without python3-venv: borrow the system's pip
        "$python" -m venv --clear --without-pip .venv
        "$python" -m pip --python .venv/bin/python install -q pip && return
    fi
    stop "$python could not make a virtual environment." \
        "Debian, Ubuntu: apt-get install python3.11-venv python3-pip, then run this again."
}

# prepare_environment EXTRAS: EXTRAS is a comma-separated list of extras of pyproject.toml, or "core".
prepare_environment() {
    local extras=$1 python stamp target wanted version='import sys; print(*sys.version_info[:2])'
    python=$(find_python)
    wanted=$("$python" -c '
import hashlib, pathlib, sys
print(sys.version_info[:2], pathlib.Path.cwd())
for name in ("pyproject.toml", "constraints.txt"):
    print(hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest())')
    stamp=".venv/stamp-${extras//,/-}"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    heading "setting up .venv with the locked dependencies (once; one to five minutes)"
    if [ "$(.venv/bin/python -c "import pip; $version" 2>/dev/null)" != "$("$python" -c "$version" 2>/dev/null)" ]; then
        make_venv "$python"
    fi
    target="."
    [ "$extras" = core ] || target=".[$extras]"
    .venv/bin/python -m pip install -qq --no-compile -c constraints.txt -e "$target" ||
        stop "pip could not install the locked dependencies (constraints.txt); its message is above."
    printf '%s' "$wanted" >"$stamp"
}
