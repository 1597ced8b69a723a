-- AlterTable
ALTER TABLE "pulses" ADD COLUMN "film_before_nm" DOUBLE PRECISION,
ADD COLUMN "film_after_nm" DOUBLE PRECISION;
