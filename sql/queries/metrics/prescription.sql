-- The exercises of a workout ($4), in order, for a member ($3), as the caller ($1) may see their values in an organization ($2):
-- see prescribed_loads, migration 0023. The columns from the load's unit on are null where no load can be worked out.
select
  p.movement_id, p.name, p.sort_order, p.prescription, p.percent, p.load,
  p.load_unit, p.id, p.membership_id, p.definition_id, p.value, p.unit, p.recorded_at, p.source
from prescribed_loads($1::uuid, $2::uuid, $3::uuid, $4::uuid) p
