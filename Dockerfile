# A container that runs msgflash-apply on a repo mounted at /repo. No secret is built in: give MSGFLASH_API_KEY, or mount a
# file and name it in MSGFLASH_API_KEY_FILE. Runs with a read-only root; /repo needs write access only for a local state.
# The Python packages are those of .ci/runtime.txt, by version and hash. `msgflash-gitlab` is for the jobs of docs/gitlab-ci.yml;
# it alone needs curl and jq.
FROM python:3.13-slim AS build
COPY . /src
RUN bash /src/.ci/install /opt/msgflash-apply

FROM python:3.13-slim
COPY --from=build /opt/msgflash-apply /opt/msgflash-apply
COPY --from=build --chmod=0755 /src/.ci/gitlab /usr/local/bin/msgflash-gitlab
RUN apt-get update && apt-get install --yes --no-install-recommends curl jq && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home msgflash
ENV PATH="/opt/msgflash-apply/bin:${PATH}" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /repo
ENTRYPOINT ["msgflash-apply"]
CMD ["--help"]
