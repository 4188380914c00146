# shellcheck shell=bash
# Sourced by run.sh: `validate`, `plan` and `drift`. Each ends the step.

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

# plan: the plan goes to the log, the summary, and the comment of the pull request; all of it is one plan.
plan() {
  local digest="" reports json markdown mode=() validated
  markdown="$(temporary plan.md)"
  json="$(temporary plan.json)"
  reports=(--report "markdown=$markdown" --report "json=$json")
  if [[ -n "$INPUT_PAGE" ]]; then reports+=(--report "html=$INPUT_PAGE"); fi
  rm -f -- "$markdown" "$json" ${INPUT_PAGE:+"$INPUT_PAGE"}
  annotate
  validated="$CODE"
  if ! has_key; then
    mode=(--offline --no-state)
    printf '::notice::There is no API key, so this is a preview from the files alone.\n'
  fi
  CODE=0
  verbatim msgflash plan --detailed-exitcode "${reports[@]}" "${mode[@]}" "${ARGUMENTS[@]}" || CODE=$?
  # Mistakes that do not concern this environment leave its plan to be seen, but the check is red.
  if ((validated != 0)); then CODE=1; fi
  # Mistakes are in the report as well; anything else that ended the plan is not, and no older plan may be taken for this one.
  if [[ ! -s "$markdown" ]]; then
    # shellcheck disable=SC2016 # backticks of markdown
    printf '\n## No plan for environment `%s`\n\nThe log of the job says why.\n' "$ENVIRONMENT" >"$markdown"
  fi
  if [[ -s "$json" ]] && has_key; then
    digest="$(jq --raw-output .digest "$json")"
    tell_output digest "$digest"
    tell_numbers "$json"
  fi
  if [[ -n "$INPUT_PAGE" && -s "$INPUT_PAGE" ]]; then tell_output page "${INPUT_WORKING_DIRECTORY%/}/$INPUT_PAGE"; fi
  publish "$markdown" "$digest"
  # 2 says that there are changes, which is no failure.
  exit "$((CODE == 2 ? 0 : CODE))"
}

# tell_numbers JSON: what a later step of the workflow may want to decide by.
tell_numbers() {
  tell_output creates "$(jq '(.summary.create // 0) + (.summary.replace // 0)' "$1")"
  tell_output blocked "$(jq '.summary.blocked // 0' "$1")"
  tell_output people "$(jq '.summary.people // empty' "$1")"
}

# publish FILE DIGEST: to the summary always; as a comment if wanted, and if it is more than a preview.
publish() {
  local head number
  cat -- "$1" >>"$GITHUB_STEP_SUMMARY"
  if [[ "$INPUT_COMMENT" == true && "$GITHUB_EVENT_NAME" == pull_request ]] && has_key; then
    number="$(jq --exit-status '.pull_request.number' "$GITHUB_EVENT_PATH")"
    head="$(jq --exit-status --raw-output '.pull_request.head.sha' "$GITHUB_EVENT_PATH")"
    [[ "$head" =~ ^[0-9a-f]{40,64}$ ]] || fail "The event does not say for which commit it is."
    upsert_comment "$number" "$1" "$head" "$2"
  fi
}

# drift: what differs from the record goes to the log and the summary; any difference fails the step.
drift() {
  local log
  log="$(temporary drift.txt)"
  CODE=0
  verbatim msgflash_logged "$log" drift "${ARGUMENTS[@]}" || CODE=$?
  summarise_text "$log"
  exit "$CODE"
}
