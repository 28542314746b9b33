//! A real Chromium, driven over its own pipe.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Folder;

const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page.
pub struct Chromium {
    child: Child,
    to: RefCell<ChildStdin>,
    from: Receiver<Value>,
    session: String,
    number: Cell<u64>,
    /// Errors and messages of the console since the page was opened.
    pub complaints: RefCell<Vec<String>>,
    _folder: Folder,
}

/// Whether there is one; fails where all services are required.
pub fn is_here() -> bool {
    let found =
        Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    if !here {
        let required = std::env::var("TIDEWATCH_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "chromium is required and not installed: apt-get install chromium");
        eprintln!("skipped: chromium is not installed (apt-get install chromium)");
    }
    here
}

impl Chromium {
    /// Starts one, of that size; dark or light.
    pub fn start(width: u32, height: u32, scheme: &str) -> Chromium {
        let folder = Folder::new();
        // The pipe is expected at 3 and 4; what Chromium itself prints is of no interest.
        let script = "exec chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --no-first-run \
                      --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=\"$1\" about:blank \
                      3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";
        let profile = folder.file("profile");
        let mut child = Command::new("sh")
            .args(["-c", script, "sh", profile.to_str().unwrap()])
            .env("HOME", folder.file("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                let Ok(message) = message else { break };
                let Ok(value) = serde_json::from_slice(&message) else { continue };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let mut browser = Chromium {
            child,
            to: RefCell::new(to),
            from,
            session: String::new(),
            number: Cell::new(0),
            complaints: RefCell::default(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}));
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        browser.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.call("Emulation.setEmulatedMedia", &features);
        browser
    }

    /// Calls a method of the protocol.
    pub fn call(&self, method: &str, parameters: &Value) -> Value {
        let number = self.number.get() + 1;
        self.number.set(number);
        let mut request = json!({"id": number, "method": method, "params": parameters});
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.to.borrow_mut().write_all(&bytes).unwrap();
        loop {
            let message =
                self.from.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {method}"));
            if message["id"] == json!(number) {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn note(&self, message: &Value) {
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => &message["params"]["exceptionDetails"],
            Some("Log.entryAdded") => &message["params"]["entry"],
            Some("Runtime.consoleAPICalled") => &message["params"]["args"],
            _ => return,
        };
        self.complaints.borrow_mut().push(complaint.to_string());
    }

    /// What an expression comes to.
    pub fn value(&self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.call("Runtime.evaluate", &parameters)["result"]["value"].clone()
    }

    /// Waits until an expression is true; how long that took.
    pub fn until(&self, expression: &str, patience: Duration) -> Duration {
        let begun = Instant::now();
        while self.value(expression) != json!(true) {
            assert!(begun.elapsed() < patience, "not within {patience:?}: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
    }

    /// Takes a picture into the folder that `TIDEWATCH_TEST_PICTURES` names, if it does.
    pub fn picture(&self, name: &str) {
        let Ok(folder) = std::env::var("TIDEWATCH_TEST_PICTURES") else { return };
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), self.screenshot()).unwrap();
    }

    /// What is seen now, as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        let taken =
            self.call("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": false}));
        decoded(taken["data"].as_str().unwrap())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Base64, as the protocol wraps pictures.
fn decoded(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter_map(|c| alphabet.iter().position(|a| *a == c)) {
        (bits, count) = (bits << 6 | digit as u32, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xFF) as u8);
        }
    }
    out
}
