DROP FUNCTION claim_jobs(
    smallint[], timestamptz[], integer[], integer[], text[], smallint[], uuid[], integer[], boolean, float8, uuid, bigint[], integer[]
);
