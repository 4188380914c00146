#!/usr/bin/env bash
# Install the action's own checkout into a virtual environment of its own, below RUNNER_TEMP: the locked versions, by hash.
# Needs: ACTION_PATH, RUNNER_TEMP.
set -euo pipefail

# Isolated (-I): the current folder is a checkout that strangers may have written, and must not shadow a module.
# No secret is around: an installation runs other people's code.
for name in $(compgen -e); do
  case $name in
    MSGFLASH_*KEY* | GITHUB_TOKEN | GH_TOKEN | CI_JOB_TOKEN | AWS_* | AZURE_* | GOOGLE_* | PG* | TF_HTTP_* | ACTIONS_*TOKEN*) unset "$name" ;;
  esac
done

if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error::msgflash-apply needs python3 of version 3.11 or later on the runner."
  exit 1
fi
bash "$ACTION_PATH/.ci/install" "$RUNNER_TEMP/msgflash-apply"
