-- One row per method of telling a wait and ring group, and for all of them: whether the calls prove the method (see
-- wait_fits), and how probable it was that so many calls would prove one that is wrong about 0.5 % or 1 % of the verdicts.
WITH fitted AS (  -- the limit lies within the root of the calls below the errors that a method at the limit would make
    SELECT
        *,
        most_errors >= min_calls_of_either_verdict() AS has_both,
        coalesce(list_max([
            k FOR k IN range(
                greatest(0, floor(calls * max_wait_errors() - sqrt(calls)))::BIGINT,
                floor(calls * max_wait_errors())::BIGINT + 1
            )
            IF binomial(0, k, calls, max_wait_errors()) < max_chance()
        ]), -1) AS most_errors_allowed
    FROM wait_fits
)
SELECT
    method, member_id, member_name, calls, calls_late, threshold_s, threshold_most_s, errors, ratio(errors, calls) AS error_rate,
    CASE
        WHEN contradicts(errors, calls) THEN 'disproven'
        WHEN errors <= most_errors_allowed AND has_both AND most_errors >= 2 * errors THEN 'proven'
        ELSE 'too_few'
    END AS verdict,
    CASE WHEN has_both THEN binomial(0, most_errors_allowed, calls, 0.005) ELSE 0 END AS power_half_percent,
    CASE WHEN has_both THEN binomial(0, most_errors_allowed, calls, 0.01) ELSE 0 END AS power_one_percent
FROM fitted
ORDER BY method, member_id <> '(all)', calls DESC, member_id
