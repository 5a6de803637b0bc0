#!/bin/sh
# Patroni calls this once, on the first primary of a new cluster, with the superuser's address.
set -eu
psql --dbname="$1" --set=ON_ERROR_STOP=1 --set=password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE switchroom LOGIN PASSWORD :'password';
GRANT pg_monitor TO switchroom; -- so that /readyz can say whether there is a second copy
CREATE DATABASE switchroom OWNER switchroom;
SQL
