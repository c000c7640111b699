#!/bin/sh
# A walk through the API with curl and jq, on a server that was started with `npm start`:
#   sh examples/api-usage.sh
#   AEGIS_URL=http://aegis:8080 AEGIS_SLO=my-slo sh examples/api-usage.sh
# Where the server asks for a key, AEGIS_TOKEN has one of the scopes read and decide.
# Every step that is not answered as it should be ends the walk.
set -eu

url=${AEGIS_URL:-http://localhost:8080}
slo=${AEGIS_SLO:-api-availability}

step() { printf '\n== %s\n' "$1"; }
ask() { echo "X-API-Key: ${AEGIS_TOKEN:-}" | curl -sS --max-time 10 -H @- "$@"; }
get() { ask --fail-with-body "$url$1"; }
# Asks for what must be refused, and shows the status and the error.
refused() {
  status=$1
  shift
  answer=$(ask -w '\n%{http_code}' "$@")
  printf '%s\n' "$answer"
  [ "$(printf '%s\n' "$answer" | tail -n 1)" = "$status" ]
}

step 'Does it run, and do its decisions mean something?'
get /healthz | jq -c .
get /readyz | jq -c .
ask --fail --head "$url/healthz" | sed -n 1p

step 'Which SLOs are there?'
get /v1/slo | jq -r '.slos[] | "\(.id)  \(.service)/\(.environment)  objective \(.objective)"'

step "What does $slo say?"
definition=$(get "/v1/slo/$slo")
printf '%s\n' "$definition" | jq -c '{metadata, rules: .spec.burnPolicy.rules}'

step 'Is it safe to deploy? (the latest evaluation)'
ask --fail-with-body -X POST "$url/v1/gate/decision" -H 'Content-Type: application/json' -d "{\"sloID\": \"$slo\"}" | jq .

step 'And now? (evaluated for this question, and in the audit when the answer comes)'
decision=$(ask --fail-with-body -X POST "$url/v1/gate/decision" -d "{\"sloID\": \"$slo\", \"forceFresh\": true}")
printf '%s\n' "$decision" | jq -c '{decision, reasons, reasonCodes, evaluationID, age}'

step 'What was it decided from?'
get "/v1/evaluations/$(printf '%s\n' "$decision" | jq -r .evaluationID)" | jq .

step 'The whole service'
get "/v1/state/$(printf '%s\n' "$definition" | jq -r '[.metadata.service, .spec.environment] | map(@uri) | join("/")')" | jq -c .

step 'The audit: the newest, then the page after it'
page=$(get "/v1/audit?sloID=$slo&limit=1")
printf '%s\n' "$page" | jq -c '.records[] | {timestamp, decision, sli, reasons}'
cursor=$(printf '%s\n' "$page" | jq -r '.nextCursor // empty | @uri')
if [ -n "$cursor" ]; then get "/v1/audit?sloID=$slo&limit=1&cursor=$cursor" | jq -c '.records[] | {timestamp, decision}'; fi

step 'The audit of a day, and what was blocked in it'
day=$(date -u +%Y-%m-%d)
get "/v1/audit?startTime=${day}T00:00:00Z&endTime=${day}T23:59:59Z&limit=5" | jq -c '.records[] | [.timestamp, .sloID, .decision]'
get "/v1/audit?decision=BLOCK&limit=5" | jq -c '.records[] | [.timestamp, .sloID, .reasons]'

step 'Who was told what, and what was ordered'
get "/v1/audit/decisions?sloID=$slo&limit=5" | jq -c '.records[] | [.timestamp, .caller, .decision, .evaluationID]'
get "/v1/audit/orders?limit=5" | jq -c '.records[] | [.timestamp, .caller, .order, .outcome]'

step 'The server itself: version, files, files in error'
get /v1/status | jq -c .

step 'Its metrics, and its description'
get /metrics | grep '^aegis_' | sed -n 1,5p
get /openapi.json | jq -c '{openapi, paths: (.paths | keys)}'

step 'What it refuses'
refused 404 -X POST "$url/v1/gate/decision" -d '{"sloID": "nobody"}'
refused 400 -X POST "$url/v1/gate/decision" -d '{"sloID": ""}'
refused 400 "$url/v1/audit?limit=many"
refused 405 "$url/v1/gate/decision"
