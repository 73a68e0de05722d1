-- Whether an exercise ($4) is one of this workout ($3) in that organization, and the caller may see it. No row: no.
select v.id
from workout_movements v
where v.id = $4::uuid and v.workout_id = $3::uuid and sees_workout($1::uuid, $2::uuid, $3)
