# shellcheck shell=bash
# Sourced by run.sh: GitHub's API, and the one comment that the action keeps on a pull request.
# The action knows its comment by the first line and by the author: anyone can write the line, only the action is the bot.
# The second line says for which commit and of which plan it is. No campaign text comes before it.

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

# pages PATH: print each entry of a list that comes in pages, as a line of JSON.
pages() {
  local answer page=1
  while true; do
    answer="$(github GET "$1?per_page=100&page=$page")"
    jq --compact-output '.[]' <<<"$answer"
    if (($(jq length <<<"$answer") < 100)); then break; fi
    page=$((page + 1))
  done
}

# comment_key: the comment's first line; one comment for each environment and folder.
comment_key() {
  jq --null-input --raw-output --arg environment "$ENVIRONMENT" --arg folder "$INPUT_WORKING_DIRECTORY" \
    'def inert: @uri | gsub("-"; "%2D"); "<!-- msgflash-apply action: \($environment | inert) in \($folder | inert) -->"'
}

# own_comments NUMBER: the action's comments on a pull request, oldest first, as lines of {"id", "updated_at", "head",
# "digest"}. The digest is null where the comment has no plan to approve.
own_comments() {
  pages "/repos/$GITHUB_REPOSITORY/issues/$1/comments" |
    jq --compact-output --arg author "$COMMENT_AUTHOR" --arg key "$(comment_key)" '
      select(.user.login == $author and .user.type == "Bot")
      | (.body // "" | split("\n") | map(rtrimstr("\r"))) as $lines
      | select($lines[0] == $key)
      | {id, updated_at} + (($lines[1] // "")
          | capture("^<!-- commit (?<head>[0-9a-f]{40,64}), plan (?<digest>sha256:[0-9a-f]{64}) -->$")
            // {head: null, digest: null})'
}

# upsert_comment NUMBER FILE HEAD DIGEST: make the markdown of FILE the action's one comment on a pull request.
upsert_comment() {
  local body id ids
  body="$(temporary comment.json)"
  { comment_key; printf '<!-- commit %s, plan %s -->\n' "$3" "${4:-none}"; cat -- "$2"; } |
    jq --raw-input --slurp '{body: .}' >"$body"
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

# approvers NUMBER AUTHOR HEAD SINCE: the logins of those whose last word is that they approve this commit, said after a
# moment. Neither bots, nor the author, nor people without the right to write: in a public repo everybody can review.
approvers() {
  local login
  pages "/repos/$GITHUB_REPOSITORY/pulls/$1/reviews" |
    jq --slurp --raw-output --arg author "$2" --arg head "$3" --arg since "$4" '
      map(select(.user.type == "User" and .user.login != $author)
        | select(.state | IN("APPROVED", "CHANGES_REQUESTED", "DISMISSED")))
      | group_by(.user.login)[] | max_by([.submitted_at, .id])
      | select(.state == "APPROVED" and .commit_id == $head and .submitted_at > $since)
      | .user.login | @uri' |
    while read -r login; do
      github GET "/repos/$GITHUB_REPOSITORY/collaborators/$login/permission" |
        jq --raw-output --arg login "$login" 'select(.permission | IN("admin", "write")) | $login'
    done
}
