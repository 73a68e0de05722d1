-- Writes down that the caller ($1) looks at values of a person ($3) in an organization ($2), and how ($4).
select audit_deed($2::uuid, $1::uuid, 'metrics.read', $3::uuid, null, jsonb_build_object('by', $4::text))
