# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/tenant-manager
ENV PATH=/opt/tenant-manager/bin:$PATH

WORKDIR /src
COPY requirements/run.txt requirements/build.txt requirements/
RUN pip install --require-hashes -r requirements/run.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && pip install --no-deps /tmp/wheel/*.whl \
 && python -m compileall -q /opt/tenant-manager/lib

FROM python:3.13-slim-bookworm

LABEL org.opencontainers.image.title="Tenant Manager" \
      org.opencontainers.image.description="Kubernetes operator: Tenant objects become PostgreSQL schemas and logins" \
      org.opencontainers.image.licenses="Apache-2.0"

ENV PATH=/opt/tenant-manager/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/tenant-manager /opt/tenant-manager

USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["tenant-manager"]
CMD ["run"]
