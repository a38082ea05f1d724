-- Takes jobs, and removes those that are done: one statement for all lanes. It walks the index of a lane from its floor, so that rows which
-- are finished and not yet vacuumed, as all are while somebody holds a snapshot, are not walked over again by each claim.
--
-- A function, because to parse and plan it anew takes several times as long as to claim, and a plan that is kept from an empty table, as a
-- queue often is, reads all of a full one. With these settings the plan is the same for both: the lanes by their index, the rest by the
-- primary key. Without JIT, since what has to be sorted for owners counts as if it cost much.
--
-- A finished job is not taken again, even where its lease has run out meanwhile. The rows with claims below nought are finished
-- jobs that are lost.
CREATE FUNCTION claim_jobs(
    lanes smallint[], floors timestamptz[], rooms integer[], shares integer[], known text[],
    owner_lanes smallint[], owners uuid[], rests integer[],
    from_beginning boolean, lease float8, taker uuid, done bigint[], done_claims integer[]
) RETURNS TABLE (
    id bigint, claims integer, lane smallint, kind text, args jsonb, owner uuid, due_at timestamptz,
    failures integer, max_failures integer, lost integer, cancel boolean, trace text, waited float8
) LANGUAGE plpgsql VOLATILE ROWS 8
SET plan_cache_mode = force_generic_plan
SET jit = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH finished AS (
        DELETE FROM jobs WHERE id = ANY (done)
            AND (id, claims) IN (SELECT * FROM unnest(done, done_claims))
        RETURNING id, claims
    ), claimed AS (
        UPDATE jobs SET claims = claims + 1, lost = lost + (lease_until IS NOT NULL)::integer,
            lease_until = now() + make_interval(secs => lease), worker = taker
        WHERE id <> ALL (done) AND id = ANY (ARRAY(
            SELECT chosen.id FROM unnest(lanes, floors, rooms, shares) AS wanted(lane, floor, room, share)
            CROSS JOIN LATERAL (
                SELECT near.id FROM (
                    SELECT ready.id, ready.owner,
                        row_number() OVER (PARTITION BY ready.owner ORDER BY ready.due_at, ready.id) AS nth
                    FROM (
                        SELECT jobs.id, jobs.owner, jobs.due_at FROM jobs
                        WHERE jobs.lane = wanted.lane AND jobs.due_at <= now()
                            AND jobs.due_at >= CASE WHEN from_beginning
                                THEN '-infinity'::timestamptz ELSE wanted.floor END
                            AND (jobs.lease_until IS NULL OR jobs.lease_until < now())
                            AND jobs.kind = ANY (known)
                            AND NOT EXISTS (
                                SELECT FROM unnest(owner_lanes, owners, rests) AS held(lane, owner, rest)
                                WHERE held.lane = wanted.lane AND held.owner = jobs.owner AND held.rest <= 0)
                        ORDER BY jobs.due_at LIMIT wanted.room FOR UPDATE SKIP LOCKED
                    ) AS ready
                ) AS near
                WHERE near.owner IS NULL OR near.nth <= coalesce((
                    SELECT held.rest FROM unnest(owner_lanes, owners, rests) AS held(lane, owner, rest)
                    WHERE held.lane = wanted.lane AND held.owner = near.owner), wanted.share)
            ) AS chosen))
        RETURNING id, claims, lane, kind, args, owner, due_at, failures, max_failures, lost, cancel, trace,
            greatest(extract(epoch FROM now() - due_at), 0)::float8 AS waited
    )
    SELECT * FROM claimed
    UNION ALL
    SELECT gone.id, -gone.claims, 0::smallint, '', 'null', NULL, now(), 0, 0, 0, false, NULL, 0
    FROM (SELECT * FROM unnest(done, done_claims) EXCEPT SELECT * FROM finished) AS gone(id, claims);
END
$$;
