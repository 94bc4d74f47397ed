-- One row per contact of the days read: when they were last dialled, and last spoken to in a call of either direction.
SELECT
    contact_id,
    max(started_at) FILTER (direction = 'outbound') AS last_dialled_at,
    max(started_at) FILTER (is_answered) AS last_spoken_at
FROM calls
WHERE contact_id IS NOT NULL
GROUP BY contact_id
