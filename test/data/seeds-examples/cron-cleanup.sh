#!/bin/bash
sqlite3 /data/aegis.db <<EOF
DELETE FROM evaluations WHERE created_at < datetime('now', '-90 days');
VACUUM;
EOF
echo "Cleaned up evaluations older than 90 days"
