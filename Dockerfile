# The server of HMS and its workers. The same image runs every `hms` command:
#   docker build --tag hms .
#   docker run --env-file hms.env --volume /etc/hms:/etc/hms:ro --publish 50051:50051 hms
#   docker run --env-file hms.env hms worker
# PostgreSQL, Redis and Envoy run elsewhere: their addresses come from the environment.

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
# The packages first: they change less often than the code.
COPY requirements/production.txt requirements/build.txt requirements/
RUN python -m venv /opt/hms \
    && /opt/hms/bin/pip install --require-hashes --no-deps --only-binary :all: \
        --requirement requirements/production.txt \
    && pip install --require-hashes --no-deps --only-binary :all: \
        --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY hms_server hms_server
COPY generated generated
COPY migrations migrations
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/hms/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/hms/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hms \
    && install --directory --owner hms /run/hms
COPY --from=build /opt/hms /opt/hms
# Inside a container the addresses of the machine are the container's own.
ENV PATH=/opt/hms/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HMS_GRPC_LISTEN=0.0.0.0:50051 \
    HMS_METRICS_LISTEN=0.0.0.0:9464
USER 10001
EXPOSE 50051 9464
# For the server; run workers and cron with --no-healthcheck, since they serve nothing.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["hms", "health"]
ENTRYPOINT ["hms"]
CMD ["serve"]
