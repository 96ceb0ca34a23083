"""Deploys one environment of samconfig.toml: first its database, then the functions.

Settings that are set in the environment under the names that README.md lists (DATABASE_URL, GOOGLE_CALENDAR_ID, ...) become
parameters of the template; all others keep what samconfig.toml or the deployment before said. Secrets go by a file that only
we can read, not by a command line that everybody on the machine could. `make deploy` runs this.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import tomlkit
from botocore.exceptions import BotoCoreError, ClientError
from samcli.yamlhelper import yaml_parse

PROJECT = Path(__file__).parent.parent


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("environment", help="a name in samconfig.toml, such as dev or prod")
    arguments.add_argument("--architecture", required=True, choices=["arm64", "x86_64"], help="what the functions are built for")
    arguments.add_argument("--migrate", metavar="PROGRAM", help="brings the database up to date; without it, nobody does")
    given = arguments.parse_args()
    try:
        deploy(given.environment, given.architecture, given.migrate)
    except Trouble as trouble:
        sys.exit(f"deploy: {trouble}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"deploy: AWS says: {error}")


class Trouble(Exception):
    """What the person who deploys has to put right."""


def deploy(environment, architecture, migrate):
    config = settings_of(environment)
    stack = Stack(config["stack_name"], config["region"])
    parameters = from_environment(os.environ) | {"Architecture": architecture}
    if not stack.exists:
        complete_first(parameters)
    if migrate:
        run([migrate], env=os.environ | {"DATABASE_URL": database_url(parameters, stack)})
    overrides = config.get("parameter_overrides", [])
    with parameter_file(parameters) as file:
        command = [str(Path(sys.executable).with_name("sam")), "deploy", "--config-env", environment]
        command += ["--no-fail-on-empty-changeset"]
        # Nobody is there to be asked.
        command += [] if sys.stdin.isatty() else ["--no-confirm-changeset"]
        # Those of samconfig.toml once more: any on the command line take the place of all of them.
        command += ["--parameter-overrides", *overrides, f"file://{file.name}"]
        run(command, env=os.environ | {"SAM_CLI_TELEMETRY": "0"})


def settings_of(environment):
    """What samconfig.toml says of an environment."""
    config = tomlkit.parse((PROJECT / "samconfig.toml").read_text()).unwrap()
    named = [name for name in config if name not in ("version", "default")]
    if environment not in named:
        raise Trouble(f"ENV should be one of {', '.join(named)}, the environments of samconfig.toml")
    parts = config[environment]
    merged = parts.get("global", {}).get("parameters", {}) | parts.get("deploy", {}).get("parameters", {})
    overrides = merged.get("parameter_overrides", [])
    return merged | {"parameter_overrides": [overrides] if isinstance(overrides, str) else overrides}


def from_environment(environ):
    """The template's parameters whose settings are set: GOOGLE_CALENDAR_ID is GoogleCalendarId."""
    template = yaml_parse((PROJECT / "template.yaml").read_text())
    values = {name: environ.get(setting(name), "").strip() for name in template["Parameters"]}
    return {name: value for name, value in values.items() if value}


def setting(parameter):
    """DatabaseUrl is DATABASE_URL."""
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(parameter)).upper()


def complete_first(parameters):
    """A first deployment has none before it to keep settings of."""
    if "DatabaseUrl" not in parameters:
        raise Trouble("the stack does not exist yet: set DATABASE_URL, as the Neon console shows it")
    # Nobody need know it; it can be replaced in Secrets Manager.
    parameters.setdefault("WebhookSecret", secrets.token_hex(32))


def database_url(parameters, stack):
    """What to migrate with: the owner's, where the functions' role is another."""
    found = (
        parameters.get("MigrationDatabaseUrl")
        or stack.secret("MigrationDatabaseUrlSecret")
        or parameters.get("DatabaseUrl")
        or stack.secret("DatabaseUrlSecret")
    )
    if not found:
        raise Trouble("no database is known: set DATABASE_URL, as the Neon console shows it")
    return found


class Stack:
    """What is deployed already."""

    def __init__(self, name, region):
        self.aws = boto3.Session(region_name=region)
        try:
            found = self.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            found = {"StackStatus": "REVIEW_IN_PROGRESS"}
        # A change set that was never carried out leaves a stack of nothing.
        self.exists = found["StackStatus"] != "REVIEW_IN_PROGRESS"
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def secret(self, output):
        """The value of the secret that an output names; empty without one."""
        if output not in self.outputs:
            return ""
        secret = self.aws.client("secretsmanager").get_secret_value(SecretId=self.outputs[output])
        return secret["SecretString"].strip()


def parameter_file(parameters):
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    # JSON is YAML, too.
    json.dump(parameters, file)
    file.flush()
    return file


def run(command, env):
    if subprocess.run(command, env=env, cwd=PROJECT).returncode != 0:
        raise Trouble(f"{Path(command[0]).name} failed: see above")


if __name__ == "__main__":
    main()
