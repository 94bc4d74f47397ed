-- One row per ring group, and for all of them, and method of telling a wait: how the method's waits agree with the
-- vendor's verdict on the answered inbound calls. Each ring group is judged at its threshold of CALLS_SLA_SECONDS, or else
-- at the one that is wrong about the fewest calls of all ring groups without a setting, or at its own where that one
-- contradicts it or is wrong about many more calls. Late calls up to the threshold are errors, and calls in time beyond it.
-- `most_errors`: the errors of a threshold below or above all waits, whichever has fewer.
WITH judged AS (
    SELECT
        local_date, call_id, started_at, member_of(ring_group_id) AS member_id, ring_group_name,
        wait_method, sla_threshold_s, method, is_answered_within_sla AS in_time,
        wait_of(method, outcome, speed_of_answer_s, duration_s, talk_s) AS waited_s
    FROM calls, unnest(['duration_less_talk', 'leg_start']) AS methods(method)
    WHERE direction = 'inbound' AND outcome = 'answered' AND is_answered_within_sla IS NOT NULL AND waited_s IS NOT NULL
),
by_wait AS (
    SELECT
        local_date, method, member AS member_id, waited_s,
        count(*) FILTER (in_time) AS in_time, count(*) FILTER (NOT in_time) AS late
    FROM judged, unnest(CASE WHEN sla_threshold_s IS NULL THEN ['(all)', member_id] ELSE [member_id] END) AS members(member)
    GROUP BY local_date, method, member, waited_s
),
thresholds AS (
    SELECT
        local_date, method, member_id, waited_s AS least_s,
        lead(waited_s) OVER upwards - 1 AS most_s,
        sum(late) OVER upwards + sum(in_time) OVER whole - sum(in_time) OVER upwards AS errors
    FROM by_wait
    WINDOW
        upwards AS (PARTITION BY local_date, method, member_id ORDER BY waited_s),
        whole AS (PARTITION BY local_date, method, member_id)
    UNION ALL
    SELECT local_date, method, member_id, min(waited_s) - 1 AS least_s, min(waited_s) - 1 AS most_s, sum(in_time) AS errors
    FROM by_wait
    GROUP BY local_date, method, member_id
),
best AS (
    SELECT local_date, method, member_id, min({errors: errors, least_s: least_s, most_s: most_s}) AS fit
    FROM thresholds
    GROUP BY local_date, method, member_id
),
groups AS (
    SELECT
        local_date, method, judged.member_id, latest_name(ring_group_name, started_at, call_id) AS member_name,
        common_method(wait_method) AS wait_method, count(*) AS calls, count(*) FILTER (NOT in_time) AS calls_late,
        count(sla_threshold_s) = count(*) AS is_set, count(*) FILTER (in_time = (waited_s > sla_threshold_s)) AS set_errors,
        CASE WHEN min(sla_threshold_s) = max(sla_threshold_s) THEN min(sla_threshold_s) END AS set_s,
        any_value(of_all.fit) AS usual, count(*) FILTER (in_time = (waited_s > of_all.fit.least_s)) AS usual_errors
    FROM judged
    LEFT JOIN (FROM best WHERE member_id = '(all)') AS of_all USING (local_date, method)
    GROUP BY local_date, method, judged.member_id
),
chosen AS (
    SELECT
        groups.* EXCLUDE (member_name), CASE WHEN groups.member_id = '(none)' THEN '(none)' ELSE member_name END AS member_name,
        least(calls_late, calls - calls_late) AS most_errors,
        CASE
            WHEN is_set THEN {errors: set_errors, least_s: set_s, most_s: set_s}
            WHEN contradicts(usual_errors, calls) OR usual_errors >= 2 * own.fit.errors + min_errors_saved() THEN own.fit
            ELSE {errors: usual_errors, least_s: usual.least_s, most_s: usual.most_s}
        END AS fit
    FROM groups
    JOIN best AS own USING (local_date, method, member_id)
)
SELECT
    local_date, method, wait_method, member_id, member_name, calls, calls_late, most_errors, is_set,
    fit.errors AS errors, fit.least_s AS threshold_s, fit.most_s AS threshold_most_s
FROM chosen
UNION ALL
SELECT
    local_date, method, common_method(wait_method) AS wait_method, '(all)' AS member_id, '(all)' AS member_name,
    sum(calls) AS calls, sum(calls_late) AS calls_late, sum(most_errors) AS most_errors, bool_and(is_set) AS is_set,
    sum(fit.errors) AS errors,
    CASE WHEN count(fit.least_s) = count(*) AND max(fit.least_s) <= coalesce(min(fit.most_s), max(fit.least_s))
        THEN max(fit.least_s) END AS threshold_s,
    CASE WHEN threshold_s IS NOT NULL THEN min(fit.most_s) END AS threshold_most_s
FROM chosen
GROUP BY local_date, method
