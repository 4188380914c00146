# shellcheck shell=bash
# Sourced by run.sh: GitHub's API, and the one comment that the action keeps on a pull request.
# The action knows its comment by the first line and by the author: anybody can write the line, nobody else can be the bot.

COMMENT_AUTHOR="github-actions[bot]"

# github METHOD PATH [BODY_FILE]: print the answer. The token travels on standard input: arguments are visible to others.
github() {
  local body=()
  [[ "$GITHUB_TOKEN" =~ ^[A-Za-z0-9_.-]+$ ]] || fail "There is no usable github.token."
  if (($# == 3)); then body=(--header 'Content-Type: application/json' --data-binary "@$3"); fi
  # Sent again only where that cannot make a second comment.
  if [[ "$1" != POST ]]; then body+=(--retry 3); fi
  printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN" |
    env -u GITHUB_TOKEN -u MSGFLASH_API_KEY curl --disable --config - --silent --show-error --fail --max-time 30 \
      --request "$1" --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
      "${body[@]}" --url "$GITHUB_API_URL$2"
}

# comment_key: the comment's first line; one comment for each environment and folder.
comment_key() {
  jq --null-input --raw-output --arg environment "$ENVIRONMENT" --arg folder "$INPUT_WORKING_DIRECTORY" \
    'def inert: @uri | gsub("-"; "%2D"); "<!-- msgflash-apply action: \($environment | inert) in \($folder | inert) -->"'
}

# own_comments NUMBER: the action's comments on a pull request, oldest first, as lines of {"id", "body"}.
own_comments() {
  local answer key page=1
  key="$(comment_key)"
  while true; do
    answer="$(github GET "/repos/$GITHUB_REPOSITORY/issues/$1/comments?per_page=100&page=$page")"
    jq --compact-output --arg author "$COMMENT_AUTHOR" --arg key "$key" '.[]
      | select(.user.login == $author and .user.type == "Bot")
      | select((.body // "" | split("\n")[0] // "" | rtrimstr("\r")) == $key)
      | {id, body}' <<<"$answer"
    if (($(jq length <<<"$answer") < 100)); then break; fi
    page=$((page + 1))
  done
}

# upsert_comment NUMBER FILE: make the markdown of FILE the action's one comment on a pull request.
upsert_comment() {
  local body id ids
  body="$(temporary comment.json)"
  { comment_key; cat -- "$2"; } | jq --raw-input --slurp '{body: .}' >"$body"
  ids="$(own_comments "$1" | jq .id)"
  if [[ -z "$ids" ]]; then
    github POST "/repos/$GITHUB_REPOSITORY/issues/$1/comments" "$body" >/dev/null
    return
  fi
  github PATCH "/repos/$GITHUB_REPOSITORY/issues/comments/${ids%%$'\n'*}" "$body" >/dev/null
  # Two runs at once may both have found none; `apply` wants to find one.
  for id in $(tail -n +2 <<<"$ids"); do
    github DELETE "/repos/$GITHUB_REPOSITORY/issues/comments/$id" >/dev/null
  done
}
