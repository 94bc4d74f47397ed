-- What the other queries share. Flags that the API leaves null count as false.

-- A ratio whose denominator is 0 is null.
CREATE MACRO ratio(numerator, denominator) AS numerator / nullif(denominator, 0);

-- A time that is negative, or longer than a year, is impossible and becomes null.
CREATE MACRO seconds_or_null(seconds) AS CASE WHEN seconds BETWEEN 0 AND 366 * 86_400 THEN seconds END;

-- Start of an agent's leg in epoch seconds: milliseconds are scaled; null, 0 and less are unknown.
CREATE MACRO leg_start(started_at) AS
    CASE WHEN started_at > 100_000_000_000 THEN started_at // 1000 WHEN started_at > 0 THEN started_at END;

CREATE MACRO any_transfer(all_agents, answered_agents, external_numbers) AS
    coalesce(list_bool_or([leg.is_any_transfer FOR leg IN all_agents]), false)
    OR coalesce(list_bool_or([leg.is_any_transfer FOR leg IN answered_agents]), false)
    OR coalesce(list_bool_or([other.is_any_transfer FOR other IN external_numbers]), false);

CREATE MACRO agent_ids(legs) AS coalesce([leg.id FOR leg IN legs IF leg.id IS NOT NULL], []);

-- The call types that a call's fields tell for certain.
CREATE MACRO certain_call_types(is_inbound, is_answered, is_answered_within_sla, is_ended) AS list_filter([
    CASE WHEN is_inbound THEN 'all_inbound' END,
    CASE WHEN is_inbound AND is_answered THEN 'inbound_answered' END,
    CASE WHEN is_inbound AND is_answered AND is_answered_within_sla THEN 'inbound_answered_within_sla' END,
    CASE WHEN is_inbound AND is_answered AND NOT is_answered_within_sla THEN 'inbound_answered_but_not_within_sla' END,
    CASE WHEN NOT is_inbound THEN 'all_outbound' END,
    CASE WHEN NOT is_inbound AND is_answered THEN 'outbound_answered' END,
    CASE WHEN NOT is_inbound AND is_ended AND NOT coalesce(is_answered, false) THEN 'outbound_not_answered' END
], lambda call_type: call_type IS NOT NULL);

-- The call types that a call's fields suggest; the API has the last word on them.
CREATE MACRO likely_call_types(is_inbound, is_answered, is_ended, ivr_id, ring_group_id, rang, requested_callback, transferred) AS
    list_filter([
        CASE WHEN is_inbound AND is_ended AND NOT coalesce(is_answered, false) AND ivr_id IS NOT NULL AND ring_group_id IS NULL
            AND NOT rang THEN 'inbound_ivr_exit' END,
        CASE WHEN is_inbound AND requested_callback THEN 'callback' END,
        CASE WHEN transferred AND is_ended THEN 'transfer' END
    ], lambda call_type: call_type IS NOT NULL);

-- Wall clock of an instant (epoch s) at an offset from UTC (s), such as 01:30-04:00.
CREATE MACRO wall_clock(epoch_s, offset_s) AS
    strftime(make_timestamp((epoch_s + offset_s) * 1_000_000), '%H:%M')
    || printf('%s%02d:%02d', CASE WHEN offset_s < 0 THEN '-' ELSE '+' END, abs(offset_s) // 3600, abs(offset_s) % 3600 // 60);

-- 'validated' where at least 98 % of the calls have a validated wait.
CREATE MACRO wait_status_of(known, calls) AS
    CASE WHEN calls = 0 THEN NULL WHEN known * 50 >= calls * 49 THEN 'validated' ELSE 'unverified' END;

-- The shortest of the fixed bins that holds a time in seconds; null for longer ones.
CREATE MACRO bin_of(seconds) AS
    list_filter([15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600], lambda up_to_s: up_to_s >= seconds)[1]::BIGINT;

-- The half-hours of local time that the seconds from an instant (epoch s) on fall in, each with its part of them.
CREATE MACRO half_hours(begin_s, seconds, utc_offset_s) AS [
    {
        at_s: half_hour * 1800 - utc_offset_s,
        begin_s: greatest(begin_s, half_hour * 1800 - utc_offset_s),
        end_s: least(begin_s + seconds, half_hour * 1800 + 1800 - utc_offset_s)
    }
    FOR half_hour IN range(
        (begin_s + utc_offset_s) // 1800, (begin_s + seconds + utc_offset_s - 1) // 1800 + 1
    )
];

-- An instant in epoch seconds as a timestamp.
CREATE MACRO instant(epoch_s) AS make_timestamp(epoch_s * 1_000_000);

-- 'final', or why a day can still move.
CREATE MACRO status_of(calls, calls_open, days_inside_lookback, call_types_differing, records_unread) AS coalesce(nullif(concat_ws(
    ', ',
    CASE WHEN calls_open > 0 THEN 'open_calls' END,
    CASE WHEN days_inside_lookback > 0 THEN 'inside_lookback' END,
    CASE WHEN call_types_differing > 0 THEN 'not_reconciled' END,
    CASE WHEN records_unread * 100 > calls THEN 'records_unread' END
), ''), 'final');

-- The member that calls of a ring group, a menu or such belong to; calls of none are one's too.
CREATE MACRO member_of(id) AS coalesce(id::VARCHAR, '(none)');

-- When a call's talk begins, in epoch seconds: with its first known answering leg, or else with the call.
CREATE MACRO talk_begin_s(started_at, speed_of_answer_s) AS epoch_us(started_at) // 1_000_000 + coalesce(speed_of_answer_s, 0);
