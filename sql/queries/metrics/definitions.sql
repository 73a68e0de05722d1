-- All that can be measured, by slug; names in the language asked for ($1), else in English, else in any.
select d.id, coalesce(d.slug, ''), coalesce(d.name_i18n ->> $1::text, d.name_i18n ->> 'en', (
    select n.value from jsonb_each_text(d.name_i18n) n order by n.key limit 1), ''),
  d.unit::text, d.kind::text, d.description
from metric_definitions d
order by d.slug, d.id
