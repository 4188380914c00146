# shellcheck shell=bash
# Sourced by run.sh: `validate` and `plan`. Both end the step.

# validate: findings become annotations of the pull request.
validate() {
  annotate "${ARGUMENTS[@]}"
  exit "$CODE"
}

# annotate PATH..: set CODE. Standard output is a list of commands to the runner, made for that; the rest is not.
annotate() {
  local findings
  findings="$(temporary findings.txt)"
  CODE=0
  verbatim validated_to "$findings" "$@" || CODE=$?
  seen_from_the_root <"$findings"
}

# seen_from_the_root: paths of annotations count from the root of the repository, those of the program from its folder.
seen_from_the_root() {
  local folder="${INPUT_WORKING_DIRECTORY#./}" line
  folder="${folder//%/%25}"
  folder="${folder//:/%3A}"
  folder="${folder//,/%2C}"
  while IFS= read -r line; do
    if [[ "$folder" != . && "$line" =~ ^(::(error|warning)\ file=)(.*)$ ]]; then
      line="${BASH_REMATCH[1]}$folder/${BASH_REMATCH[3]}"
    fi
    printf '%s\n' "$line"
  done
}

# validated_to FILE PATH..: write the annotations there, and the rest to standard output.
validated_to() {
  { msgflash validate --format github "${@:2}" >"$1"; } 2>&1
}

# plan: the plan goes to the log, the summary, and the comment of the pull request.
plan() {
  local mode=() report
  report="$(temporary plan.md)"
  rm -f -- "$report"
  annotate
  if ((CODE != 0)); then no_plan "$report" "The files have mistakes, so there is no plan. The job's log and annotations name them."; fi
  if ! has_key; then
    mode=(--offline --no-state)
    printf '::notice::There is no API key, so this is a preview from the files alone.\n'
  fi
  verbatim msgflash plan --format markdown --output "$report" --detailed-exitcode "${mode[@]}" "${ARGUMENTS[@]}" || CODE=$?
  if [[ ! -s "$report" ]]; then no_plan "$report" "There is no plan. The job's log says why."; fi
  verbatim cat -- "$report"
  publish "$report"
  if has_key; then tell_output digest "$(digest_in "$report")"; fi
  # 2 says that there are changes, which is no failure.
  exit "$((CODE == 2 ? 0 : CODE))"
}

# no_plan FILE TEXT: say so where the plan would have been, so that no older plan can be taken for this one; end the step.
no_plan() {
  # shellcheck disable=SC2016 # backticks of markdown
  printf '\n## No plan for environment `%s`\n\n%s\n' "$ENVIRONMENT" "$2" >"$1"
  publish "$1"
  exit "$CODE"
}

# publish FILE: to the summary always; as a comment if wanted, and if it is more than a preview.
publish() {
  cat -- "$1" >>"$GITHUB_STEP_SUMMARY"
  if [[ "$INPUT_COMMENT" == true && "$GITHUB_EVENT_NAME" == pull_request ]] && has_key; then
    upsert_comment "$(jq --exit-status '.pull_request.number' "$GITHUB_EVENT_PATH")" "$1"
  fi
}

# digest_in FILE: the digest on the last line of a plan, the only line that campaign text cannot write; nothing if there is none.
digest_in() {
  # shellcheck disable=SC2016 # backticks of markdown
  tail -n 1 -- "$1" | sed -n 's/^Digest: `\(sha256:[0-9a-f]\{64\}\)`\r\{0,1\}$/\1/p'
}
