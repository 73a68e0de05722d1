-- An erasure that is to be written down outside the database before it goes on. No row: not at this step.
select user_id, organization_id
from jobs
where id = $1::uuid and kind = 'erasure' and state = 'running' and stage = 'ledger'
