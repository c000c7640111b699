-- Gate decision distribution
SELECT decision, COUNT(*) FROM evaluations GROUP BY decision

-- Gate decisions (last 24h)
SELECT decision, COUNT(*) FROM evaluations WHERE created_at > datetime('now', '-1 day') GROUP BY decision

-- SLO evaluation frequency
SELECT slo_id, COUNT(*) FROM evaluations WHERE created_at > datetime('now', '-1 hour') GROUP BY slo_id

-- Blocked SLOs
SELECT slo_id, service, environment FROM latest_state WHERE decision = 'BLOCK'

-- Check database integrity
PRAGMA integrity_check;

-- Top 10 most frequently blocked SLOs
SELECT slo_id, COUNT(*) as blocks
FROM evaluations
WHERE decision = 'BLOCK' AND created_at > datetime('now', '-7 days')
GROUP BY slo_id
ORDER BY blocks DESC
LIMIT 10;

-- SLO reliability over time (hourly buckets)
SELECT
    strftime('%Y-%m-%d %H:00', timestamp) as hour,
    AVG(sli) as avg_sli,
    AVG(budget_remaining) as avg_budget
FROM evaluations
WHERE slo_id = 'api-availability'
    AND timestamp > datetime('now', '-24 hours')
GROUP BY hour
ORDER BY hour;

-- Audit trail for specific deployment decision
SELECT *
FROM evaluations
WHERE slo_id = 'api-availability'
    AND timestamp BETWEEN '2024-01-15 10:00:00' AND '2024-01-15 10:05:00'
ORDER BY timestamp DESC;

-- Delete evaluations older than 90 days
DELETE FROM evaluations
WHERE created_at < datetime('now', '-90 days');

-- Vacuum to reclaim space
VACUUM;
