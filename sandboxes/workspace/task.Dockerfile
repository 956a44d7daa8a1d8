# For a task whose environment/ has no Dockerfile of its own: its requirements and its repository.
# wheels/ was downloaded on the host; a build needs no package registry.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER root
COPY wheels/ /tmp/wheels/
COPY repo/ /opt/task/repo/
RUN if [ -f /opt/task/repo/requirements.txt ]; then \
        pip install --no-index --find-links /tmp/wheels -r /opt/task/repo/requirements.txt; \
    fi \
    && rm -rf /tmp/wheels
USER 10001:10001
