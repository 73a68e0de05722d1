-- Metrics: the catalogue, sets of it, recorded values: the columns, types, constraints and index names of the
-- platform's data model, and nothing more. Both enums begin with the values named there; later migrations add.

create type metric_unit as enum ('kg', 'lb', '%', 'seconds');
create type metric_kind as enum ('one_rep_max', 'time', 'distance', 'body_comp');

-- What can be measured: one vocabulary for all organizations.
create table metric_definitions (
  id uuid primary key,
  slug varchar(100) unique,
  name_i18n jsonb not null,
  unit metric_unit not null,
  kind metric_kind not null,
  description text
);

-- Named lists of definitions, each owned by a member, a workout or an organization.
create table metric_sets (
  id uuid primary key,
  name varchar(255) not null,
  member_user_id uuid references users (id) on delete cascade,
  workout_id uuid references workouts (id) on delete cascade,
  organization_id uuid references organizations (id) on delete cascade,
  constraint metric_sets_owner_exclusive_chk check (num_nonnulls(member_user_id, workout_id, organization_id) = 1)
);
create index metric_sets_member_idx on metric_sets (member_user_id) where member_user_id is not null;
create index metric_sets_workout_idx on metric_sets (workout_id) where workout_id is not null;
create index metric_sets_org_idx on metric_sets (organization_id) where organization_id is not null;

-- Which definitions are in a set, and in which order.
create table metric_set_definitions (
  set_id uuid not null references metric_sets (id) on delete cascade,
  definition_id uuid not null references metric_definitions (id) on delete restrict,
  sort_order int not null default 0,
  primary key (set_id, definition_id)
);

-- Recorded values. They follow the person, not their time in one gym.
create table member_metrics (
  id uuid primary key,
  member_id uuid not null references users (id),
  definition_id uuid not null references metric_definitions (id),
  value numeric(14, 4) not null,
  unit metric_unit not null,
  recorded_at timestamptz not null default now(),
  source varchar(50)
);
create index member_metrics_member_def_recorded_idx on member_metrics (member_id, definition_id, recorded_at desc);
create index member_metrics_definition_idx on member_metrics (definition_id, recorded_at desc);
