#!/bin/bash
DATE=$(date +%Y%m%d)
BACKUP_DIR=/backup/aegis-slo
mkdir -p $BACKUP_DIR

# Backup database (using .backup for consistency)
sqlite3 /data/aegis.db ".backup $BACKUP_DIR/aegis-$DATE.db"

# Keep last 30 days
find $BACKUP_DIR -name "aegis-*.db" -mtime +30 -delete

echo "Backup completed: aegis-$DATE.db"
