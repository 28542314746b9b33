//! Has a flow's questions answered where nothing else is to be done meanwhile: in a replay and a demo.

use std::time::Duration;

use crate::edge::ports::Advisor;
use crate::flow::Flow;
use crate::flow::task::{FlowName, TaskId};

/// Every question has an end long before.
const PATIENCE: Duration = Duration::from_hours(1);

/// Asks until the flow has no question left. Questions that are open together are asked together.
pub fn settle(flow: &mut dyn Flow, advisor: &mut dyn Advisor) {
    let task = TaskId { flow: FlowName::Advise, partition: 0 };
    let mut open = 0;
    loop {
        for question in flow.questions() {
            advisor.ask(task, question);
            open += 1;
        }
        let answers = if open == 0 { Vec::new() } else { advisor.answers(PATIENCE) };
        if answers.is_empty() {
            return;
        }
        for (_, answer) in answers {
            flow.answer(answer);
            open -= 1;
        }
    }
}
