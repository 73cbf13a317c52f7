# One image for the service, for workers and for the embedded AWS; the first word after its name says which.
#
#   docker build --tag workflow-manager .
#   docker run --init --publish 8080:8080 --env AWS_REGION --env WFM_SFN_ROLE_ARN --env WFM_STORE=dynamodb workflow-manager
#   docker run --init --no-healthcheck --env AWS_REGION workflow-manager worker --activity echo -- echo

FROM python:3.11-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# Without pip in it: nothing in the final image can install anything into this environment.
RUN python3 -m venv --without-pip /opt/workflow-manager

# The package without its code first, so that a change of the code does not install the dependencies again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app/__init__.py app/
RUN python3 -m pip --python /opt/workflow-manager/bin/python install --constraint constraints.txt '.[local]'

COPY app app
RUN python3 -m pip --python /opt/workflow-manager/bin/python install --no-deps --force-reinstall .


FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 workflow-manager \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin workflow-manager
COPY --from=build /opt/workflow-manager /opt/workflow-manager
ENV PATH=/opt/workflow-manager/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

# By number, because Kubernetes cannot tell whether a name is root.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080

# Not urllib, which would ask a proxy of the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/_health'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["workflow-manager"]
CMD ["serve", "--host", "0.0.0.0"]
