-- CreateTable
CREATE TABLE "rollups" (
    "signal_id" INTEGER NOT NULL,
    "width_s" INTEGER NOT NULL,
    "start" TIMESTAMPTZ(6) NOT NULL,
    "samples" INTEGER NOT NULL,
    "sum" DOUBLE PRECISION,
    "min" DOUBLE PRECISION,
    "max" DOUBLE PRECISION
);

-- CreateTable
CREATE TABLE "rollup_position" (
    "station" TEXT NOT NULL,
    "width_s" INTEGER NOT NULL,
    "up_to" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "rollup_position_pkey" PRIMARY KEY ("station","width_s")
);

-- CreateIndex
CREATE INDEX "rollups_signal_id_width_s_start_idx" ON "rollups"("signal_id", "width_s", "start");

-- Samples of before this migration are rolled up from the first day on.
INSERT INTO "rollup_position" ("station", "width_s", "up_to")
SELECT "station", "width_s", date_trunc('day', min("time"), 'UTC')
FROM "samples" JOIN "signals" ON "id" = "signal_id", unnest(ARRAY[10, 60, 600, 3600, 21600, 86400]) AS "width_s"
GROUP BY "station", "width_s";
