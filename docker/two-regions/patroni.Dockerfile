# PostgreSQL 18 with Patroni beside it. Debian's own Patroni is too old for PostgreSQL 18.
FROM postgres:18
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/patroni \
 && /opt/patroni/bin/pip install --no-cache-dir 'patroni[etcd3,psycopg3]>=4.1,<5' \
 && ln -s /opt/patroni/bin/patroni /opt/patroni/bin/patronictl /usr/local/bin/ \
 && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/cluster
COPY patroni.yaml /etc/patroni/patroni.yaml
COPY --chmod=755 make-database.sh /usr/local/bin/make-database
USER postgres
# `patronictl list` in the container needs no arguments.
ENV PATRONICTL_CONFIG_FILE=/etc/patroni/patroni.yaml
VOLUME /var/lib/postgresql
EXPOSE 5432 8008
STOPSIGNAL SIGTERM
ENTRYPOINT ["patroni", "/etc/patroni/patroni.yaml"]
