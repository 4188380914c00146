#!/usr/bin/env bash
# Install the action's own checkout into a virtual environment of its own, below RUNNER_TEMP.
# Needs: ACTION_PATH, RUNNER_TEMP.
set -euo pipefail

# Isolated (-I): the current folder is a checkout that strangers may have written, and must not shadow a module.
# No key is around: builds run other people's code.
unset MSGFLASH_API_KEY MSGFLASH_API_KEY_FILE GITHUB_TOKEN

if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error::msgflash-apply needs python3 of version 3.11 or later on the runner."
  exit 1
fi
python3 -I -m venv "$RUNNER_TEMP/msgflash-apply"
"$RUNNER_TEMP/msgflash-apply/bin/python" -I -m pip install --quiet --disable-pip-version-check "${ACTION_PATH}[all]"
