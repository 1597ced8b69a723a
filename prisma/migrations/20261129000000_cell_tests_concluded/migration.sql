-- AlterTable
ALTER TABLE "cell_tests" ADD COLUMN     "concluded_at" TIMESTAMPTZ(6);

-- CreateIndex
CREATE INDEX "cell_tests_concluded_at_idx" ON "cell_tests"("concluded_at");
