-- The objects of these keys are gone.
delete from blob_garbage where key = any ($1::text[])
