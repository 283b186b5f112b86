//! What a child says on its standard error, for the log.

use std::sync::Arc;

use pqfw_framework::system::{Event, Report};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of one line that are logged. A child that says more on one line is no log.
pub(crate) const LONGEST_LINE_BYTES: usize = 4096;

/// Tells every line, to the end.
pub(crate) async fn tell(mut said: impl AsyncRead + Unpin, name: String, report: Arc<dyn Report>) {
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    let tell = |line: &mut Vec<u8>| {
        if !line.is_empty() {
            let text = printable(&String::from_utf8_lossy(line));
            report.event(&Event::Info(format!("{name}: {text}")));
            line.clear();
        }
    };
    while let Ok(read @ 1..) = said.read(&mut buffer).await {
        for byte in buffer.get(..read).unwrap_or_default() {
            match byte {
                b'\n' => tell(&mut line),
                byte if line.len() < LONGEST_LINE_BYTES => line.push(*byte),
                _ => {}
            }
        }
    }
    tell(&mut line);
}

/// On one line, whatever the child meant its terminal to do.
fn printable(line: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    line.trim_end().chars().map(printable).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);

    impl Report for Log {
        fn event(&self, event: &Event) {
            if let Event::Info(text) = event {
                self.0.lock().unwrap().push(text.clone());
            }
        }
    }

    #[tokio::test]
    async fn each_line_is_told_printable_and_bounded() {
        let log = Arc::new(Log::default());
        let long = "x".repeat(LONGEST_LINE_BYTES + 1);
        let said = format!("one\r\n\n\u{1b}[31mred\n{long}\nlast");
        tell(said.as_bytes(), "c[1]".into(), log.clone()).await;
        let told = log.0.lock().unwrap();
        let cut = format!("c[1]: {}", "x".repeat(LONGEST_LINE_BYTES));
        assert_eq!(*told, ["c[1]: one", "c[1]:  [31mred", &cut, "c[1]: last"]);
    }
}
