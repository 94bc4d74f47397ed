-- One row per member of a dimension and half-hour: how many talk at once. Ended calls that began on the day; talk is
-- cut at the half-hours' borders. Erlangs: seconds talked in an interval over its length.
WITH calls_of AS (
    SELECT
        local_date, call_id, interval_start, utc_offset_s, coalesce(talk_s, 0) AS talk_s,
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
        local_date, dimension, member_id, instant(at_s)::TIMESTAMPTZ AS interval_start,
        0 AS calls, 0 AS talk_s_by_start, sum(-step * when_s) AS talk_s_in_interval, max(level) AS peak_talk_calls
    FROM levels
    GROUP BY local_date, dimension, member_id, at_s
),
beginning AS (
    SELECT
        local_date, dimension, member_id, interval_start,
        count(*) AS calls, sum(talk_s) AS talk_s_by_start, 0 AS talk_s_in_interval, 0 AS peak_talk_calls
    FROM calls_of
    GROUP BY local_date, dimension, member_id, interval_start
)
SELECT
    local_date, dimension, member_id, interval_start,
    sum(beginning_and_talking.calls) AS calls,
    sum(talk_s_by_start) AS talk_s_by_start,
    sum(beginning_and_talking.talk_s_in_interval) AS talk_s_in_interval,
    sum(beginning_and_talking.talk_s_in_interval) / 1800 AS erlangs,
    max(peak_talk_calls) AS peak_talk_calls,
    any_value(status) AS day_status
FROM (FROM beginning UNION ALL FROM talking) AS beginning_and_talking
JOIN day_status USING (local_date)
GROUP BY local_date, dimension, member_id, interval_start
