#!/usr/bin/env python3
"""A function for the tests of the sandbox: does what its event says ("answer", "exit" or "hang"), and tells in its answer
how long it was given."""

import json
import os
import sys
import time
import urllib.request

base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as invocation:
        event = json.load(invocation)
        request_id = invocation.headers["lambda-runtime-aws-request-id"]
        deadline = int(invocation.headers["lambda-runtime-deadline-ms"])
    if event == "exit":
        sys.exit(3)
    if event == "hang":
        time.sleep(3600)
    answer = {"pid": os.getpid(), "given_ms": deadline - int(time.time() * 1000)}
    response = urllib.request.Request(f"{base}/{request_id}/response", json.dumps(answer).encode())
    response.add_header("content-type", "application/json")
    urllib.request.urlopen(response).close()
