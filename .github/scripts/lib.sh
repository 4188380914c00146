# shellcheck shell=bash
# Sourced by run.sh: small things that the commands share.
# Campaign text is a stranger's; it reaches the log only through `verbatim`, and the summary only through `summarise_text`.

PROGRAM="$RUNNER_TEMP/msgflash-apply/bin/msgflash-apply"

# fail TEXT: end the step with an error, told where no answer is caught. TEXT is ours, never a stranger's.
fail() {
  printf '::error::%s\n' "$1" >&2
  exit 1
}

# tell_output NAME VALUE: VALUE is one line.
tell_output() {
  if [[ "$2" == *$'\n'* ]]; then fail "The output $1 would have several lines."; fi
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# has_key: whether the workflow gave a key; pull requests from forks get none.
has_key() {
  [[ -n "${MSGFLASH_API_KEY:-}${MSGFLASH_API_KEY_FILE:-}" ]]
}

# msgflash ARGUMENT..: the program, which never sees the token.
msgflash() {
  MSGFLASH_ENV="$GIVEN_ENVIRONMENT" env -u GITHUB_TOKEN "$PROGRAM" "$@"
}

# msgflash_logged LOG ARGUMENT..: run the program, log it, and hand on the runner's wish to stop: a cancelled apply then
# finishes what is in flight and releases its lock. Bash alone would wait, and be killed.
msgflash_logged() {
  local child code=0 stopped="" writer
  exec 4> >(exec tee -- "$1")
  writer=$!
  MSGFLASH_ENV="$GIVEN_ENVIRONMENT" env -u GITHUB_TOKEN "$PROGRAM" "${@:2}" >&4 2>&1 &
  child=$!
  exec 4>&-
  trap 'stopped=yes; kill -TERM "$child"' INT TERM
  wait "$child" || code=$?
  if [[ -n "$stopped" ]]; then
    code=0
    wait "$child" || code=$?
  fi
  trap - INT TERM
  wait "$writer"
  return "$code"
}

# verbatim COMMAND..: run it so that no line which it prints is a command to the runner (`::add-mask::` and its like).
verbatim() {
  local code=0 token
  token="$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')"
  printf '::stop-commands::%s\n' "$token"
  "$@" 2>&1 || code=$?
  printf '\n::%s::\n' "$token"
  return "$code"
}

# summarise_text FILE: add a terminal's text to the job's summary; indented, it is code to the last line.
summarise_text() {
  { printf '\n'; head -c 500000 -- "$1" | sed 's/^/    /'; printf '\n'; } >>"$GITHUB_STEP_SUMMARY"
}

# temporary NAME: a path in a folder of this run.
temporary() {
  mkdir -p "$RUNNER_TEMP/msgflash-apply-run"
  printf '%s/msgflash-apply-run/%s' "$RUNNER_TEMP" "$1"
}
