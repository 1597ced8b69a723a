-- CreateTable
CREATE TABLE "lab_items" (
    "number" SERIAL NOT NULL,
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "barcode" TEXT,
    "body" JSONB NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "created_by" TEXT NOT NULL,
    "withdrawn_at" TIMESTAMPTZ(6),
    "withdrawn_by" TEXT,
    "withdrawn_reason" TEXT,

    CONSTRAINT "lab_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lab_item_links" (
    "child" TEXT NOT NULL,
    "relation" TEXT NOT NULL,
    "parent" TEXT NOT NULL,
    "parent_kind" TEXT NOT NULL,

    CONSTRAINT "lab_item_links_pkey" PRIMARY KEY ("child","relation","parent")
);

-- CreateTable
CREATE TABLE "lab_item_changes" (
    "number" SERIAL NOT NULL,
    "item" TEXT NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "by" TEXT NOT NULL,
    "act" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB NOT NULL,

    CONSTRAINT "lab_item_changes_pkey" PRIMARY KEY ("number")
);

-- CreateIndex
CREATE UNIQUE INDEX "lab_items_number_key" ON "lab_items"("number");

-- CreateIndex
CREATE UNIQUE INDEX "lab_items_barcode_key" ON "lab_items"("barcode");

-- CreateIndex
CREATE INDEX "lab_items_kind_number_idx" ON "lab_items"("kind", "number");

-- CreateIndex
CREATE INDEX "lab_item_links_parent_idx" ON "lab_item_links"("parent");

-- CreateIndex
CREATE INDEX "lab_item_changes_item_number_idx" ON "lab_item_changes"("item", "number");

-- Nothing is deleted, and what was written about a change stays.
CREATE FUNCTION "lab_items_stay"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are not %d: withdraw the item with a reason.', TG_TABLE_NAME, lower(TG_OP);
END $$;
CREATE TRIGGER "lab_items_stay" BEFORE DELETE ON "lab_items" FOR EACH ROW EXECUTE FUNCTION "lab_items_stay"();
CREATE TRIGGER "lab_item_changes_stay" BEFORE DELETE OR UPDATE ON "lab_item_changes" FOR EACH ROW EXECUTE FUNCTION "lab_items_stay"();
