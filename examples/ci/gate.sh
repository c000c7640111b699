#!/bin/sh
# Asks AegisSLO whether it is safe to deploy, with nothing but curl and jq: exit 0 is go on, anything else is hold.
#   AEGIS_URL=http://aegis:8080 AEGIS_SLO=api-availability sh gate.sh
# AEGIS_TOKEN has the API key or OIDC token where the server asks for one; curl reads it from its standard input, as its
# command line can be read by every process of the machine.
# Goes on with ALLOW, and with a WARN whose every reason is a known fact (no traffic, few samples). Holds with BLOCK, with
# a WARN whose reason says that the truth is not known or that this script does not know, and where there is no answer.
# The pipelines beside this file hold the same lines, so that each can be copied by itself.

set -eu
question=$(jq -n --arg slo "$AEGIS_SLO" '{sloID: $slo, forceFresh: true}')
answer=$(echo "X-API-Key: ${AEGIS_TOKEN:-}" | curl -sS --max-time "${AEGIS_MAX_TIME:-10}" -w ' %{http_code}' -H @- -d "$question" "$AEGIS_URL/v1/gate/decision") || answer="no answer"
case $answer in *" 200") ;; *) echo "HOLD: no decision from $AEGIS_URL: $answer"; exit 1 ;; esac
verdict=$(printf '%s' "${answer% 200}" | jq -rs --arg slo "$AEGIS_SLO" '
  def proven: type == "array" and length > 0 and
    . - ["rule_triggered", "no_traffic", "few_points", "gaps", "impossible_data"] == [];
  if length == 1 and .[0].sloID == $slo then .[0] else error("the answer is no decision on this SLO") end
  | if .decision == "ALLOW" or (.decision == "WARN" and (.reasonCodes | proven)) then "GO: " else "HOLD: " end
    + .decision + ": " + (.reasons | join("; "))') || verdict="HOLD: the answer is no decision"
echo "$verdict"
case $verdict in "GO: "*) ;; *) exit 1 ;; esac
