# shellcheck shell=bash
# Sourced by run.sh: `apply`, of what was reviewed and nothing else. It ends the step.

apply() {
  local digest log number
  if [[ "$GITHUB_EVENT_NAME" == pull_request ]]; then fail "apply runs after the merge, not on pull_request."; fi
  digest="$INPUT_EXPECT"
  if [[ -z "$digest" ]]; then
    number="$(merged_pull_request)"
    digest="$(reviewed_digest "$number")"
  fi
  [[ "$digest" =~ ^sha256:[0-9a-f]{64}$ ]] || fail "expect is not a digest: sha256: and 64 characters."
  tell_output digest "$digest"
  log="$(temporary apply.txt)"
  CODE=0
  verbatim msgflash_until_told "$log" apply --auto-approve --expect "$digest" --lock-timeout 5m "${ARGUMENTS[@]}" || CODE=$?
  summarise_text "$log"
  exit "$CODE"
}

# merged_pull_request: the number of the one whose merge made this commit.
merged_pull_request() {
  local found
  found="$(github GET "/repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls?per_page=100" |
    jq --arg sha "$GITHUB_SHA" --arg branch "$GITHUB_REF_NAME" --arg repository "$GITHUB_REPOSITORY" '.[]
      | select(.merged_at != null and .merge_commit_sha == $sha)
      | select(.base.ref == $branch and .base.repo.full_name == $repository)
      | .number')"
  if [[ ! "$found" =~ ^[0-9]+$ ]]; then
    fail "No pull request was merged as this commit, so nobody reviewed a plan for it. Run apply with expect."
  fi
  printf '%s' "$found"
}

# reviewed_digest NUMBER: of the plan in the action's own comment.
reviewed_digest() {
  local comments digests file
  file="$(temporary reviewed.md)"
  comments="$(own_comments "$1")"
  digests="$(jq --raw-output '@base64 "\(.body)"' <<<"$comments" | while read -r body; do
    base64 --decode <<<"$body" >"$file"
    digest_in "$file"
  done | sort -u)"
  if [[ -z "$digests" ]]; then
    fail "Pull request #$1 has no reviewed plan of this environment. Look at a plan, then run apply with expect."
  fi
  if [[ "$digests" == *$'\n'* ]]; then fail "Pull request #$1 has two plans of this environment."; fi
  printf '%s' "$digests"
}

# msgflash_until_told LOG ARGUMENT..: run the program, log it, and hand on the runner's wish to stop: a cancelled apply
# then finishes what is in flight and releases its lock. Bash alone would wait, and be killed.
msgflash_until_told() {
  local child code=0 told="" writer
  exec 4> >(exec tee -- "$1")
  writer=$!
  MSGFLASH_ENV="$GIVEN_ENVIRONMENT" env -u GITHUB_TOKEN "$PROGRAM" "${@:2}" >&4 2>&1 &
  child=$!
  exec 4>&-
  trap 'told=yes; kill -TERM "$child"' INT TERM
  wait "$child" || code=$?
  if [[ -n "$told" ]]; then
    code=0
    wait "$child" || code=$?
  fi
  trap - INT TERM
  wait "$writer"
  return "$code"
}
