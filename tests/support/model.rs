//! A model's server that does as a test wants.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Folder, Ran};

/// The key, which must be seen nowhere.
pub const SECRET: &str = "sk-not-to-be-seen-0123456789";

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_mins(10);

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Recommends something for the first target.
    Advises,
    /// Does not take the key, and quotes it.
    Refuses,
    /// Says nothing.
    Hangs,
}

/// A server.
pub struct Model {
    pub url: String,
    calls: Arc<AtomicUsize>,
}

impl Model {
    /// `does` is asked with the number of the request, from 0.
    pub fn new(does: impl Fn(usize) -> Does + Send + Sync + 'static) -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, does) = (Arc::clone(&calls), Arc::new(does));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (counted, does) = (Arc::clone(&counted), Arc::clone(&does));
                std::thread::spawn(move || serve(stream.unwrap(), &counted, &*does));
            }
        });
        Model { url, calls }
    }

    /// What names it in the environment.
    pub fn environment(&self) -> [(String, String); 3] {
        [("LLM_BASE_URL", self.url.as_str()), ("OPENAI_API_KEY", SECRET), ("LLM_MODEL", "test-model")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// Runs with this model named by the environment.
    pub fn run(&self, folder: &Folder, words: &str) -> Ran {
        Ran::of(&folder.command(words).envs(self.environment()).output().unwrap())
    }

    /// How many requests there were.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, counted: &AtomicUsize, does: &dyn Fn(usize) -> Does) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    let body = loop {
        let read = stream.read(&mut piece).unwrap_or(0);
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            break body;
        }
        // Who asks may be killed at any time.
        if read == 0 {
            return;
        }
    };
    let (status, answer) = match does(counted.fetch_add(1, Ordering::SeqCst)) {
        Does::Advises => (200, completion(&body)),
        Does::Refuses => {
            (401, json!({"error": {"message": format!("Incorrect API key provided: {SECRET}")}}))
        }
        Does::Hangs => {
            let (_sender, nothing) = channel::<()>();
            let _ = nothing.recv_timeout(FOREVER);
            return;
        }
    };
    let answer = answer.to_string();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
}

fn completion(request: &Value) -> Value {
    let user = request["messages"][1]["content"].as_str().unwrap();
    let data: Value = serde_json::from_str(user.lines().nth(1).unwrap()).unwrap();
    let answer = json!({"recommendations": [{"id": "rec-001", "action": "Fail the service over to its replica",
        "target": data["targets"][0], "parameters": {"wait": 5}, "benefit_estimate": "back in a minute"}]});
    json!({"choices": [{"message": {"content": answer.to_string()}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5}})
}
