-- One row per caller who hung up after waiting and has not been spoken to since, on the days read: whom to call back. A
-- caller whom the phone system does not know has a row for each call, because nobody can tell whether they called again.
WITH lost AS (
    SELECT
        calls.*, last_dialled_at,
        row_number() OVER latest_first AS place, count(*) OVER caller AS times_hung_up
    FROM calls
    LEFT JOIN contacts USING (contact_id)
    WHERE
        direction = 'inbound' AND outcome = 'abandoned'
        AND (last_spoken_at IS NULL OR started_at > last_spoken_at)
    WINDOW
        caller AS (PARTITION BY contact_id, CASE WHEN contact_id IS NULL THEN call_id END),
        latest_first AS (caller ORDER BY started_at DESC, call_id DESC)
)
SELECT
    local_date, call_id, started_at, contact_id, contact.number AS contact_number, times_hung_up,
    ring_group_id, ring_group_name, number_id, lost.number AS number, number_alias,
    CASE WHEN contact_id IS NOT NULL THEN coalesce(last_dialled_at > started_at, false) END AS contact_dialled_since
FROM lost
JOIN (SELECT local_date, id AS call_id, contact FROM raw_calls) USING (local_date, call_id)
WHERE place = 1
