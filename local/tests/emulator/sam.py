"""Prints, as JSON and by the names of the binaries, the variables that `sam local invoke` would give each function, by SAM's
own code. Arguments: the template, and the file for --env-vars."""

import json
import os
import pathlib
import sys

# Of whoever runs this, nothing goes to a function.
os.environ.pop("AWS_PROFILE", None)
os.environ.update(AWS_ACCESS_KEY_ID="example", AWS_SECRET_ACCESS_KEY="example", AWS_DEFAULT_REGION="us-east-1")

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

template, env_vars = sys.argv[1:]
stacks, _ = SamLocalStackProvider.get_stacks(template)
functions = SamFunctionProvider(stacks)
runner = LocalLambdaRunner(None, functions, ".", ".", env_vars_values=json.loads(pathlib.Path(env_vars).read_text()))
json.dump(
    {
        pathlib.Path(function.codeuri).name: runner._make_env_vars(function).resolve() for function in functions.get_all()
    },
    sys.stdout,
)
