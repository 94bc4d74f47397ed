-- One row per day and ring group, IVR, number or campaign of its ended calls, with the name that it has in the latest call
-- that names it. A thing that is renamed during a day thus stays one.
SELECT local_date, 'ring_group' AS dimension, ring_group_id AS id, latest_name(ring_group_name, started_at, call_id) AS name
FROM calls
WHERE is_ended AND ring_group_id IS NOT NULL
GROUP BY local_date, ring_group_id
UNION ALL
SELECT local_date, 'ivr' AS dimension, ivr_id AS id, latest_name(ivr_name, started_at, call_id) AS name
FROM calls
WHERE is_ended AND ivr_id IS NOT NULL
GROUP BY local_date, ivr_id
UNION ALL
SELECT local_date, 'number' AS dimension, number_id AS id, latest_name(number_alias, started_at, call_id) AS name
FROM calls
WHERE is_ended AND number_id IS NOT NULL
GROUP BY local_date, number_id
UNION ALL
SELECT local_date, 'campaign' AS dimension, campaign_id AS id, latest_name(campaign_name, started_at, call_id) AS name
FROM calls
WHERE is_ended AND campaign_id IS NOT NULL
GROUP BY local_date, campaign_id
