//! TLS and SASL/SCRAM, by settings that are passed through.

use std::process::Command;

use super::broker::{Cluster, free_port, kafka};
use super::fleet;
use super::instance::App;
use crate::support::Folder;

/// A broker that speaks TLS to clients which know the password, and its certificate in a folder.
fn secured() -> Option<(Cluster, Folder)> {
    let kafka = kafka()?;
    let folder = Folder::new();
    let (store, certificate) = (folder.file("broker.p12"), folder.file("ca.pem"));
    let keytool = |args: &str| {
        let ran = Command::new("keytool").args(args.split(' ')).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    };
    keytool(&format!(
        "-genkeypair -alias broker -keyalg EC -groupname secp256r1 -validity 30 -dname CN=localhost -ext \
         san=ip:127.0.0.1,dns:localhost -storetype PKCS12 -storepass changeit -keystore {}",
        store.display()
    ));
    keytool(&format!(
        "-exportcert -rfc -alias broker -storepass changeit -keystore {} -file {}",
        store.display(),
        certificate.display()
    ));
    let more = format!(
        "ssl.keystore.location={}\nssl.keystore.password=changeit\nssl.key.password=changeit\nssl.keystore.type=PKCS12\n\
         sasl.enabled.mechanisms=SCRAM-SHA-256\nlistener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
         org.apache.kafka.common.security.scram.ScramLoginModule required;\n",
        store.display()
    );
    let plain = free_port();
    let listener = |port: u16| format!("SASL_SSL://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{plain}");
    let scram = ["--add-scram", "SCRAM-SHA-256=[name=watcher,password=open-sesame]"];
    Some((Cluster::start_with(&kafka, 1, &listener, "PLAINTEXT", &more, &scram), folder))
}

fn credentials(folder: &Folder, password: &str) -> Vec<(String, String)> {
    let ca = folder.file("ca.pem").display().to_string();
    [
        ("SECURITY_PROTOCOL", "SASL_SSL"),
        ("SASL_MECHANISM", "SCRAM-SHA-256"),
        ("SASL_USERNAME", "watcher"),
        ("SASL_PASSWORD", password),
        ("SSL_CA_LOCATION", &ca),
    ]
    .map(|(name, value)| (format!("TIDEWATCH_KAFKA_CLIENT_{name}"), value.to_owned()))
    .to_vec()
}

#[test]
fn tls_and_scram_are_passed_through() {
    let Some((cluster, folder)) = secured() else { return };
    let mut app = App::new(&cluster.servers(), "secure", "");
    app.environment = credentials(&folder, "open-sesame");
    app.fill(&fleet(3, 0..60), 2);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.stop();
    app.audit().fine();
    app.run("doctor --state s").fine();

    let mut wrong = App::new(&cluster.servers(), "secure", "--log-level debug");
    wrong.environment = credentials(&folder, "guessed-password");
    let told = wrong.run("doctor --state s");
    assert!(told.code == 1 && told.out.contains("WRONG brokers"), "{}{}", told.out, told.err);
    assert!(
        !told.out.contains("guessed-password") && !told.err.contains("guessed-password"),
        "a secret is told"
    );
    let mut stranger = App::new(&cluster.servers(), "secure", "");
    stranger.environment = vec![("TIDEWATCH_KAFKA_CLIENT_SECURITY_PROTOCOL".into(), "SSL".into())];
    let told = stranger.run("doctor --state s");
    assert!(told.code == 1 && told.out.contains("is TLS or SASL asked for?"), "{}", told.out);
}
