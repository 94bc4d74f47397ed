-- One row per day and ring group, IVR, number or campaign of its ended calls, with the name that it has in the latest call
-- that names it. A thing that is renamed during a day thus stays one.
SELECT local_date, dimension, id, latest_name(name, started_at, call_id) AS name
FROM (
    SELECT
        local_date, started_at, call_id,
        unnest([
            {dimension: 'ring_group', id: ring_group_id, name: ring_group_name},
            {dimension: 'ivr', id: ivr_id, name: ivr_name},
            {dimension: 'number', id: number_id, name: number_alias},
            {dimension: 'campaign', id: campaign_id, name: campaign_name}
        ], recursive := true)
    FROM calls
    WHERE is_ended
)
WHERE id IS NOT NULL
GROUP BY local_date, dimension, id
