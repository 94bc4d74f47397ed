-- One row per ring group, and for all of them, and estimate of the wait: how well it agrees with the vendor's verdict
-- on the answered inbound calls, at the threshold that misclassifies the fewest. A ring group with few calls is judged
-- at the threshold of all ring groups together.
WITH estimates AS (
    SELECT * EXCLUDE (groups), unnest(groups, recursive := true)
    FROM (
        SELECT
            local_date, started_at, call_id, is_answered_within_sla AS in_time,
            [
                {member_id: '(all)', member_name: '(all)'},
                {
                    member_id: member_of(ring_group_id),
                    member_name: CASE WHEN ring_group_id IS NULL THEN '(none)' ELSE ring_group_name END
                }
            ] AS groups,
            unnest([
                {method: 'leg_start', wait_s: speed_of_answer_s},
                {method: 'duration_less_talk', wait_s: duration_s - talk_s}
            ], recursive := true)
        FROM calls
        WHERE direction = 'inbound' AND outcome = 'answered' AND is_answered_within_sla IS NOT NULL
    )
    WHERE wait_s >= 0
),
summed AS (
    SELECT
        local_date, member_id, method, arg_max(member_name, {began: started_at, call: call_id}) AS member_name,
        count(*) AS calls, count(*) FILTER (NOT in_time) AS calls_late, min(wait_s) - 1 AS below_all_s
    FROM estimates
    GROUP BY local_date, member_id, method
),
by_wait AS (
    SELECT
        local_date, member_id, method, wait_s,
        count(*) FILTER (in_time) AS in_time, count(*) FILTER (NOT in_time) AS late
    FROM estimates
    GROUP BY local_date, member_id, method, wait_s
),
candidates AS (  -- late calls up to the threshold are wrong, and calls in time beyond it
    SELECT
        local_date, member_id, method, wait_s,
        sum(late) OVER upwards + sum(in_time) OVER whole - sum(in_time) OVER upwards AS errors,
        lead(wait_s) OVER upwards - 1 AS most_s
    FROM by_wait
    WINDOW
        upwards AS (PARTITION BY local_date, member_id, method ORDER BY wait_s),
        whole AS (PARTITION BY local_date, member_id, method)
    UNION ALL BY NAME
    SELECT local_date, member_id, method, below_all_s AS wait_s, calls - calls_late AS errors, below_all_s AS most_s
    FROM summed
),
best AS (
    SELECT local_date, member_id, method, min({errors: errors, wait_s: wait_s, most_s: most_s}) AS found
    FROM candidates
    GROUP BY local_date, member_id, method
),
judged AS (  -- each at its own threshold, or at that of all
    SELECT
        summed.*, calls >= min_calls_to_validate() OR summed.member_id = '(all)' AS is_own,
        CASE WHEN is_own THEN own.found.wait_s ELSE pooled.found.wait_s END AS threshold_s,
        CASE WHEN is_own THEN own.found.most_s ELSE pooled.found.most_s END AS threshold_most_s,
        CASE WHEN is_own THEN own.found.errors ELSE (
            SELECT sum(CASE WHEN by_wait.wait_s <= pooled.found.wait_s THEN late ELSE in_time END)
            FROM by_wait
            WHERE by_wait.local_date = summed.local_date AND by_wait.member_id = summed.member_id
                AND by_wait.method = summed.method
        ) END AS errors
    FROM summed
    JOIN best AS own USING (local_date, member_id, method)
    JOIN best AS pooled ON summed.local_date = pooled.local_date AND summed.method = pooled.method AND pooled.member_id = '(all)'
),
decided AS (
    SELECT
        *,
        errors * 100 <= calls * max_wait_errors_percent() AS has_few_errors,
        is_own AND calls >= min_calls_to_validate() AND has_few_errors
            AND least(calls_late, calls - calls_late) >= greatest(min_calls_of_either_verdict(), 2 * errors) AS is_validated
    FROM judged
)
SELECT
    decided.local_date, decided.member_id, member_name, decided.method, calls, calls_late,
    CASE WHEN is_own THEN 'own' ELSE 'all' END AS judged_at,
    threshold_s, threshold_most_s, errors, ratio(errors, calls) AS error_rate,
    CASE
        WHEN is_own AND is_validated OR NOT is_own AND all_validated AND (errors <= 1 OR has_few_errors) THEN 'validated'
        ELSE 'unverified'
    END AS wait_status
FROM decided
JOIN (SELECT local_date, method, is_validated AS all_validated FROM decided WHERE member_id = '(all)')
    USING (local_date, method)
