-- The database role of the service: it reads and writes rows, and can neither drop, alter nor empty a table,
-- nor change or delete a line of the ledger. Run as the owner of the tables, after `transitmap db upgrade`,
-- and again after every upgrade: psql -v ON_ERROR_STOP=1 -f docs/postgres-role.sql
-- CREATE ROLE transitmap_service LOGIN PASSWORD '...';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO transitmap_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO transitmap_service;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO transitmap_service;
REVOKE UPDATE, DELETE ON ledger FROM transitmap_service;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM transitmap_service;
-- VACUUM, so that rows of the erased are overwritten at once. Before PostgreSQL 17 there is no such right: leave
-- the line out, and autovacuum or the owner does it.
GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO transitmap_service;
