-- CreateTable
CREATE TABLE "journal_position" (
    "journal" UUID NOT NULL,
    "station" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "samples" BIGINT NOT NULL DEFAULT 0,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "journal_position_pkey" PRIMARY KEY ("journal")
);

-- CreateTable
CREATE TABLE "runs" (
    "run" TEXT NOT NULL,
    "journal" UUID NOT NULL,
    "created_seq" BIGINT NOT NULL,
    "station" TEXT NOT NULL,
    "recipe" TEXT NOT NULL,
    "recipe_version" TEXT NOT NULL,
    "recipe_text" TEXT NOT NULL,
    "recipe_sha256" TEXT NOT NULL,
    "parameters" JSON NOT NULL,
    "sample" TEXT NOT NULL,
    "product" TEXT NOT NULL,
    "operator" TEXT NOT NULL,
    "acknowledged" TEXT[],
    "lab_file_text" TEXT NOT NULL,
    "lab_file_sha256" TEXT NOT NULL,
    "software_version" TEXT NOT NULL,
    "simulated" BOOLEAN NOT NULL,
    "material" TEXT NOT NULL,
    "melting_point_degc" DOUBLE PRECISION,
    "never_above_degc" DOUBLE PRECISION,
    "plan" JSON NOT NULL,
    "state" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "ended_at" TIMESTAMPTZ(6),
    "cycles_ordered" INTEGER,
    "cycles_complete" INTEGER,
    "cycles_repeated" INTEGER,
    "cycles_unknown" INTEGER,
    "worst_pulse_error_ms" DOUBLE PRECISION,
    "peak_foil_degc" DOUBLE PRECISION,
    "peak_foil_uncertainty_degc" DOUBLE PRECISION,
    "anneal_in_band_s" DOUBLE PRECISION,
    "anneal_maximum_degc" DOUBLE PRECISION,
    "duration_s" DOUBLE PRECISION,
    "planned_s" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "runs_pkey" PRIMARY KEY ("run")
);

-- CreateTable
CREATE TABLE "steps" (
    "journal" UUID NOT NULL,
    "started_seq" BIGINT NOT NULL,
    "run" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "cycle" INTEGER,
    "planned_s" DOUBLE PRECISION NOT NULL,
    "actual_s" DOUBLE PRECISION,
    "outcome" TEXT,
    "detail" TEXT,
    "started_at" TIMESTAMPTZ(6) NOT NULL,
    "ended_at" TIMESTAMPTZ(6),

    CONSTRAINT "steps_pkey" PRIMARY KEY ("journal","started_seq")
);

-- CreateTable
CREATE TABLE "pulses" (
    "journal" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "run" TEXT,
    "pulse" INTEGER NOT NULL,
    "precursor" TEXT NOT NULL,
    "valve" TEXT NOT NULL,
    "cycle" INTEGER,
    "commanded_ms" DOUBLE PRECISION NOT NULL,
    "due_ms" DOUBLE PRECISION NOT NULL,
    "issued_ms" DOUBLE PRECISION,
    "confirmed_ms" DOUBLE PRECISION,
    "baseline_pa" DOUBLE PRECISION,
    "peak_pa" DOUBLE PRECISION,
    "area_pa_s" DOUBLE PRECISION,
    "fate" TEXT NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "pulses_pkey" PRIMARY KEY ("journal","seq")
);

-- CreateTable
CREATE TABLE "events" (
    "journal" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "kind" TEXT NOT NULL,
    "run" TEXT,
    "body" JSON NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("journal","seq")
);

-- CreateTable
CREATE TABLE "instruments" (
    "station" TEXT NOT NULL,
    "instrument" TEXT NOT NULL,
    "driver" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "manufacturer" TEXT,
    "model" TEXT,
    "serial" TEXT,
    "firmware" TEXT,
    "error_code" TEXT,
    "error_message" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "instruments_pkey" PRIMARY KEY ("station","instrument")
);

-- CreateTable
CREATE TABLE "signals" (
    "id" SERIAL NOT NULL,
    "station" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "unit" TEXT,
    "signal_kind" TEXT,
    "description" TEXT,

    CONSTRAINT "signals_pkey" PRIMARY KEY ("id")
);

-- Samples: a hypertable where TimescaleDB is there and loaded, else partitioned by time. What takes the journal over adds a
-- partition for each day (UTC) as its first sample comes. Asking for the extension where the server has not loaded its
-- library would end the session, hence the second condition.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
        AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'
    THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        CREATE TABLE "samples" (
            "signal_id" INTEGER NOT NULL,
            "time" TIMESTAMPTZ(6) NOT NULL,
            "value" DOUBLE PRECISION,
            "quality" SMALLINT NOT NULL
        );
        EXECUTE $sql$SELECT create_hypertable('samples', 'time', chunk_time_interval => INTERVAL '1 day', create_default_indexes => FALSE)$sql$;
    ELSE
        CREATE TABLE "samples" (
            "signal_id" INTEGER NOT NULL,
            "time" TIMESTAMPTZ(6) NOT NULL,
            "value" DOUBLE PRECISION,
            "quality" SMALLINT NOT NULL
        ) PARTITION BY RANGE ("time");
    END IF;
END
$$;

-- CreateIndex
CREATE INDEX "runs_created_at_idx" ON "runs"("created_at");

-- CreateIndex
CREATE INDEX "steps_run_index_idx" ON "steps"("run", "index");

-- CreateIndex
CREATE INDEX "pulses_run_seq_idx" ON "pulses"("run", "seq");

-- CreateIndex
CREATE INDEX "events_run_seq_idx" ON "events"("run", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "signals_station_name_key" ON "signals"("station", "name");

-- CreateIndex
-- BRIN: rows come in the order of time, and by signal within a batch. A B-tree halves the rate of ingestion and saves little,
-- because the rows of one signal lie on most pages anyhow.
CREATE INDEX "samples_signal_id_time_idx" ON "samples" USING BRIN ("signal_id", "time") WITH (pages_per_range = 16, autosummarize = on);
