"""deploy.py against moto's AWS; in the place of the programs that it runs stands a list of what it would have run."""

import json
import os
import unittest
from pathlib import Path
from unittest.mock import patch

import boto3
from moto import mock_aws

import deploy

REGION = "us-east-1"
STORED = {"DatabaseUrlSecret": "postgres://app@db.example.com/a", "MigrationDatabaseUrlSecret": " "}


class Runs:
    """Notes what is run, and what stood in the parameter file then."""

    def __init__(self):
        self.migrated_with = []
        self.deployed_with = None
        self.command = None
        self.migrate_fails = False

    def __call__(self, command, env):
        if command == ["migrate"]:
            self.migrated_with.append(env["DATABASE_URL"])
            if self.migrate_fails:
                raise deploy.Trouble("migrate failed: see above")
        else:
            self.command = command
            self.file = Path(command[-1].removeprefix("file://"))
            self.mode = self.file.stat().st_mode & 0o777
            self.deployed_with = json.loads(self.file.read_text())


@mock_aws
class Deploying(unittest.TestCase):
    def setUp(self):
        self.runs = Runs()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "MIGRATION", "API_"))}
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        for patched in (patch.object(deploy, "run", self.runs), patch.dict(os.environ, clean | credentials, clear=True)):
            patched.start()
            self.addCleanup(patched.stop)

    def deploy(self, environment="dev", **settings):
        with patch.dict(os.environ, settings):
            deploy.deploy(environment, "arm64", "migrate")

    def stack_is_there(self):
        """A stack with the outputs of template.yaml; moto's stacks hold no secrets of their own."""
        secrets = boto3.client("secretsmanager", region_name=REGION)
        arns = {name: secrets.create_secret(Name=name, SecretString=value)["ARN"] for name, value in STORED.items()}
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": arn} for name, arn in arns.items()},
        }
        aws = boto3.client("cloudformation", region_name=REGION)
        aws.create_stack(StackName="appointment-sync-dev", TemplateBody=json.dumps(template))

    def set_secret(self, name, value):
        boto3.client("secretsmanager", region_name=REGION).put_secret_value(SecretId=name, SecretString=value)

    def test_a_first_deployment_needs_a_database_and_gets_a_webhook_secret(self):
        with self.assertRaisesRegex(deploy.Trouble, "set DATABASE_URL"):
            self.deploy()
        self.assertIsNone(self.runs.command)
        url = "postgres://owner@db.example.com/a?sslmode=require"
        self.deploy(DATABASE_URL=url, GOOGLE_CALENDAR_ID="a@example.com,b@example.com")
        self.assertEqual(self.runs.migrated_with, [url])
        made = self.runs.deployed_with.pop("WebhookSecret")
        self.assertEqual(len(made), 64)
        expected = {"DatabaseUrl": url, "GoogleCalendarId": "a@example.com,b@example.com", "Architecture": "arm64"}
        self.assertEqual(self.runs.deployed_with, expected)

    def test_a_later_one_keeps_what_is_not_set_and_migrates_with_what_is_stored(self):
        self.stack_is_there()
        self.deploy()
        self.assertEqual(self.runs.migrated_with, ["postgres://app@db.example.com/a"])
        self.assertEqual(self.runs.deployed_with, {"Architecture": "arm64"})
        self.set_secret("MigrationDatabaseUrlSecret", "postgres://owner@db.example.com/a")
        self.deploy()
        self.assertEqual(self.runs.migrated_with[-1], "postgres://owner@db.example.com/a")
        self.deploy(MIGRATION_DATABASE_URL="postgres://new@db.example.com/a")
        self.assertEqual(self.runs.migrated_with[-1], "postgres://new@db.example.com/a")

    def test_secrets_go_by_a_file_of_ours_that_is_gone_afterwards(self):
        self.stack_is_there()
        self.deploy(API_KEYS="frontend:appointments:" + "0" * 64)
        self.assertNotIn("frontend", " ".join(self.runs.command))
        self.assertIn("ApiKeys", self.runs.deployed_with)
        self.assertEqual(self.runs.mode, 0o600)
        self.assertFalse(self.runs.file.exists())

    def test_overrides_of_samconfig_are_named_again(self):
        self.stack_is_there()
        self.deploy()
        after = self.runs.command[self.runs.command.index("--parameter-overrides") :]
        self.assertIn("WebhookConcurrency=0", after)
        self.assertIn("LogRetentionDays=7", after)

    def test_nothing_is_deployed_where_migrating_failed(self):
        self.stack_is_there()
        self.runs.migrate_fails = True
        with self.assertRaisesRegex(deploy.Trouble, "migrate failed"):
            self.deploy()
        self.assertIsNone(self.runs.command)

    def test_an_environment_that_samconfig_does_not_have_is_refused(self):
        for name in ("", "staging", "version", "default"):
            with self.assertRaisesRegex(deploy.Trouble, "dev, prod"):
                self.deploy(name)


if __name__ == "__main__":
    unittest.main()
