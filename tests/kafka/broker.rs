//! Real brokers for tests: Apache Kafka as child processes that die with the test.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::Folder;

/// How long a broker may take to start on a busy machine.
const START: Duration = Duration::from_secs(90);

/// Where `tests/kafka/fetch` puts Kafka; `None`, having said so, where it is not there. With
/// `TIDEWATCH_TEST_REQUIRE=all` that is a failure.
pub fn kafka() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let path = cache.join("tidewatch-test/kafka-4.1.1");
    let java = Command::new("java").arg("-version").output().is_ok_and(|ran| ran.status.success());
    if path.join("complete").exists() && java {
        return Some(path);
    }
    let missing = "this needs a broker: java 17, and Kafka as tests/kafka/fetch gets it";
    assert!(std::env::var("TIDEWATCH_TEST_REQUIRE").as_deref() != Ok("all"), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// A Java program of Kafka's.
pub fn java(kafka: &Path, class: &str) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    command.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp"]);
    command.arg(format!("{}/*", kafka.display())).arg(class);
    command
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Brokers that know each other.
pub struct Cluster {
    kafka: PathBuf,
    folder: Folder,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    config: PathBuf,
    /// A shell that kills the broker when its standard input ends, which it does when this process does.
    running: Option<Child>,
}

impl Cluster {
    /// Starts so many brokers, with further lines in their configuration.
    pub fn start(kafka: &Path, brokers: usize, more: &str) -> Cluster {
        let listener = |port: u16| format!("PLAINTEXT://127.0.0.1:{port}");
        Cluster::start_with(kafka, brokers, &listener, "PLAINTEXT", more, &[])
    }

    /// The same with listeners of its own; `format` are further arguments of the storage tool.
    pub fn start_with(
        kafka: &Path,
        brokers: usize,
        listener: &dyn Fn(u16) -> String,
        inter_broker: &str,
        more: &str,
        format: &[&str],
    ) -> Cluster {
        let folder = Folder::new();
        let ports: Vec<(u16, u16)> = (0..brokers).map(|_| (free_port(), free_port())).collect();
        let voters: Vec<String> = ports
            .iter()
            .enumerate()
            .map(|(at, (_, control))| format!("{}@127.0.0.1:{control}", at + 1))
            .collect();
        let replicas = brokers.min(3);
        let in_sync = if replicas == 3 { 2 } else { 1 };
        let uuid = java(kafka, "kafka.tools.StorageTool").arg("random-uuid").output().unwrap();
        let uuid = String::from_utf8(uuid.stdout).unwrap().trim().to_owned();
        let mut nodes = Vec::new();
        for (at, (port, control)) in ports.iter().enumerate() {
            let dir = folder.file(&format!("node-{at}"));
            let config = folder.write(
                &format!("{at}.properties"),
                format!(
                    "process.roles=broker,controller\nnode.id={}\ncontroller.quorum.voters={}\n\
                     listeners={},CONTROLLER://127.0.0.1:{control}\nadvertised.listeners={}\n\
                     controller.listener.names=CONTROLLER\n\
                     listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,\
                     SASL_PLAINTEXT:SASL_PLAINTEXT\n\
                     inter.broker.listener.name={inter_broker}\nlog.dirs={}\n\
                     offsets.topic.replication.factor={replicas}\noffsets.topic.num.partitions=4\n\
                     default.replication.factor={replicas}\nmin.insync.replicas={in_sync}\n\
                     transaction.state.log.replication.factor={replicas}\ntransaction.state.log.min.isr={in_sync}\n\
                     transaction.state.log.num.partitions=4\nshare.coordinator.state.topic.replication.factor=1\n\
                     share.coordinator.state.topic.min.isr=1\ngroup.initial.rebalance.delay.ms=0\n\
                     group.min.session.timeout.ms=1000\n\
                     transaction.abort.timed.out.transaction.cleanup.interval.ms=500\n\
                     auto.create.topics.enable=false\nlog.retention.ms=-1\n\
                     log.message.timestamp.after.max.ms=9223372036854775807\n{more}\n",
                    at + 1,
                    voters.join(","),
                    listener(*port),
                    listener(*port),
                    dir.display()
                ),
            );
            let formatted = java(kafka, "kafka.tools.StorageTool")
                .args(["format", "-t", &uuid, "-c"])
                .arg(&config)
                .args(format)
                .output()
                .unwrap();
            assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
            nodes.push(Node { port: *port, config, running: None });
        }
        let mut cluster = Cluster { kafka: kafka.to_owned(), folder, nodes };
        (0..brokers).for_each(|at| cluster.launch(at));
        (0..brokers).for_each(|at| cluster.wait(at));
        cluster
    }

    fn launch(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let log = fs::File::create(self.folder.file(&format!("{at}.log"))).unwrap();
        let mut broker = java(&self.kafka, "kafka.Kafka");
        broker.arg(&node.config);
        // The broker's own id, so that it can be killed alone.
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" & echo $! > \"$PID\"; cat > /dev/null; kill -9 $!", "sh"]);
        shell.arg(broker.get_program()).args(broker.get_args());
        shell.env("PID", self.folder.file(&format!("{at}.pid")));
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        node.running = Some(shell.spawn().unwrap());
    }

    fn wait(&self, at: usize) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.nodes[at].port)).is_err() {
            let log = || self.folder.read(&format!("{at}.log"));
            assert!(begun.elapsed() < START, "broker {at} does not start: {}", log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Kills a broker.
    pub fn kill(&mut self, at: usize) {
        let pid = self.folder.read(&format!("{at}.pid"));
        let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        if let Some(mut shell) = self.nodes[at].running.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }

    /// Starts a broker that was killed.
    pub fn revive(&mut self, at: usize) {
        self.launch(at);
        self.wait(at);
    }

    pub fn servers(&self) -> String {
        let of = |node: &Node| format!("127.0.0.1:{}", node.port);
        self.nodes.iter().map(of).collect::<Vec<_>>().join(",")
    }

    /// Runs one of Kafka's own tools.
    pub fn tool(&self, class: &str, args: &str) -> String {
        let mut command = java(&self.kafka, class);
        command.args(["--bootstrap-server", &self.servers()]).args(args.split_whitespace());
        let ran = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{class} {args}: {out}{err}");
        out.into_owned()
    }

    /// The committed records of a partition as Kafka's own consumer reads them: id and value. It gives up when nothing comes for
    /// some time, which on a busy machine may be before the last of those that must be there: then it is given more.
    pub fn committed(&self, topic: &str, partition: u32, at_least: usize) -> Vec<(String, String)> {
        let read = |patience_ms: u32| -> Vec<(String, String)> {
            let args = format!(
                "--topic {topic} --partition {partition} --offset earliest --isolation-level read_committed --timeout-ms \
                 {patience_ms} --property print.headers=true --property headers.separator=;"
            );
            let text = self.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &args);
            let record = |line: &str| {
                let (headers, value) = line.split_once('\t')?;
                let id = headers.split(';').find_map(|header| header.strip_prefix("tidewatch-id:"))?;
                Some((id.to_owned(), value.to_owned()))
            };
            text.lines().filter_map(record).collect()
        };
        let found = read(5_000);
        if found.len() < at_least { read(60_000) } else { found }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..self.nodes.len()).for_each(|at| self.kill(at));
    }
}

/// One broker for all tests that do not harm it, each with names of its own. It dies with this process.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Some(Cluster::start(&kafka()?, 1, ""))).as_ref()
}

/// What `path` answers: status and body.
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text.split_once("\r\n\r\n")?.1.to_owned()))
}
