//! The deployment, as CloudFormation gets it: who may do what, where failures go, what the rules let through. What each
//! function is given is compared by the function's own tests.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use local::bus::Pattern;
use local::template::Template;
use serde_json::{Value, json};
use shared::bus::{Message, Origin, SOURCE};
use shared::telemetry::metrics;

const FUNCTIONS: [&str; 4] = [
    "AppointmentsApi",
    "CalendarWebhook",
    "ScheduledSync",
    "WatchRenewer",
];
/// Those that events invoke.
const INVOKED_BY_EVENTS: [&str; 2] = ["ScheduledSync", "WatchRenewer"];

/// Transformed once for all tests.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::transformed().unwrap());

fn attribute(resource: &str, name: &str) -> Value {
    json!({"Fn::GetAtt": [resource, name]})
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// What a function may do: pairs of an action and the resource it is for.
fn grants(function: &str) -> BTreeSet<(String, String)> {
    let id = format!("{function}Role");
    assert_eq!(
        TEMPLATE.properties(function)["Role"],
        attribute(&id, "Arn"),
        "{function}"
    );
    let role = TEMPLATE.properties(&id);
    assert_eq!(
        role["ManagedPolicyArns"],
        Value::Null,
        "{function} has what is written in its role, nothing else"
    );
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(
        trusted[0]["Principal"],
        json!({"Service": "lambda.amazonaws.com"})
    );
    assert_eq!(list(trusted).len(), 1, "{function}");
    let mut grants = BTreeSet::new();
    for policy in list(&role["Policies"]) {
        for statement in list(&policy["PolicyDocument"]["Statement"]) {
            assert_eq!(statement["Effect"], "Allow");
            for action in list(&statement["Action"]) {
                for resource in list(&statement["Resource"]) {
                    grants.insert((action.as_str().unwrap().to_owned(), resource.to_string()));
                }
            }
        }
    }
    grants
}

#[test]
fn each_role_may_do_what_its_function_does_and_nothing_else() {
    let publish = ("events:PutEvents", attribute("EventBus", "Arn"));
    let rule = json!({"Fn::Sub":
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/${AWS::StackName}-auto-sync"});
    let dead = ("sqs:SendMessage", attribute("HandlerFailures", "Arn"));
    let secret = |name| {
        (
            "secretsmanager:GetSecretValue",
            json!({"Ref": format!("Stored{name}")}),
        )
    };
    let [database, google, keys, webhook] = [
        "DatabaseUrl",
        "GoogleServiceAccountJson",
        "ApiKeys",
        "WebhookSecret",
    ]
    .map(secret);
    let calendars = (
        "secretsmanager:GetSecretValue",
        json!({"Fn::If": ["CalendarsAreStored", {"Ref": "GoogleCalendarId"}, {"Ref": "AWS::NoValue"}]}),
    );
    let own: [(&str, Vec<(&str, Value)>); 4] = [
        (
            "AppointmentsApi",
            vec![
                publish.clone(),
                ("events:DescribeRule", rule.clone()),
                ("events:EnableRule", rule.clone()),
                ("events:DisableRule", rule),
                database.clone(),
                google.clone(),
                keys,
                webhook.clone(),
                calendars.clone(),
            ],
        ),
        (
            "CalendarWebhook",
            vec![publish.clone(), database.clone(), webhook.clone()],
        ),
        (
            "ScheduledSync",
            vec![
                publish,
                dead.clone(),
                database.clone(),
                google.clone(),
                calendars.clone(),
            ],
        ),
        ("WatchRenewer", vec![dead, database, google, webhook, calendars]),
    ];
    for (function, own) in own {
        let logs = attribute(&format!("{function}Logs"), "Arn");
        let of_all = [
            ("logs:CreateLogStream", logs.clone()),
            ("logs:PutLogEvents", logs),
            // It gives nothing that GetSecretValue would not.
            ("secretsmanager:BatchGetSecretValue", json!("*")),
            ("xray:PutTraceSegments", json!("*")),
            ("xray:PutTelemetryRecords", json!("*")),
        ];
        let expected = own.into_iter().chain(of_all);
        let expected = expected.map(|(action, resource)| (action.to_owned(), resource.to_string()));
        assert_eq!(grants(function), expected.collect(), "{function}");
    }
    let roles = TEMPLATE.of_type("AWS::IAM::Role").count();
    assert_eq!(roles, FUNCTIONS.len(), "there is no role beside these");
}

#[test]
fn no_secret_stands_in_a_functions_configuration() {
    let mut kept = BTreeSet::new();
    for (id, secret) in TEMPLATE.of_type("AWS::SecretsManager::Secret") {
        let parameter = secret["SecretString"]["Ref"].as_str().unwrap();
        assert_eq!(id, format!("Stored{parameter}"));
        assert_eq!(TEMPLATE.parameter(parameter)["NoEcho"], true, "{parameter}");
        kept.insert(parameter.to_owned());
    }
    let secrets = [
        ("DATABASE_URL", "DatabaseUrl"),
        ("GOOGLE_SERVICE_ACCOUNT_JSON", "GoogleServiceAccountJson"),
        ("API_KEYS", "ApiKeys"),
        ("WEBHOOK_SECRET", "WebhookSecret"),
    ];
    for function in FUNCTIONS {
        let settings = &TEMPLATE.properties(function)["Environment"]["Variables"];
        for (name, value) in settings.as_object().unwrap() {
            match secrets.iter().find(|(secret, _)| secret == name) {
                Some((_, parameter)) => {
                    assert_eq!(
                        *value,
                        json!({"Ref": format!("Stored{parameter}")}),
                        "{function} {name}"
                    );
                }
                None => assert!(
                    !kept
                        .iter()
                        .any(|parameter| value.to_string().contains(&format!("\"{parameter}\""))),
                    "{function} {name}: {value}"
                ),
            }
        }
    }
    let of_functions = secrets.map(|(_, parameter)| parameter.to_owned());
    kept.retain(|parameter| !of_functions.contains(parameter));
    assert_eq!(
        kept,
        BTreeSet::from(["MigrationDatabaseUrl".to_owned()]),
        "no function has it"
    );
}

#[test]
fn both_urls_are_public_with_both_permissions_and_the_others_have_none() {
    let urls: BTreeSet<_> = TEMPLATE
        .of_type("AWS::Lambda::Url")
        .map(|(_, url)| {
            assert_eq!(url["AuthType"], "NONE");
            assert_eq!(url["Cors"], Value::Null, "CORS is the application's");
            url["TargetFunctionArn"]["Ref"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        urls,
        BTreeSet::from(["AppointmentsApi".to_owned(), "CalendarWebhook".to_owned()])
    );
    let mut public = BTreeSet::new();
    for (_, permission) in TEMPLATE.of_type("AWS::Lambda::Permission") {
        if permission["Principal"] == "*" {
            let action = permission["Action"].as_str().unwrap();
            let condition = match action {
                "lambda:InvokeFunctionUrl" => permission["FunctionUrlAuthType"] == "NONE",
                _ => permission["InvokedViaFunctionUrl"] == true,
            };
            assert!(condition, "only by its URL: {permission}");
            public.insert((
                permission["FunctionName"]["Ref"].as_str().unwrap().to_owned(),
                action.to_owned(),
            ));
        } else {
            assert_eq!(permission["Principal"], "events.amazonaws.com");
        }
    }
    let expected = urls.iter().flat_map(|url| {
        ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"].map(|action| (url.clone(), action.to_owned()))
    });
    assert_eq!(public, expected.collect());
}

#[test]
fn each_rule_and_each_failure_of_a_handler_ends_in_a_queue() {
    let mut rules = BTreeSet::new();
    for (id, rule) in TEMPLATE.of_type("AWS::Events::Rule") {
        for target in list(&rule["Targets"]) {
            assert_eq!(
                target["DeadLetterConfig"]["Arn"],
                attribute("DeliveryFailures", "Arn"),
                "{id}"
            );
            assert!(
                target["RetryPolicy"]["MaximumEventAgeInSeconds"].as_i64() >= Some(60),
                "{id}"
            );
            assert!(target["RetryPolicy"]["MaximumRetryAttempts"].is_u64(), "{id}");
        }
        rules.insert(attribute(id, "Arn").to_string());
    }
    assert_eq!(rules.len(), 4);
    let policy = TEMPLATE.properties("DeliveryFailuresPolicy");
    assert_eq!(policy["Queues"], json!([{"Ref": "DeliveryFailures"}]));
    let statement = &policy["PolicyDocument"]["Statement"][0];
    let may_send = list(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]);
    let may_send: BTreeSet<_> = may_send.iter().map(Value::to_string).collect();
    assert_eq!(
        may_send, rules,
        "these rules, and no others, may put something into the queue"
    );

    for function in INVOKED_BY_EVENTS {
        let invoke = TEMPLATE.properties(&format!("{function}EventInvokeConfig"));
        let ends_in = &invoke["DestinationConfig"]["OnFailure"]["Destination"];
        assert_eq!(*ends_in, attribute("HandlerFailures", "Arn"), "{function}");
        assert!(invoke["MaximumEventAgeInSeconds"].is_u64() && invoke["MaximumRetryAttempts"].is_u64());
    }
}

/// Events as EventBridge passes them on, with what our own code publishes in them.
fn published() -> Vec<(&'static str, Value)> {
    let changed = |origin| Message::AppointmentChanged {
        appointment_id: uuid::Uuid::nil(),
        calendar_id: "clinic@example.com".to_owned(),
        version: 1,
        change: "created".to_owned(),
        origin,
    };
    let notified = Message::CalendarChanged {
        calendar_id: "clinic@example.com".to_owned(),
        channel_id: "channel".to_owned(),
        message_number: 1,
    };
    let event = |message: &Message| json!({"source": SOURCE, "detail-type": message.detail_type(), "detail": message});
    vec![
        ("from a caller", event(&changed(Origin::Api))),
        ("from a person", event(&changed(Origin::GoogleCalendar))),
        ("notified", event(&notified)),
    ]
}

#[test]
fn the_rules_let_through_what_is_for_the_sync_and_the_archive_keeps_all() {
    let takes = |pattern: &Value| {
        let pattern = Pattern::new(pattern.clone());
        let taken = published()
            .into_iter()
            .filter(|(_, event)| pattern.matches(event));
        taken.map(|(name, _)| name).collect::<Vec<_>>()
    };
    let rule = |id: &str| {
        let rule = TEMPLATE.properties(id);
        assert_eq!(rule["EventBusName"], json!({"Ref": "EventBus"}));
        assert_eq!(
            list(&rule["Targets"])[0]["Arn"],
            attribute("ScheduledSync", "Arn")
        );
        takes(&rule["EventPattern"])
    };
    assert_eq!(rule("ScheduledSyncAppointmentChanged"), ["from a caller"]);
    assert_eq!(rule("ScheduledSyncCalendarChanged"), ["notified"]);
    let archive = TEMPLATE.properties("EventArchive");
    assert_eq!(archive["SourceArn"], attribute("EventBus", "Arn"));
    assert_eq!(
        takes(&archive["EventPattern"]),
        ["from a caller", "from a person", "notified"]
    );
}

#[test]
fn the_five_minute_run_is_a_rule_that_the_api_knows_by_name() {
    let rule = TEMPLATE.properties("ScheduledSyncAutoSync");
    assert_eq!(
        rule["State"],
        json!({"Fn::If": ["AutoSyncStartsEnabled", "ENABLED", "DISABLED"]})
    );
    assert_eq!(
        rule["ScheduleExpression"],
        json!({"Fn::FindInMap": ["AutoSync", {"Ref": "AutoSyncInterval"}, "Schedule"]})
    );
    let settings = &TEMPLATE.properties("AppointmentsApi")["Environment"]["Variables"];
    assert_eq!(rule["Name"], settings["AUTO_SYNC_RULE_NAME"]);
    let renewer = TEMPLATE.properties("WatchRenewerRenewWatches");
    assert_eq!(renewer["ScheduleExpression"], "rate(1 hour)");
}

#[test]
fn every_function_has_logs_that_end_and_the_webhook_a_share_of_its_own() {
    for function in FUNCTIONS {
        let properties = TEMPLATE.properties(function);
        assert_eq!(properties["Runtime"], "provided.al2023");
        assert_eq!(properties["Architectures"], json!([{"Ref": "Architecture"}]));
        assert_eq!(properties["LoggingConfig"]["LogFormat"], "JSON");
        let group = properties["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        let retention = &TEMPLATE.properties(group)["RetentionInDays"];
        assert_eq!(*retention, json!({"Ref": "LogRetentionDays"}), "{function}");
        let kept = properties["ReservedConcurrentExecutions"].is_object();
        assert_eq!(kept, function == "CalendarWebhook");
    }
}

#[test]
fn every_alarm_tells_somebody() {
    let mut watched = BTreeSet::new();
    for (id, alarm) in TEMPLATE.of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{"Ref": "Alarms"}]), "{id}");
        let one = alarm["MetricName"].as_str().map(str::to_owned);
        let several = list(&alarm["Metrics"]);
        let several = several
            .iter()
            .filter_map(|metric| metric["MetricStat"]["Metric"]["MetricName"].as_str());
        watched.extend(one.into_iter().chain(several.map(str::to_owned)));
    }
    let expected = [
        "ApproximateNumberOfMessagesVisible",
        "ChannelLifeLeft",
        "Duration",
        "Errors",
        "EventsParked",
        "FailedLogins",
        "SyncAge",
        "Throttles",
    ];
    assert_eq!(watched, expected.map(str::to_owned).into());
}

/// The metrics of ours that a widget or an alarm names, with their dimensions.
fn named() -> Vec<(String, BTreeSet<String>)> {
    let mut named = Vec::new();
    for (_, alarm) in TEMPLATE.of_type("AWS::CloudWatch::Alarm") {
        if alarm["Namespace"] == metrics::NAMESPACE {
            let dimensions = list(&alarm["Dimensions"]);
            let dimensions = dimensions
                .iter()
                .map(|dimension| dimension["Name"].as_str().unwrap().to_owned());
            named.push((
                alarm["MetricName"].as_str().unwrap().to_owned(),
                dimensions.collect(),
            ));
        }
    }
    let body = &TEMPLATE.properties("Dashboard")["DashboardBody"]["Fn::Sub"];
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    for widget in list(&body["widgets"]) {
        for metric in list(&widget["properties"]["metrics"]) {
            let words = list(&metric);
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            if words[0] == metrics::NAMESPACE {
                let dimensions = words[2..].iter().step_by(2).map(|name| (*name).to_owned());
                named.push((words[1].to_owned(), dimensions.collect()));
            }
        }
    }
    named
}

#[test]
fn alarms_and_dashboard_show_all_that_is_measured_and_nothing_that_is_not() {
    let counts = metrics::COUNTS.map(|count| (count.name(), count.dimension()));
    let sizes = metrics::SIZES.map(|size| (size.name(), None));
    let measured = counts.into_iter().chain(sizes).map(|(name, dimension)| {
        let dimensions = std::iter::once(metrics::FUNCTION).chain(dimension);
        (name.to_owned(), dimensions.map(str::to_owned).collect())
    });
    let measured: BTreeSet<(String, BTreeSet<String>)> = measured.collect();
    assert_eq!(named().into_iter().collect::<BTreeSet<_>>(), measured);
}
