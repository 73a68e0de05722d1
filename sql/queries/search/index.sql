-- Documents of messages, parallel arrays ($1 to $5); of the others that were looked at ($6) none stays.
with written as (
  insert into message_search as s (message_id, organization_id, created_at, content_hash, document)
  select t.id, t.organization, t.at, t.hash, t.document::tsvector
  from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bytea[], $5::text[]) t (id, organization, at, hash, document)
  order by t.id
  on conflict (message_id) do update set content_hash = excluded.content_hash, document = excluded.document)
delete from message_search where message_id = any ($6::uuid[])
