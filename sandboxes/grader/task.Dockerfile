# For a task whose tests/ has no Dockerfile of its own: its hidden checks, and what they need.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER root
COPY wheels/ /tmp/wheels/
COPY tests/ /opt/grader/tests/
RUN if [ -f /opt/grader/tests/requirements.txt ]; then \
        pip install --no-index --find-links /tmp/wheels -r /opt/grader/tests/requirements.txt; \
    fi \
    && rm -rf /tmp/wheels \
    && python -m compileall -q /opt/grader/tests
USER 10001:10001
