-- How far staff have followed a workout's thread. What is addressed to somebody has its own `read_at`; this is for those who
-- watch, and counts in no badge. Moves forward only. No foreign key: rows outlive the assignment, and do no harm.
create table thread_marks (
  user_id uuid not null,
  workout_assignment_id uuid not null,
  created_at timestamptz not null,  -- of the last message seen, with its id: unread is what others wrote later
  message_id uuid not null,
  primary key (user_id, workout_assignment_id)
) with (fillfactor = 50);
