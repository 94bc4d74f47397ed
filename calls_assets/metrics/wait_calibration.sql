-- One row per ring group, and for all of them: whether the waits of the account's method (CALLS_WAIT) agree with the
-- vendor's verdict (see wait_fits). A day is never asked to prove the method: only more errors than chance allows speak
-- against it.
SELECT
    local_date, member_id, member_name, method, calls, calls_late, threshold_s, threshold_most_s,
    CASE WHEN is_set THEN 'setting' ELSE 'best_fit' END AS threshold_source,
    errors, ratio(errors, calls) AS error_rate,
    CASE
        WHEN contradicts(errors, calls) THEN 'contradicts'
        WHEN contradicts(most_errors, calls) THEN 'agrees'
        ELSE 'too_few'
    END AS agreement
FROM wait_fits
WHERE method = wait_method
