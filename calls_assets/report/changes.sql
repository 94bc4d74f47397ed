-- One row per kind of change, and changed field, that pulls found after the day was over.
SELECT change, field, count(DISTINCT call_id) AS calls, max(age_s) AS age_s
FROM call_changes
GROUP BY change, field
ORDER BY change, calls DESC, field
