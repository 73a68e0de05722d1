-- What the platform does to roles is written down when it is seen, whoever changed them.
create function note_role_change() returns trigger
language plpgsql volatile security definer
as $$
begin
  perform audit_deed(new.organization_id, nobody(), 'role.changed', new.user_id, new.id,
    jsonb_build_object('from', old.role, 'to', new.role));
  return null;
end $$;

create trigger coachwire_role_changed after update of role on memberships
  for each row when (old.role is distinct from new.role) execute function note_role_change();

do $$
begin
  execute format('alter function note_role_change() set search_path = %I, pg_temp', current_schema());
end $$;
