-- CreateIndex
CREATE INDEX "events_kind_at_idx" ON "events"("kind", "at");
