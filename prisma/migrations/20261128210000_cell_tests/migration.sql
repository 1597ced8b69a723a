-- CreateTable
CREATE TABLE "cell_protocols" (
    "sha256" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "cell_protocols_pkey" PRIMARY KEY ("sha256")
);

-- CreateTable
CREATE TABLE "cell_tests" (
    "number" SERIAL NOT NULL,
    "cell_test" TEXT NOT NULL,
    "journal" UUID NOT NULL,
    "ordered_seq" BIGINT NOT NULL,
    "station" TEXT NOT NULL,
    "cell" TEXT NOT NULL,
    "cycler" TEXT NOT NULL,
    "channel" TEXT,
    "cycler_test" TEXT,
    "protocol" TEXT NOT NULL,
    "protocol_sha256" TEXT NOT NULL,
    "area_cm2" DOUBLE PRECISION,
    "active_mass_g" DOUBLE PRECISION,
    "operator" TEXT NOT NULL,
    "attended_by" TEXT,
    "state" TEXT NOT NULL,
    "cause" TEXT,
    "current_sign" TEXT,
    "ordered_at" TIMESTAMPTZ(6) NOT NULL,
    "started_at" TIMESTAMPTZ(6),
    "ended_at" TIMESTAMPTZ(6),

    CONSTRAINT "cell_tests_pkey" PRIMARY KEY ("number")
);

-- CreateTable
CREATE TABLE "cell_test_gaps" (
    "test" INTEGER NOT NULL,
    "from_seq" INTEGER NOT NULL,
    "to_seq" INTEGER NOT NULL,

    CONSTRAINT "cell_test_gaps_pkey" PRIMARY KEY ("test","from_seq")
);

-- CreateTable
CREATE TABLE "cell_test_half_cycles" (
    "test" INTEGER NOT NULL,
    "index" INTEGER NOT NULL,
    "direction" TEXT NOT NULL,
    "start_h" DOUBLE PRECISION NOT NULL,
    "end_h" DOUBLE PRECISION NOT NULL,
    "capacity_ah" DOUBLE PRECISION NOT NULL,
    "energy_wh" DOUBLE PRECISION NOT NULL,
    "mean_current_a" DOUBLE PRECISION NOT NULL,
    "median_v" DOUBLE PRECISION NOT NULL,
    "low_v" DOUBLE PRECISION NOT NULL,
    "high_v" DOUBLE PRECISION NOT NULL,
    "peak_v" DOUBLE PRECISION NOT NULL,
    "end_v" DOUBLE PRECISION NOT NULL,
    "cycle" INTEGER NOT NULL,
    "first_seq" INTEGER NOT NULL,
    "resume" JSON NOT NULL,

    CONSTRAINT "cell_test_half_cycles_pkey" PRIMARY KEY ("test","index")
);

-- CreateIndex
CREATE UNIQUE INDEX "cell_tests_cell_test_key" ON "cell_tests"("cell_test");

-- CreateIndex
CREATE INDEX "cell_tests_cell_idx" ON "cell_tests"("cell");

-- Rows of hundreds of tests come in turn. Hashed by test, a page holds those of a few tests instead of all, so that one test is
-- read back without reading the others. No more pieces than COPY keeps buffers for.
CREATE TABLE "cell_test_rows" (
    "test" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "cycle" INTEGER NOT NULL,
    "step" INTEGER NOT NULL,
    "time" TIMESTAMPTZ(6) NOT NULL,
    "test_s" DOUBLE PRECISION NOT NULL,
    "step_s" DOUBLE PRECISION NOT NULL,
    "voltage_v" DOUBLE PRECISION NOT NULL,
    "current_a" DOUBLE PRECISION NOT NULL,
    "capacity_ah" DOUBLE PRECISION NOT NULL,
    "energy_wh" DOUBLE PRECISION NOT NULL,
    "step_type" TEXT NOT NULL,

    CONSTRAINT "cell_test_rows_pkey" PRIMARY KEY ("test","seq")
) PARTITION BY HASH ("test");

DO $$
BEGIN
    FOR piece IN 0..31 LOOP
        EXECUTE format('CREATE TABLE cell_test_rows_%s PARTITION OF cell_test_rows FOR VALUES WITH (MODULUS 32, REMAINDER %s)', piece, piece);
    END LOOP;
END
$$;

-- Tests from the time before these tables lie in the events.
INSERT INTO "cell_protocols" ("sha256", "name", "text")
SELECT DISTINCT ON (body->>'protocolSha256') body->>'protocolSha256', body->>'protocol', body->>'protocolText'
FROM "events" WHERE "kind" = 'cell-test-ordered' AND body::text NOT LIKE '%\u0000%';

INSERT INTO "cell_tests" ("cell_test", "journal", "ordered_seq", "station", "cell", "cycler", "channel", "protocol", "protocol_sha256",
    "area_cm2", "active_mass_g", "operator", "attended_by", "state", "ordered_at")
SELECT DISTINCT ON (body->>'cellTest') body->>'cellTest', "journal", e."seq", p."station", body->>'cell', body->>'cycler', body->>'channel',
    body->>'protocol', body->>'protocolSha256', (body->>'areaCm2')::float8, (body->>'activeMassG')::float8, body->>'operator',
    body->>'attendedBy', 'queued', "at"
FROM "events" e JOIN "journal_position" p USING ("journal")
WHERE "kind" = 'cell-test-ordered' AND body::text NOT LIKE '%\u0000%'
ORDER BY body->>'cellTest', "at";

UPDATE "cell_tests" SET "state" = s."state", "cause" = s."cause", "channel" = s."channel", "cycler_test" = s."cycler_test",
    "started_at" = s."started_at", "ended_at" = s."ended_at"
FROM (
    SELECT DISTINCT ON (body->>'cellTest') body->>'cellTest' AS test, body->>'to' AS state, body->>'cause' AS cause,
        body->>'channel' AS channel, body->>'cyclerTest' AS cycler_test,
        min("at") FILTER (WHERE body->>'to' = 'running') OVER (PARTITION BY body->>'cellTest') AS started_at,
        CASE WHEN body->>'to' IN ('finished', 'stopped', 'protected', 'refused', 'lost') THEN "at" END AS ended_at
    FROM "events" WHERE "kind" = 'cell-test-state' AND body::text NOT LIKE '%\u0000%'
    ORDER BY body->>'cellTest', "at" DESC, "seq" DESC
) s WHERE s.test = "cell_tests"."cell_test";

INSERT INTO "cell_test_rows"
SELECT t."number", (r->>'seq')::int, (r->>'cycle')::int, (r->>'step')::int, to_timestamp((r->>'wallMs')::float8 / 1000),
    (r->>'testS')::float8, (r->>'stepS')::float8, (r->>'voltageV')::float8, (r->>'currentA')::float8, (r->>'capacityAh')::float8,
    (r->>'energyWh')::float8, r->>'stepType'
FROM "events" e JOIN "cell_tests" t ON t."cell_test" = e.body->>'cellTest', json_array_elements(e.body->'rows') r
WHERE e."kind" = 'cell-test-rows' AND e.body::text NOT LIKE '%\u0000%'
ON CONFLICT DO NOTHING;

DELETE FROM "events" WHERE "kind" IN ('cell-test-rows', 'cell-test-positions') AND body::text NOT LIKE '%\u0000%';
