# Two images. The default holds the service and the worker; `--target local` adds the embedded AWS, for development.
# The first word after the name of the image says what runs.
#
#   docker build --tag workflow-manager .
#   docker run --init --publish 8080:8080 --env AWS_REGION --env WFM_SFN_ROLE_ARN --env WFM_STORE=dynamodb --env WFM_AUTH=keys workflow-manager
#   docker run --init --no-healthcheck --env AWS_REGION workflow-manager worker --activity echo -- echo
#
# Every package is checked against the hashes in deploy/image. Pin the base image to the digest that you have checked:
#
#   docker build --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... --tag workflow-manager .

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS wheel

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY deploy/image/build.txt deploy/image/
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --require-hashes --requirement deploy/image/build.txt
COPY sdk sdk
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels ./sdk
COPY pyproject.toml LICENSE ./
COPY app app
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .


FROM ${PYTHON_IMAGE} AS packages

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Without pip in it: nothing in the final image can install anything into this environment.
RUN python3 -m venv --without-pip /opt/workflow-manager
COPY deploy/image/service.txt /requirements/
RUN python3 -m pip --python /opt/workflow-manager/bin/python install \
      --require-hashes --requirement /requirements/service.txt


FROM packages AS packages-local

COPY deploy/image/local.txt /requirements/
RUN python3 -m pip --python /opt/workflow-manager/bin/python install \
      --require-hashes --requirement /requirements/local.txt
COPY --from=wheel /wheels /wheels
RUN python3 -m pip --python /opt/workflow-manager/bin/python install --no-deps --no-index /wheels/*.whl


FROM packages AS packages-service

COPY --from=wheel /wheels /wheels
RUN python3 -m pip --python /opt/workflow-manager/bin/python install --no-deps --no-index /wheels/*.whl


FROM ${PYTHON_IMAGE} AS base

RUN groupadd --gid 10001 workflow-manager \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin workflow-manager
ENV PATH=/opt/workflow-manager/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Replicas in containers are replaced one by one, and requests reach the old one until the load balancer has noticed.
ENV WFM_DRAIN_SECONDS=10

# By number, because Kubernetes cannot tell whether a name is root.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080

# Not urllib, which would ask a proxy of the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/_health'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["workflow-manager"]
CMD ["serve", "--host", "0.0.0.0"]


FROM base AS local

COPY --from=packages-local /opt/workflow-manager /opt/workflow-manager


FROM base AS service

COPY --from=packages-service /opt/workflow-manager /opt/workflow-manager
