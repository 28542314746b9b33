//! The rights that `docs/security.md` lists are enough, on a broker that refuses everything else.

use super::broker::{Cluster, free_port, java, kafka};
use super::fleet;
use super::instance::App;

const PAGE: &str = include_str!("../../docs/security.md");
const USERS: [&str; 7] = ["produce", "run", "consume", "replay", "audit", "feedback", "reset"];
const MAKING: &str = "run, making topics";

/// A row of the page: who may do what with which.
struct Right {
    row: &'static str,
    operations: Vec<&'static str>,
    kind: &'static str,
    names: Vec<&'static str>,
}

fn rights() -> Vec<Right> {
    let (_, section) = PAGE.split_once("## Least rights on Kafka").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let right = |cells: Vec<&'static str>| match cells[..] {
        [row, operations, kind, names] => Right {
            row,
            operations: operations.split(", ").collect(),
            kind,
            names: names.split(", ").collect(),
        },
        _ => panic!("not a row of rights: {cells:?}"),
    };
    cells.filter(|cells| cells[0] != "user").map(right).collect()
}

/// A broker with users, each with a password that is its name; whoever comes by the second port may do anything.
struct Strict {
    cluster: Cluster,
    kafka: std::path::PathBuf,
    admin: u16,
}

impl Strict {
    fn start() -> Option<Strict> {
        let kafka = kafka()?;
        let admin = free_port();
        let listener = |port: u16| format!("SASL_PLAINTEXT://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{admin}");
        let users = USERS.map(|user| format!(" user_{user}=\"{user}\"")).concat();
        let more = format!(
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=false\nsuper.users=User:ANONYMOUS\nsasl.enabled.mechanisms=PLAIN\n\
             listener.name.sasl_plaintext.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required{users};\n"
        );
        let cluster = Cluster::start_with(&kafka, 1, &listener, "PLAINTEXT", &more, &[]);
        Some(Strict { cluster, kafka, admin })
    }

    /// Gives or takes what a row says.
    fn acl(&self, action: &str, right: &Right) {
        let user = right.row.split(',').next().unwrap();
        let parts = right.names.iter().partition::<Vec<&str>, _>(|name| name.ends_with('*'));
        for (pattern, names) in [("prefixed", parts.0), ("literal", parts.1)] {
            if names.is_empty() {
                continue;
            }
            let mut command = java(&self.kafka, "org.apache.kafka.tools.AclCommand");
            command.args(["--bootstrap-server", &format!("127.0.0.1:{}", self.admin), action]);
            command.args(["--allow-principal", &format!("User:{user}"), "--resource-pattern-type", pattern]);
            if action == "--remove" {
                command.arg("--force");
            }
            for operation in &right.operations {
                command.args(["--operation", operation]);
            }
            for name in names {
                command.args([&format!("--{}", right.kind), name.trim_end_matches('*')]);
            }
            let ran = command.output().unwrap();
            assert!(ran.status.success(), "{command:?}: {ran:?}");
        }
    }

    fn log_in(app: &mut App, user: &str) {
        app.environment = [
            ("SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
            ("SASL_MECHANISM", "PLAIN"),
            ("SASL_USERNAME", user),
            ("SASL_PASSWORD", user),
        ]
        .map(|(name, value)| (format!("TIDEWATCH_KAFKA_CLIENT_{name}"), value.to_owned()))
        .to_vec();
    }
}

#[test]
fn the_rights_on_the_page_are_enough() {
    let Some(strict) = Strict::start() else { return };
    let rights = rights();
    assert!(USERS.iter().all(|user| rights.iter().any(|right| right.row == *user)), "a user is missing");
    // What a user has who does more than usual comes later, if at all.
    rights.iter().filter(|right| !right.row.contains(',')).for_each(|right| strict.acl("--add", right));
    let making = rights.iter().find(|right| right.row == MAKING).unwrap();

    let mut app = App::new(&strict.cluster.servers(), "unused", "");
    app.flags = "--topology infrastructure --set window.size=1m".to_owned();
    Strict::log_in(&mut app, "produce");
    app.fill(&fleet(3, 0..60), 2);

    Strict::log_in(&mut app, "run");
    let refused = app.refused("s", "");
    assert!(refused.code != 0 && refused.err.contains("create topic infra"), "{}", refused.err);
    strict.acl("--add", making);
    let mut instance = app.start("s", "");
    instance.wait_done();
    instance.stop();
    // With topics that are there it needs no right to make any.
    strict.acl("--remove", making);
    let mut instance = app.start("s", "");
    instance.wait_done();
    instance.stop();
    app.run("doctor --state s").fine();

    Strict::log_in(&mut app, "consume");
    for what in ["findings", "output", "rejected", "late"] {
        app.run(&format!("consume {what}")).fine();
    }
    Strict::log_in(&mut app, "feedback");
    app.folder.write("said", "{\"tidewatch\":\"unmute\",\"entity\":\"host-0\"}");
    app.run("feedback said").fine();
    Strict::log_in(&mut app, "audit");
    app.audit().fine();
    Strict::log_in(&mut app, "replay");
    app.run("replay --from-topic infra-input --no-advice --format ndjson").fine();

    Strict::log_in(&mut app, "run");
    for (operation, kind, told) in [
        ("Write", "transactional-id", "transactional ids that begin with infrastructure"),
        ("Read", "group", "consumer group infrastructure"),
        ("Read", "topic", "infra-input"),
    ] {
        let taken = rights.iter().find(|one| one.row == "run" && one.kind == kind).unwrap();
        assert!(taken.operations.contains(&operation));
        strict.acl("--remove", taken);
        let doctor = app.run("doctor --state s");
        assert!(doctor.code == 1 && doctor.out.contains(told), "{kind}: {}{}", doctor.out, doctor.err);
        strict.acl("--add", taken);
    }
    app.run("doctor --state s").fine();

    Strict::log_in(&mut app, "reset");
    app.run("reset --state s --yes").fine();
}
