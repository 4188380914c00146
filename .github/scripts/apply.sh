# shellcheck shell=bash
# Sourced by run.sh: `apply`, of what was reviewed and nothing else. It ends the step.

apply() {
  local digest log
  if [[ "$GITHUB_EVENT_NAME" == pull_request ]]; then fail "apply runs after the merge, not on pull_request."; fi
  digest="$INPUT_EXPECT"
  if [[ -z "$digest" ]]; then
    digest="$(reviewed_digest)"
  elif ((10#$INPUT_APPROVALS > 0)); then
    fail "approvals cannot be checked for a digest that is given as expect. Merge a pull request with the new plan."
  fi
  [[ "$digest" =~ ^sha256:[0-9a-f]{64}$ ]] || fail "expect is not a digest: sha256: and 64 characters."
  tell_output digest "$digest"
  log="$(temporary apply.txt)"
  CODE=0
  verbatim msgflash_logged "$log" apply --auto-approve --expect "$digest" --lock-timeout 5m "${ARGUMENTS[@]}" || CODE=$?
  summarise_text "$log"
  exit "$CODE"
}

# merged_pull_request: the one whose merge made this commit, as {"number", "author", "head"}.
merged_pull_request() {
  local found
  found="$(pages "/repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" |
    jq --compact-output --arg sha "$GITHUB_SHA" --arg branch "$GITHUB_REF_NAME" --arg repository "$GITHUB_REPOSITORY" '
      select(.merged_at != null and .merge_commit_sha == $sha)
      | select(.base.ref == $branch and .base.repo.full_name == $repository)
      | {number, author: (.user.login // ""), head: .head.sha}')"
  if [[ -z "$found" || "$found" == *$'\n'* ]]; then
    fail "No pull request was merged as this commit, so no plan for it was reviewed. $LOOK_AGAIN"
  fi
  printf '%s' "$found"
}

# reviewed_digest: of the plan in the action's own comment, made for what was merged and approved by enough people.
reviewed_digest() {
  local author changed_at digest head number plans pull
  pull="$(merged_pull_request)"
  number="$(jq .number <<<"$pull")"
  author="$(jq --raw-output .author <<<"$pull")"
  head="$(jq --raw-output .head <<<"$pull")"
  plans="$(own_comments "$number" | jq --slurp 'map(select(.digest != null))')"
  digest="$(jq --raw-output 'map(.digest) | unique[]' <<<"$plans")"
  if [[ -z "$digest" ]]; then fail "Pull request #$number has no reviewed plan of this environment. $LOOK_AGAIN"; fi
  if [[ "$digest" == *$'\n'* ]]; then fail "Pull request #$number has two plans of this environment. $LOOK_AGAIN"; fi
  if ! jq --exit-status --arg head "$head" 'all(.head == $head)' <<<"$plans" >/dev/null; then
    fail "The plan of pull request #$number was not made for $head, the last commit that was merged. $LOOK_AGAIN"
  fi
  changed_at="$(jq --raw-output 'map(.updated_at) | max' <<<"$plans")"
  if ((10#$INPUT_APPROVALS > 0)); then require_approvals "$number" "$author" "$head" "$changed_at"; fi
  printf '%s' "$digest"
}

# require_approvals NUMBER AUTHOR HEAD SINCE
require_approvals() {
  local count
  count="$(approvers "$@" | wc -l)"
  if ((count < 10#$INPUT_APPROVALS)); then
    fail "Pull request #$1 has $((count)) of $((10#$INPUT_APPROVALS)) approvals of commit $3 after $4, when its plan \
was last changed. $LOOK_AGAIN"
  fi
}
