"""Prints template.yaml as CloudFormation gets it: SAM's own transform, run here. Argument: the template."""

import json
import os
import sys

# Only picks the partition, "aws".
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    # As `sam deploy` leaves it, once the code is uploaded.
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://example/" + resource["Properties"]["CodeUri"]
json.dump(Translator({}, Parser()).translate(template, {}), sys.stdout)
