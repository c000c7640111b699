sqlite3 aegis.db <<EOF
SELECT decision, COUNT(*) as count
FROM evaluations
WHERE created_at > datetime('now', '-1 hour')
GROUP BY decision;
EOF
