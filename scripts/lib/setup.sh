# Set-up shared by the scripts beside this folder: `. scripts/lib/setup.sh; hms_setup devstack|dev`.
#
# Makes `.venv` of the checkout with the locked packages, once and after each change of the lock. It needs
# Python 3.11 or later with venv and pip, and nothing else; it writes to the checkout (and pip's own cache).
# The checkout is made importable by a .pth file: no build, no network, and changed code counts at once.

hms_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Room for the packages, in kilobytes.
hms_room_needed=900000

hms_fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Sets hms_python to the first fitting Python.
hms_find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3 python3.14 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      hms_python=$candidate
      return
    fi
  done
  hms_fail "HMS needs Python 3.11 or later, and none was found on PATH: install it (Debian, Ubuntu: python3 python3-venv) and start again."
}

hms_free_room() {
  df -Pk "$hms_root" | awk 'NR == 2 { print $4 }'
}

# Makes an empty .venv.
hms_make_venv() {
  local free printed
  hms_find_python
  free=$(hms_free_room)
  if [ "${free:-$hms_room_needed}" -lt "$hms_room_needed" ]; then
    hms_fail "Only $((free / 1024)) MB are free on the disk of $hms_root, $((hms_room_needed / 1024)) MB are needed: free some room and start again."
  fi
  rm -rf "$hms_root/.venv"
  if ! printed=$("$hms_python" -m venv "$hms_root/.venv" 2>&1); then
    rm -rf "$hms_root/.venv"
    case $printed in
      *ensurepip*) hms_fail "$hms_python cannot make a virtual environment: install its venv module (Debian, Ubuntu: python3-venv) and start again." ;;
      *) hms_fail "$hms_python could not make $hms_root/.venv: ${printed##*$'\n'}" ;;
    esac
  fi
}

# Shows how far pip has come: one changing line, or one for every tenth package where there is no terminal.
hms_show_progress() {
  local log=$1 total=$2 count
  count=$(grep -cE '^(Collecting|Requirement already)' "$log" || true)
  if [ -t 1 ]; then
    printf '\r  %d of %d fetched ' "$count" "$total"
  elif [ $((count / 10)) -gt $((hms_shown / 10)) ]; then
    printf '  %d of %d fetched\n' "$count" "$total"
  fi
  hms_shown=$count
  if [ -z "$hms_unpacking" ] && grep -q '^Installing collected' "$log"; then
    [ ! -t 1 ] || printf '\n'
    printf '  unpacking them\n'
    hms_unpacking=yes
  fi
}

hms_install() {
  local lock=$1 log=$hms_root/.venv/install.log total installer free status=0
  total=$(grep -c '==' "$lock")
  # Not compiled now: Python does that for the modules it comes to load, which are the smaller part.
  printf 'Installing %d packages into .venv (once; a few minutes when none is in the package cache)\n' "$total"
  # There before it is looked into.
  : >"$log"
  "$hms_root/.venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    --no-compile --require-hashes --no-deps --only-binary :all: -r "$lock" >"$log" 2>&1 &
  installer=$!
  # A signal to this script must not leave pip at work.
  trap 'kill "$installer" 2>/dev/null; exit 130' INT TERM HUP
  hms_shown=0 hms_unpacking=
  while kill -0 "$installer" 2>/dev/null; do
    hms_show_progress "$log" "$total"
    sleep 0.3
  done
  wait "$installer" || status=$?
  trap - INT TERM HUP
  [ "$status" -ne 0 ] || return 0
  free=$(hms_free_room)
  if grep -q 'No space left' "$log" || [ "${free:-50000}" -lt 50000 ]; then
    hms_fail "The disk is full: $((hms_room_needed / 1024)) MB are needed in $hms_root, and some in the folder for temporary files; free some room and start again."
  fi
  hms_fail "The packages could not be installed: $(grep -m 1 '^ERROR' "$log" || tail -n 1 "$log") (all of it: $log)"
}

# Makes the checkout importable, and `.venv/bin/hms` a command.
hms_link_checkout() {
  local packages
  packages=$("$hms_root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n%s\n' "$hms_root" "$hms_root/generated" >"$packages/hms.pth"
  printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m hms_server "$@"\n' "$hms_root" >"$hms_root/.venv/bin/hms"
  chmod +x "$hms_root/.venv/bin/hms"
}

# What a finished set-up depends on. The place counts too: the checkout may have been moved since.
hms_fingerprint() {
  "$hms_root/.venv/bin/python" - "$hms_root" "$hms_root/requirements/$1.txt" "$hms_root/pyproject.toml" <<'PYTHON'
import hashlib, pathlib, sys
digest = hashlib.sha256(sys.version.encode() + sys.argv[1].encode())
for path in sys.argv[2:]:
    digest.update(pathlib.Path(path).read_bytes())
print(digest.hexdigest())
PYTHON
}

hms_is_current() {
  local stamp=$hms_root/.venv/.hms-$1
  [ -s "$stamp" ] && [ "$(cat "$stamp")" = "$(hms_fingerprint "$1")" ]
}

# hms_setup devstack|dev: makes `.venv` hold at least the packages of requirements/NAME.txt.
hms_setup() {
  local kind=$1
  # Settings of another Python must not lead this one astray.
  unset PYTHONHOME PYTHONPATH
  [ -w "$hms_root" ] || hms_fail "$hms_root cannot be written by this user: start as the user who owns it."
  # Two scripts at once: the second waits for the first one's set-up. The lock is on a folder that is
  # there already, so that it leaves nothing behind.
  exec 9<"$hms_root/requirements"
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  if ! "$hms_root/.venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    hms_make_venv
  fi
  # The packages of `dev` include those of `devstack`.
  if ! hms_is_current "$kind" && ! hms_is_current dev; then
    rm -f "$hms_root/.venv"/.hms-*
    hms_install "$hms_root/requirements/$kind.txt"
    hms_link_checkout
    hms_fingerprint "$kind" >"$hms_root/.venv/.hms-$kind"
  fi
  exec 9<&-
}
