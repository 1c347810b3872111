# Sourced by the commands beside it: makes .venv on first use and keeps it in step with pyproject.toml.
# shellcheck shell=bash

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

# The Python to make .venv with: $PYTHON, or the first one on the path that is new enough.
_find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    echo "raftzmq needs Python 3.11 or newer; none was found. Install one, or name it: PYTHON=/path/to/python3 $0" >&2
    return 1
}

# The stamp holds what the environment was installed from and where, so a changed pyproject.toml and a copied or
# moved tree both install anew. It is written last: an installation that was broken off has none.
_stamp() {
    printf '%s\n%s' "$root" "$(<"$root/pyproject.toml")"
}

_is_current() {
    [[ -x $venv/bin/python && -f $venv/installed-$1 && $(<"$venv/installed-$1") == "$(_stamp)" ]]
}

_install() {
    local extras=$1 python log=$venv/install.log
    if [[ ! -x $venv/bin/python ]] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(_find_python) || return 1
        echo "raftzmq: making $venv (only the first time)" >&2
        if ! "$python" -m venv --clear "$venv" >&2; then
            echo "raftzmq: $python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
            return 1
        fi
    fi
    echo "raftzmq: installing what raftzmq[$extras] needs from the package index" >&2
    rm -f "$venv"/installed-*
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --editable "$root[local,$extras]" >"$log" 2>&1; then
        cat "$log" >&2
        echo "raftzmq: the installation failed; is the package index reachable? The lines above say what pip met" >&2
        return 1
    fi
    # test needs all that bench needs, and everybody gets local
    if [[ $extras == test ]]; then _stamp >"$venv/installed-bench"; fi
    _stamp >"$venv/installed-local"
    _stamp >"$venv/installed-$extras"
}

# ensure_venv EXTRAS: .venv has raftzmq[EXTRAS] when this returns. Several may run at once: one installs, all wait.
ensure_venv() {
    local extras=$1
    if _is_current "$extras"; then return; fi
    if ! command -v flock >/dev/null; then
        echo "raftzmq: 'flock' is missing; install util-linux" >&2
        return 1
    fi
    (
        flock 9
        if ! _is_current "$extras"; then
            # What had the tools of tests or benchmarks before keeps them.
            if [[ -f $venv/installed-test ]]; then
                extras=test
            elif [[ -f $venv/installed-bench ]]; then
                extras=bench
            fi
            _install "$extras"
        fi
    ) 9>"$root/.venv.lock"
}
