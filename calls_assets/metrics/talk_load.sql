-- One row per member of a dimension and half-hour: how many talk at once. Ended calls that began on the day; talk is
-- cut at the half-hours' borders. Erlangs: seconds talked in an interval over its length.
WITH calls_of AS (
    SELECT
        local_date, call_id, epoch_s(interval_start) AS at_s, utc_offset_s, coalesce(talk_s, 0) AS talk_s,
        talk_begin_s(started_at, speed_of_answer_s) AS talk_began_s,
        unnest([
            {dimension: 'total', member_id: '(all)'},
            {dimension: 'direction', member_id: member_of(direction)},
            {dimension: 'ring_group', member_id: member_of(ring_group_id)}
        ], recursive := true)
    FROM calls
    WHERE is_ended
),
pieces AS (
    SELECT
        local_date, dimension, member_id, call_id,
        unnest(half_hours(talk_began_s, talk_s, utc_offset_s), recursive := true)
    FROM calls_of
    WHERE talk_s > 0
),
steps AS (
    SELECT local_date, dimension, member_id, at_s, unnest([begin_s, end_s]) AS when_s, unnest([1, -1]) AS step
    FROM pieces
),
levels AS (  -- who stops at a moment goes before who begins
    SELECT *, sum(step) OVER (
        PARTITION BY local_date, dimension, member_id, at_s ORDER BY when_s, step ROWS UNBOUNDED PRECEDING
    ) AS level
    FROM steps
),
talking AS (
    SELECT
        local_date, dimension, member_id, at_s,
        0 AS calls, 0 AS talk_s_by_start, sum(-step * when_s) AS talk_s_in_interval, max(level) AS peak_talk_calls
    FROM levels
    GROUP BY local_date, dimension, member_id, at_s
),
beginning AS (
    SELECT
        local_date, dimension, member_id, at_s,
        count(*) AS calls, sum(talk_s) AS talk_s_by_start, 0 AS talk_s_in_interval, 0 AS peak_talk_calls
    FROM calls_of
    GROUP BY local_date, dimension, member_id, at_s
),
booked AS (
    SELECT
        local_date, dimension, member_id, at_s,
        sum(calls) AS calls, sum(talk_s_by_start) AS talk_s_by_start, sum(talk_s_in_interval) AS talk_s_in_interval,
        max(peak_talk_calls) AS peak_talk_calls
    FROM (FROM beginning UNION ALL FROM talking)
    GROUP BY local_date, dimension, member_id, at_s
)
SELECT
    booked.local_date, booked.dimension, member_id,
    CASE WHEN booked.dimension = 'ring_group' AND member_id <> '(none)' THEN name ELSE member_id END AS member_name,
    instant(at_s) AS interval_start, wall_clock(at_s, utc_offset_s) AS interval_start_local,
    booked.calls, talk_s_by_start, talk_s_in_interval, talk_s_in_interval / 1800 AS erlangs, peak_talk_calls,
    status AS day_status
FROM booked
ASOF JOIN utc_offsets ON at_s >= from_s
JOIN day_status USING (local_date)
LEFT JOIN latest_names
    ON (booked.local_date, booked.dimension, member_id)
        = (latest_names.local_date, latest_names.dimension, latest_names.id::VARCHAR)
