-- The platform's tables: people, organizations, who belongs where, workouts and who is to do them.
-- Left out by `coachwire migrate --platform external`, which checks instead that they are there and fit.

create type membership_role as enum ('owner', 'admin', 'coach', 'member');
create type membership_status as enum ('active', 'invited', 'pending_invitation', 'suspended', 'cancelled');
create type assignment_kind as enum ('workout', 'rest', 'note');
create type assignment_status as enum ('assigned', 'completed', 'skipped');

-- People. A person is one row here, whatever organizations they belong to.
create table users (
  id uuid primary key default gen_random_uuid(),
  clerk_id varchar(255) unique,
  email varchar(255) not null unique,
  first_name varchar(255),
  last_name varchar(255),
  image_url text,
  phone varchar(50),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);

-- Gyms, studios, chains. Nobody sees another one's data.
create table organizations (
  id uuid primary key default gen_random_uuid(),
  name varchar(255) not null,
  slug varchar(255) not null unique,
  timezone varchar(100) not null default 'UTC',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);

-- A person in an organization: the id that the wire speaks. Leaving and coming back keeps the row.
create table memberships (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id),
  organization_id uuid not null references organizations (id),
  role membership_role not null,
  status membership_status not null,
  joined_at timestamptz,
  end_date timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (user_id, organization_id)
);

-- Training plans, written by staff; a snapshot is the fork of an assigned workout that was edited.
create table workouts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  author_id uuid references users (id),
  title varchar(255) not null,
  is_snapshot boolean not null default false,
  forked_from_id uuid references workouts (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index workouts_organization_idx on workouts (organization_id);

-- The exercises of a workout, in order; loads in the prescription may be `percent_1rm`.
create table workout_movements (
  id uuid primary key default gen_random_uuid(),
  workout_id uuid not null references workouts (id) on delete cascade,
  name varchar(255) not null,
  sort_order int not null default 0,
  prescription jsonb
);
create index workout_movements_workout_idx on workout_movements (workout_id, sort_order);

-- Who is to do what on which day. Its member sees it only when it is published.
create table workout_assignments (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  user_id uuid not null references users (id),
  kind assignment_kind not null default 'workout',
  workout_id uuid references workouts (id),
  snapshot_workout_id uuid references workouts (id),
  date date not null,
  published boolean not null default false,
  status assignment_status not null default 'assigned',
  assigned_by uuid references users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index workout_assignments_user_date_idx on workout_assignments (user_id, organization_id, date);
create index workout_assignments_organization_date_idx on workout_assignments (organization_id, date);
create index workout_assignments_workout_idx on workout_assignments (workout_id);
create index workout_assignments_snapshot_idx on workout_assignments (snapshot_workout_id);
