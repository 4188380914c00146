#!/usr/bin/env bash
# Check the inputs, then do what `command` says; tell the outputs whatever happens.
# Needs: ACTION_PATH, INPUT_*, and what every step of a GitHub runner has.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR
source "$ACTION_PATH/.github/scripts/lib.sh"
source "$ACTION_PATH/.github/scripts/github.sh"
source "$ACTION_PATH/.github/scripts/plan.sh"
source "$ACTION_PATH/.github/scripts/apply.sh"

LOOK_AGAIN="Look at a new plan: merge a pull request that has it, or run apply with its digest as expect."
CODE=""
trap 'tell_output exitcode "${CODE:-$?}"' EXIT

[[ "$INPUT_COMMAND" =~ ^(validate|plan|apply|drift)$ ]] || fail "command must be validate, plan, apply or drift."
[[ "$INPUT_COMMENT" =~ ^(true|false)$ ]] || fail "comment must be true or false."
[[ "$INPUT_APPROVALS" =~ ^[0-9]{1,2}$ ]] || fail "approvals must be a number."
[[ "$INPUT_PAGE" =~ ^([A-Za-z0-9_][A-Za-z0-9._-]*\.html)?$ ]] || fail "page must be the name of an .html file."
# Where none is given the program decides: it never picks one of those that msgflash.yaml declares.
GIVEN_ENVIRONMENT="${INPUT_ENVIRONMENT:-${MSGFLASH_ENV:-}}"
ENVIRONMENT="${GIVEN_ENVIRONMENT:-default}"
[[ "$ENVIRONMENT" =~ ^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$ ]] || fail "environment is not a name that msgflash.yaml can hold."
if [[ "$GITHUB_EVENT_NAME" == pull_request_target ]]; then
  fail "pull_request_target gives a stranger's files your secrets. Use pull_request: without secrets it previews."
fi
# Words and nothing else: no quotes, no globs, no expansion.
read -r -d '' -a ARGUMENTS <<<"$INPUT_ARGS" || true
cd -- "$INPUT_WORKING_DIRECTORY"

# Not `"$INPUT_COMMAND" || ...`: in a condition, bash would go on after an error inside.
"$INPUT_COMMAND"
