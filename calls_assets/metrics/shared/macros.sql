-- Thresholds and expressions that several queries share. Flags that the API leaves null count as false.

-- Thresholds

-- A time longer than a year (s) is impossible, as is a negative one.
CREATE MACRO longest_possible_s() AS 366 * 86_400;

-- A leg that begins more than this (s) before its call has no usable start.
CREATE MACRO leg_start_tolerance_s() AS 5;

-- A method of telling waits may be wrong about this share of the vendor's verdicts.
CREATE MACRO max_wait_errors() AS 0.02;

-- The significance level at which errors count for or against a method.
CREATE MACRO max_chance() AS 0.001;

-- A method is proven only where at least so many calls were answered in time, and so many late.
CREATE MACRO min_calls_of_either_verdict() AS 5;

-- A ring group has a threshold of its own where that saves at least this many errors, and more than half of them.
CREATE MACRO min_errors_saved() AS 10;

-- A figure that needs the waits of some calls is shown where at least this percentage of them has one.
CREATE MACRO min_known_waits_percent() AS 95;

-- A relation of call types can hold only where each set that could break it has at least this many calls.
CREATE MACRO min_calls_to_hold() AS 20;

-- A day whose unreadable records exceed this percentage of its calls is not final.
CREATE MACRO max_unread_percent() AS 1;

-- Expressions

-- A ratio whose denominator is 0 is null.
CREATE MACRO ratio(numerator, denominator) AS numerator / nullif(denominator, 0);

-- An impossible time becomes null.
CREATE MACRO seconds_or_null(seconds) AS CASE WHEN seconds BETWEEN 0 AND longest_possible_s() THEN seconds END;

-- An instant in epoch seconds as a timestamp.
CREATE MACRO instant(epoch_s) AS make_timestamptz(epoch_s * 1_000_000);

-- A timestamp in epoch seconds.
CREATE MACRO epoch_s(moment) AS epoch_us(moment) // 1_000_000;

-- What a clock on the wall shows at an instant in epoch seconds.
CREATE MACRO wall_clock(epoch_s, utc_offset_s) AS make_timestamp((epoch_s + utc_offset_s) * 1_000_000);

-- Start of an agent's leg in epoch seconds: milliseconds are scaled; null, 0 and less are unknown.
CREATE MACRO leg_start(started_at) AS
    CASE WHEN started_at > 100_000_000_000 THEN started_at // 1000 WHEN started_at > 0 THEN started_at END;

-- The ids of the agents of a list of legs.
CREATE MACRO agent_ids(legs) AS coalesce([leg.id FOR leg IN legs IF leg.id IS NOT NULL], []);

-- How many legs or outside numbers of a list came about by a transfer.
CREATE MACRO transferred_of(parts) AS coalesce(len([part FOR part IN parts IF part.is_any_transfer]), 0);

-- The transfers of a call, to agents and to outside numbers; an answered leg is in both lists of agents.
CREATE MACRO transfers_of(all_agents, answered_agents, external_numbers) AS
    greatest(transferred_of(all_agents), transferred_of(answered_agents)) + transferred_of(external_numbers);

-- 'inbound' or 'outbound'; null where the API does not say.
CREATE MACRO direction_of(is_inbound) AS CASE is_inbound WHEN true THEN 'inbound' WHEN false THEN 'outbound' END;

-- Whether a caller asked to be called back, in a menu or in the queue.
CREATE MACRO asked_to_be_called_back(direction, requested_callback, outcome) AS
    direction = 'inbound' AND (requested_callback OR outcome = 'callback_requested');

-- The call types that a call's fields determine.
CREATE MACRO certain_call_types(is_inbound, is_answered, is_answered_within_sla, is_ended) AS list_filter([
    CASE WHEN is_inbound THEN 'all_inbound' END,
    CASE WHEN is_inbound AND is_answered THEN 'inbound_answered' END,
    CASE WHEN is_inbound AND is_answered AND is_answered_within_sla THEN 'inbound_answered_within_sla' END,
    CASE WHEN is_inbound AND is_answered AND NOT is_answered_within_sla THEN 'inbound_answered_but_not_within_sla' END,
    CASE WHEN NOT is_inbound THEN 'all_outbound' END,
    CASE WHEN NOT is_inbound AND is_answered THEN 'outbound_answered' END,
    CASE WHEN NOT is_inbound AND is_ended AND NOT coalesce(is_answered, false) THEN 'outbound_not_answered' END
], lambda call_type: call_type IS NOT NULL);

-- The dimension member that a call with this id belongs to; calls without an id belong to a member of their own.
CREATE MACRO member_of(id) AS coalesce(id::VARCHAR, '(none)');

-- The name that a member had in its latest call; the rows of the days that have no call know only one name.
CREATE MACRO latest_name(name, started_at, call_id) AS coalesce(
    arg_max(name, {began: started_at, call: call_id}) FILTER (call_id IS NOT NULL), any_value(name)
);

-- The probability that from `least` to `most` of `n` calls are wrong, where each is wrong with probability `p`. Further
-- than ten times the root of n from the expected number it is 0.
CREATE MACRO binomial(least, most, n, p) AS coalesce(list_sum([
    exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * ln(p) + (n - k) * ln(1 - p))
    FOR k IN range(
        greatest(least, floor(n * p - 10 * sqrt(n)))::BIGINT, least(most, ceil(n * p + 10 * sqrt(n)))::BIGINT + 1
    )
]), 0);

-- Whether so many errors among so many calls speak against a method of telling waits.
CREATE MACRO contradicts(errors, calls) AS
    errors > calls * max_wait_errors() AND binomial(errors, calls, calls, max_wait_errors()) < max_chance();

-- How long a caller waited, by a method of telling it; null where that says nothing of the call.
CREATE MACRO wait_of(method, outcome, speed_of_answer_s, duration_s, talk_s) AS CASE
    WHEN method = 'leg_start' AND outcome = 'answered' THEN speed_of_answer_s
    WHEN method = 'duration_less_talk' AND outcome = 'answered' THEN seconds_or_null(duration_s - talk_s)
    WHEN method = 'duration_less_talk' AND outcome IN ('abandoned', 'short_abandoned') THEN duration_s
END;

-- How the waits of some calls are told; null where that is not known of all of them, or is not the same for all.
CREATE MACRO common_method(wait_method) AS
    CASE WHEN count(wait_method) = count(*) AND min(wait_method) = max(wait_method) THEN min(wait_method) END;

-- Whether so many of the calls have a wait that a figure may rest on it.
CREATE MACRO are_mostly_known(waits, calls) AS waits * 100 >= calls * min_known_waits_percent();

-- Whether figures of some calls that need a wait can be trusted: 'unknown' where they are not told by one method.
CREATE MACRO wait_status_of(wait_method, contradicts_wait) AS CASE
    WHEN common_method(wait_method) IS NULL THEN 'unknown'
    WHEN bool_or(contradicts_wait) THEN 'contradicted'
    ELSE 'verified'
END;

-- 'final', or why a day can still move.
CREATE MACRO status_of(calls, calls_open, days_inside_lookback, call_types_differing, records_unread) AS coalesce(
    nullif(concat_ws(
        ', ',
        CASE WHEN calls_open > 0 THEN 'open_calls' END,
        CASE WHEN days_inside_lookback > 0 THEN 'inside_lookback' END,
        CASE WHEN call_types_differing > 0 THEN 'not_reconciled' END,
        CASE WHEN records_unread * 100 > calls * max_unread_percent() THEN 'records_unread' END
    ), ''),
    'final'
);

-- When a call's talk begins, in epoch seconds: with its first known answering leg, or else with the call.
CREATE MACRO talk_begin_s(started_at, speed_of_answer_s) AS
    epoch_s(started_at) + coalesce(speed_of_answer_s, 0);

-- The half-hours of local time into which the seconds from an instant (epoch s) on fall, each with its part of them.
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
