#!/usr/bin/env bash
# Looks at AegisSLO as an operator does each morning, with nothing but curl and jq, and says what to look at.
#   AEGIS_SERVER=http://aegis:8080 AEGIS_TOKEN_FILE=/root/.aegis-token bash daily-health-check.sh
# Exit code: 0 all is well, 1 look at the lines that begin with "look", 2 usage, 3 the server could not be asked.
#
# AEGIS_TOKEN_FILE, or AEGIS_TOKEN, has an API key of the scope read; curl reads it from its standard input, as its
# command line can be read by every process of the machine. CURL_CA_BUNDLE names a private authority. Where they are set:
#   AEGIS_LOG               the log file: its error lines of the last 24 hours
#   AEGIS_BACKUPS           the directory of backups: the age of the newest
#   AEGIS_BACKUP_MAX_HOURS  how old that may be (26)

set -euo pipefail
server=${AEGIS_SERVER:-http://127.0.0.1:8080}
token=${AEGIS_TOKEN:-}
if [ -n "${AEGIS_TOKEN_FILE:-}" ]; then token=$(cat "$AEGIS_TOKEN_FILE") || exit 2; fi
for command in curl jq; do
  if ! command -v "$command" >/dev/null; then echo "daily-health-check: needs $command" >&2; exit 2; fi
done

found=0
ok() { echo "  ok    $*"; }
look() { echo "  look  $*"; found=$((found + 1)); }

# Asks a path; `body` and `code` are its answer. Without an answer there is nothing to say about the rest.
ask() {
  local answer
  answer=$(echo "X-API-Key: $token" | curl -sS --max-time 10 -w '\n%{http_code}' -H @- "$server$1" 2>&1) || unasked "$1" "$answer"
  code=${answer##*$'\n'}
  body=${answer%$'\n'*}
  case $code in 200 | 503) ;; *) unasked "$1" "$code $body" ;; esac
  if [ "$1" != /metrics ] && ! jq -e . >/dev/null 2>&1 <<<"$body"; then unasked "$1" "$code $body"; fi
}
unasked() {
  echo "daily-health-check: could not ask $server$1: $(tr '\n' ' ' <<<"$2" | cut -c1-300)" >&2
  exit 3
}
read_body() { jq -r "$1" <<<"$body"; }

echo "AegisSLO at $server, $(date -u +%Y-%m-%dT%H:%M:%SZ)"

echo 'Health'
ask /healthz
ok 'the process answers'
ask /readyz
if [ "$code" = 200 ]; then ok "ready with $(read_body .slosLoaded) SLOs"; else look "not ready: $(read_body '(.reasons // []) | join("; ")')"; fi
ask /healthz/comprehensive
while IFS=$'\t' read -r component state since message; do
  if [ "$state" = ok ]; then ok "$component: $message"; else look "$component is $state since $since: $message"; fi
done < <(read_body '.components | to_entries[] | [.key, .value.status, .value.since, .value.message] | @tsv')

echo 'SLO files'
ask /v1/status
while read -r file; do look "in error: $file"; done < <(read_body '.files.inError[] | .file // tostring')
if [ "$(read_body '.files.inError | length')" = 0 ]; then ok "$(read_body .files.read) files, none in error"; fi

echo 'SLOs that block'
ask '/v1/decisions?decision=BLOCK&limit=1000'
blocking=$body
while IFS=$'\t' read -r slo reason; do
  since=unknown
  # The last evaluation that was no BLOCK.
  for decision in ALLOW WARN; do
    ask "/v1/audit?limit=1&decision=$decision&sloID=$(jq -rn --arg slo "$slo" '$slo | @uri')"
    last=$(read_body '.records[0].timestamp // empty')
    if [ -n "$last" ] && { [ "$since" = unknown ] || [[ $last > $since ]]; }; then since=$last; fi
  done
  if [ "$since" = unknown ]; then since='as far as the audit reaches'; else since="since $since"; fi
  look "$slo blocks $since: $reason"
done < <(jq -r '.decisions[] | [.sloID, .reasons[0]] | @tsv' <<<"$blocking")
if [ "$(jq '.decisions | length' <<<"$blocking")" = 0 ]; then ok 'none'; fi

echo 'Database and disk'
ask /metrics/system
ok "$(read_body '.disk | "the database has \((.databaseBytes // 0) / 1048576 | floor) MB, \((.freeBytes // 0) / 1048576 | floor) MB are free (\(if .sizeBytes then (.freeBytes / .sizeBytes * 100 | floor) else "?" end) %)"')"
ask /metrics
growth=$(sed -n 's/^aegis_audit_growth_bytes_per_day \([0-9]*\).*/\1/p' <<<"$body")
if [ -z "$growth" ]; then
  ok 'how much the audit grows is not known yet: that takes an hour from the start'
elif [ "$growth" -gt 1073741824 ]; then
  look "the audit grows by $((growth / 1048576)) MB a day: who asks so much, and how long has it to be kept (--audit-retention)?"
else
  ok "the audit grows by $((growth / 1048576)) MB a day"
fi
ask /v1/status
lost=$(read_body '[.audit.rows[].dropped] | add')
if [ "$lost" = 0 ]; then ok 'no row was lost since the start'; else look "$lost rows were lost since the start"; fi

if [ -n "${AEGIS_BACKUPS:-}" ]; then
  echo 'Backups'
  newest=$(find "$AEGIS_BACKUPS" -maxdepth 1 -name '*.db' -type f -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -n 1) || true
  hours=$((($(date +%s) - $(cut -d. -f1 <<<"${newest:-0.}")) / 3600))
  if [ -z "$newest" ]; then
    look "there is none in $AEGIS_BACKUPS"
  elif [ "$hours" -gt "${AEGIS_BACKUP_MAX_HOURS:-26}" ]; then
    look "the newest is $hours hours old: ${newest#* }"
  else
    ok "the newest is $hours hours old: ${newest#* }"
  fi
fi

if [ -n "${AEGIS_LOG:-}" ]; then
  echo 'Log of the last 24 hours'
  since=$(date -u -d '24 hours ago' +%Y-%m-%dT%H:%M:%S)
  if [ ! -r "$AEGIS_LOG" ]; then
    look "$AEGIS_LOG cannot be read"
  else
    # A line that is no JSON, as one that was cut off, is passed over.
    errors=$(jq -rR --arg since "$since" 'fromjson? | select(.timestamp > $since and (.level | IN("error", "fatal"))) | .message' "$AEGIS_LOG")
    if [ -z "$errors" ]; then
      ok 'no line of level error'
    else
      while read -r count message; do look "$count times: $message"; done < <(printf '%s\n' "$errors" | sed 's/[0-9][0-9]*/N/g' | sort | uniq -c | sort -rn | head -n 10)
    fi
  fi
fi

if [ "$found" -eq 0 ]; then
  echo 'All is well.'
else
  echo "$found to look at: docs/runbook.md has a procedure for each."
  exit 1
fi
